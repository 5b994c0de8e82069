"""Networks that Keras saved, `.keras` and `.h5`, by their configuration; nothing in a file is executed."""
