"""Repositories: names, settings that a repository is created with, resource tags, deletion."""
