"""The user or the role that a command is about, and the arguments that several commands have."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from entrepot.cli.iam.command import Misused

UserOption = Annotated[str | None, typer.Option("--user", metavar="NAME", help="The user.")]
RoleOption = Annotated[str | None, typer.Option("--role", metavar="NAME", help="The role.")]
PathOption = Annotated[str | None, typer.Option("--path", metavar="PATH", help="The path, as /teams/web/.")]
TagOption = Annotated[list[str] | None, typer.Option("--tag", metavar="KEY=VALUE", help="A tag; may be repeated.")]
BoundaryOption = Annotated[
    str | None,
    typer.Option("--boundary", metavar="POLICY", help="Name or ARN of the managed policy that is the boundary."),
]
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The policy document; - is standard input.")]
PolicyArgument = Annotated[
    str, typer.Argument(metavar="POLICY", help="Name or ARN of a managed policy, of the account or of AWS.")
]


@dataclass(frozen=True, slots=True)
class Principal:
    """A user or a role, by name."""

    kind: Literal["User", "Role"]
    name: str

    @classmethod
    def of(cls, user: str | None, role: str | None) -> "Principal":
        """The one that ``--user`` or ``--role`` names; raises Misused unless exactly one is given."""
        match user, role:
            case str(), None:
                return cls("User", user)
            case None, str():
                return cls("Role", role)
            case _:
                raise Misused("one of --user and --role has to be given")

    @property
    def member(self) -> dict[str, str]:
        """The member of a request that names it."""
        return {f"{self.kind}Name": self.name}

    def __str__(self) -> str:
        return f"the {self.kind.lower()} {self.name}"
