"""What can be wrong with who is calling."""

from dataclasses import dataclass
from typing import ClassVar

from entrepot.core.errors import Denied


@dataclass(eq=False)
class AccessDenied(Denied):
    """The principal may not do this to the resource."""

    principal: str
    action: str
    resource: str
    policy_type: str = "identity"

    template: ClassVar[str] = (
        "User: {principal} is not authorized to perform: {action} on resource: {resource} because no "
        "{policy_type}-based policy allows the {action} action"
    )
