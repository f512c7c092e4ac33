"""Repository creation templates: what a repository gets that nobody creates by name."""
