"""Identity: who is calling, and whether they may."""
