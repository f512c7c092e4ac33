"""Repository and registry policies: JSON documents that say who may do what. Kept here, decided upon elsewhere."""
