"""The pages of IAM's lists: MaxItems and Marker in, IsTruncated and Marker out."""

from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from entrepot.fronts.query import Call
from entrepot.operations.iam.pages import After, Page
from entrepot.protocol.query.xml import Value
from entrepot.protocol.tokens import PageToken

#: The page of a list where the client does not ask for a size.
DEFAULT_PAGE = 100


class ListRequest(Protocol):
    """The input of an action that lists."""

    @property
    def marker(self) -> str | None:
        """Where the page begins."""
        ...

    @property
    def max_items(self) -> int | None:
        """How long it may be."""
        ...


@dataclass(frozen=True, slots=True)
class Listing:
    """The part of a list that a request asks for."""

    call: Call
    action: str
    filters: object
    after: After
    limit: int

    @classmethod
    def read(cls, call: Call, action: str, request: ListRequest) -> "Listing":
        """Read the marker and the size; raises InvalidParameter for a marker that is not this list's."""
        members: dict[str, Any] = msgspec.to_builtins(request)
        asked = {name: value for name, value in members.items() if name not in {"Marker", "MaxItems"}}
        filters = (call.caller.principal.account, asked)
        after: After = ()
        if request.marker is not None:
            after = tuple(map(str, PageToken.parse(call.services.signer, request.marker, action, filters).after))
        return cls(call, action, filters, after, request.max_items or DEFAULT_PAGE)

    def members(self, page: Page[Any]) -> dict[str, Value]:
        """What tells the client whether there is more, and how to ask for it."""
        if page.next is None:
            return {"IsTruncated": False}
        marker = PageToken.of(self.action, self.filters, page.next).issue(self.call.services.signer)
        return {"IsTruncated": True, "Marker": marker}
