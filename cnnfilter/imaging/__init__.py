"""Pictures: decoding, encoding, metadata, alpha and depth, and the way from numbers back to a picture."""
