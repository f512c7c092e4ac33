"""What the service model says of an operation."""

from dataclasses import dataclass

import msgspec


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of the ECR API.

    ``input`` and ``output`` are its shapes, ``errors`` the codes it may answer with, as the model
    lists them; ``paginated`` tells whether it takes a ``nextToken``.
    """

    name: str
    input: type[msgspec.Struct]
    output: type[msgspec.Struct]
    errors: tuple[str, ...]
    paginated: bool
