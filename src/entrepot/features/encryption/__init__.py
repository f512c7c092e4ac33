"""Encryption at rest: data keys, and where encrypted segments lie (designs/encryption.md)."""
