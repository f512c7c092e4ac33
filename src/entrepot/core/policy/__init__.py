"""The IAM policy language: documents in, decisions out. No I/O, and nothing of the registry's own."""
