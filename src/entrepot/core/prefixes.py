"""Prefixes of repository names, as creation templates and pull-through cache rules have them.

A prefix is made of whole components: ``prod``, like ``prod/``, covers ``prod/app`` and ``prod/team/app``, and
neither ``prod`` itself nor ``production/app``. ROOT covers every repository.
"""

ROOT = "ROOT"


def prefix_key(prefix: str) -> str:
    """The form of a prefix that tells it from others: without the slash that is implied at its end."""
    return prefix.removesuffix("/")


def covering_prefixes(repository: str) -> list[str]:
    """The keys of all prefixes that cover a repository, the longest first and ROOT at the end."""
    components = repository.split("/")
    return [*("/".join(components[:count]) for count in range(len(components) - 1, 0, -1)), ROOT]
