"""IAM 2010-05-08: what its operations are given."""
