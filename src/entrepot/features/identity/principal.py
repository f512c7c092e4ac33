"""Who is calling: a principal that has proved itself, or nobody in particular."""

from dataclasses import dataclass
from enum import StrEnum

from entrepot.core.partitions import partition_of
from entrepot.features.identity.sessions import Session


class PrincipalKind(StrEnum):
    """What a principal is. A session of a role or a user has the kind of its role or user."""

    ROOT = "root"
    USER = "user"
    ROLE = "role"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A caller that has proved who it is.

    ``id`` is the account's number for a root, AIDA… for a user, AROA… for a role; ``arn`` what messages and
    records name: for the session of a role that of the session. ``session`` is set for temporary credentials.
    """

    kind: PrincipalKind
    account: str
    id: str
    arn: str
    path: str = "/"
    name: str = ""
    access_key_id: str = ""
    session: Session | None = None

    @property
    def user_id(self) -> str:
        """What ``aws:userid`` holds."""
        if self.kind is PrincipalKind.ROLE and self.session is not None:
            return f"{self.id}:{self.session.session_name}"
        return self.id

    @property
    def role_arn(self) -> str | None:
        """The role whose session this is."""
        if self.kind is not PrincipalKind.ROLE:
            return None
        partition = self.arn.split(":", 2)[1]
        return f"arn:{partition}:iam::{self.account}:role{self.path}{self.name}"


#: A caller without credentials.
ANONYMOUS = Principal(kind=PrincipalKind.ANONYMOUS, account="", id="", arn="anonymous")


def root_of(account: str, region: str, access_key_id: str, session: Session | None = None) -> Principal:
    """The root of an account, or a session of it."""
    return Principal(
        kind=PrincipalKind.ROOT,
        account=account,
        id=account,
        arn=f"arn:{partition_of(region).name}:iam::{account}:root",
        access_key_id=access_key_id,
        session=session,
    )


def user_of(
    account: str, region: str, *, user_id: str, path: str, name: str, access_key_id: str, session: Session | None
) -> Principal:
    """A user, or a session of one."""
    arn = f"arn:{partition_of(region).name}:iam::{account}:user{path}{name}"
    return Principal(
        kind=PrincipalKind.USER,
        account=account,
        id=user_id,
        arn=arn,
        path=path,
        name=name,
        access_key_id=access_key_id,
        session=session,
    )


def role_of(region: str, *, path: str, name: str, session: Session) -> Principal:
    """A session of a role. Its ARN leaves the role's path out, as AWS's does."""
    partition = partition_of(region).name
    return Principal(
        kind=PrincipalKind.ROLE,
        account=session.account,
        id=session.principal_id,
        arn=f"arn:{partition}:sts::{session.account}:assumed-role/{name}/{session.session_name}",
        path=path,
        name=name,
        access_key_id=session.access_key_id,
        session=session,
    )
