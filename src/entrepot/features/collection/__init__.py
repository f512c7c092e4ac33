"""Tombstones: bytes that nobody can reach any more, and that are to be removed."""
