"""Files that are not of this machine: in buckets, on servers; and copies of them."""
