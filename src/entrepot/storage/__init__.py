"""Blob storage: bytes under random keys, behind one narrow port (``port.py``)."""
