"""The faces of the registry. A front translates between a protocol and the operations, and decides nothing."""
