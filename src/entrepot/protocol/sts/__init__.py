"""The Security Token Service 2011-06-15: what its operations are given."""
