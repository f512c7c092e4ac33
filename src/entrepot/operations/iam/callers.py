"""The caller as a row, for operations that mean the caller when no user is named."""

from entrepot.features.identity import store as identities
from entrepot.features.identity.errors import AccessDenied, UserNameRequired
from entrepot.features.identity.principal import PrincipalKind
from entrepot.features.identity.rows import PrincipalRow
from entrepot.operations.caller import Caller
from entrepot.operations.services import Services

#: What nobody but the root of the registry's own account may do, whatever policies say.
ACTIONS_OF_ROOT = ("iam:CreateAccount", "iam:ListAccounts", "iam:DeleteAccount")
ONLY_ROOT = "because only the root of the registry's own account may"


async def find_caller(services: Services, caller: Caller) -> PrincipalRow:
    """The user or the root that calls; raises UserNameRequired for everybody else.

    The root of the registry's own account has no row, and is shown with the time 0.
    """
    principal = caller.principal
    if principal.kind not in {PrincipalKind.USER, PrincipalKind.ROOT}:
        raise UserNameRequired
    found = await services.metadata.look_up(lambda c: identities.find_principal(c, principal.id))
    if found is not None:
        return found
    if not is_root_of_registry(services, caller):
        raise UserNameRequired
    return PrincipalRow(
        id=principal.account,
        account=principal.account,
        kind=PrincipalKind.ROOT,
        path="/",
        name="",
        created_at=0,
    )


def is_root_of_registry(services: Services, caller: Caller) -> bool:
    """True for the root of the registry's own account, whose access key is a setting."""
    principal = caller.principal
    return principal.kind is PrincipalKind.ROOT and principal.account == services.default_registry.account


def check_is_root_of_registry(services: Services, caller: Caller, name: str) -> None:
    """Let nobody but the root of the registry's own account call ``iam:NAME``; raises AccessDenied."""
    if not is_root_of_registry(services, caller):
        raise AccessDenied(caller.principal.arn, f"iam:{name}", "*", ONLY_ROOT)
