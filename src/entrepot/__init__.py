"""Entrepot: a self-hosted container registry that is Amazon ECR to its clients."""

from importlib.metadata import version

__version__ = version("entrepot")
