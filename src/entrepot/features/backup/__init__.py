"""Backups: what has to be copied, checked and restored beside the rows themselves."""
