"""Lifecycle policies: the document of a repository that says which images to expire or archive, and when."""
