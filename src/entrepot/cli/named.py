"""What a command's argument names: a repository, or an image in one by tag or digest."""

from dataclasses import dataclass

import typer

from entrepot.core.digest import Digest, InvalidDigest
from entrepot.core.errors import InvalidParameter
from entrepot.core.names import check_image_tag, check_repository_name

#: The settings by which a command finds the database and the registry in it.
OFFERED = ("data", "database", "account_id", "region", "undelete_days")


@dataclass(frozen=True, slots=True)
class Named:
    """A repository; with a ``tag`` or a ``digest``, never both."""

    repository: str
    tag: str | None = None
    digest: str | None = None


def parse_named(text: str) -> Named:
    """Read ``REPOSITORY``, ``REPOSITORY:TAG`` or ``REPOSITORY@DIGEST``; raises typer.BadParameter."""
    repository, at, digest = text.partition("@")
    repository, colon, tag = repository.partition(":")
    if at and colon:
        raise typer.BadParameter("it is a tag or a digest, not both")
    try:
        check_repository_name(repository)
        if colon:
            check_image_tag(tag)
        found = str(Digest.parse(digest)) if at else None
    except (InvalidParameter, InvalidDigest) as error:
        raise typer.BadParameter(error.message) from None
    return Named(repository, tag if colon else None, found)
