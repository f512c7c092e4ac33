"""Bytes to typed values and back: nothing here does any I/O."""
