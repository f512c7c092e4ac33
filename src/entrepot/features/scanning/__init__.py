"""The scanning configuration of a registry, and what follows from it for each of its repositories."""
