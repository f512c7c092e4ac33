"""Pure values that every storey may use: no I/O, and nothing of ours is imported here."""
