"""The command ``entrepot``."""

from entrepot.cli.main import main

__all__ = ["main"]
