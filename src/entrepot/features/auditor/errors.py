"""What keeps an audit from going on."""

from dataclasses import dataclass
from typing import ClassVar

from entrepot.core.errors import Conflict


@dataclass(eq=False)
class AuditorBusy(Conflict):
    """Another process is at work on the audit."""

    template: ClassVar[str] = "Another auditor is at work: wait for it, or stop it"


@dataclass(eq=False)
class AuditTakenOver(Conflict):
    """Another process has taken the audit over, for this one has not been heard of for a while."""

    template: ClassVar[str] = "Another auditor has taken over"
