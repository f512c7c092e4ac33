"""What every handler of the API is given, and what most of them need."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from entrepot.core.clock import SECOND
from entrepot.core.errors import InvalidParameter
from entrepot.operations.caller import Caller
from entrepot.operations.services import Services
from entrepot.protocol.tokens import PageToken

#: The page of a list where the client does not ask for a size.
DEFAULT_PAGE = 100


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request; ``base_url`` is how the client reached us, without a path."""

    services: Services
    caller: Caller
    base_url: str


#: Takes the call and its input, an instance of the operation's input shape; gives the output shape.
Handler = Callable[[Call, Any], Awaitable[msgspec.Struct]]


def seconds(microseconds: int) -> float:
    """A time as the wire has it."""
    return microseconds / SECOND


@dataclass(frozen=True, slots=True)
class Page:
    """The part of a list that a request asks for; ``after`` is the sort key to go on from, () at the start."""

    operation: str
    filters: object
    after: tuple[str | int | None, ...]
    limit: int

    def next_token(self, call: Call, more: bool, after: tuple[str | int | None, ...]) -> str | None:
        """The token for what follows, None at the end."""
        if not more:
            return None
        return PageToken.of(self.operation, self.filters, after).issue(call.services.signer)


def read_page(
    call: Call, operation: str, filters: object, next_token: str | None, max_results: int | None
) -> Page:
    """Read a list's token and page size; raises InvalidParameter for a token that is not this list's."""
    bound = (call.caller.registry.account, call.caller.registry.region, filters)
    after: tuple[str | int | None, ...] = ()
    if next_token is not None:
        after = PageToken.parse(call.services.signer, next_token, operation, bound).after
    return Page(operation, bound, after, DEFAULT_PAGE if max_results is None else max_results)


def refuse_page_with(parameter: str, next_token: str | None, max_results: int | None) -> None:
    """A list by name has no pages; raises InvalidParameter when both are asked for (service model)."""
    if next_token is not None:
        raise InvalidParameter("nextToken", f"Member must not be given together with {parameter}")
    if max_results is not None:
        raise InvalidParameter("maxResults", f"Member must not be given together with {parameter}")
