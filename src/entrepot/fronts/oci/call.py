"""What every handler of ``/v2/`` is given."""

from dataclasses import dataclass

from entrepot.fronts.asgi import Request
from entrepot.operations.services import Caller, Services


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request."""

    services: Services
    caller: Caller
    request: Request
