"""The OCI distribution protocol as bytes and values: paths, errors, ranges of uploads."""
