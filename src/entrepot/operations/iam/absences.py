"""What a user or a role could have at AWS and never has here, answered truthfully.

Terraform and others ask for all of it before they delete a user or a role.
"""

from entrepot.features.identity.errors import LoginProfileNotFound
from entrepot.features.identity.principal import PrincipalKind
from entrepot.operations.caller import Caller
from entrepot.operations.iam.authorisation import arn_in, ask, ask_on_principal, ask_on_row
from entrepot.operations.iam.callers import find_caller
from entrepot.operations.operation import operation
from entrepot.operations.services import Services


@operation("ListGroupsForUser", service="iam", resource=None)
async def list_groups_for_user(services: Services, caller: Caller, *, user_name: str) -> None:
    """There are no groups. Raises AccessDenied, PrincipalNotFound."""
    await ask_on_principal(services, caller, "ListGroupsForUser", PrincipalKind.USER, user_name)


@operation("ListInstanceProfilesForRole", service="iam", resource=None)
async def list_instance_profiles_for_role(services: Services, caller: Caller, *, role_name: str) -> None:
    """There are no instance profiles. Raises AccessDenied, PrincipalNotFound."""
    await ask_on_principal(services, caller, "ListInstanceProfilesForRole", PrincipalKind.ROLE, role_name)


@operation("ListSSHPublicKeys", service="iam", resource=None)
async def list_ssh_public_keys(services: Services, caller: Caller, *, user_name: str | None = None) -> None:
    """There are no SSH keys. Raises AccessDenied, PrincipalNotFound, UserNameRequired."""
    await _ask_on_user(services, caller, "ListSSHPublicKeys", user_name)


@operation("ListServiceSpecificCredentials", service="iam", resource=None)
async def list_service_specific_credentials(
    services: Services, caller: Caller, *, user_name: str | None = None
) -> None:
    """There are no credentials of services. Raises AccessDenied, PrincipalNotFound, UserNameRequired."""
    await _ask_on_user(services, caller, "ListServiceSpecificCredentials", user_name)


@operation("ListSigningCertificates", service="iam", resource=None)
async def list_signing_certificates(services: Services, caller: Caller, *, user_name: str | None = None) -> None:
    """There are no certificates. Raises AccessDenied, PrincipalNotFound, UserNameRequired."""
    await _ask_on_user(services, caller, "ListSigningCertificates", user_name)


@operation("ListMFADevices", service="iam", resource=None)
async def list_mfa_devices(services: Services, caller: Caller, *, user_name: str | None = None) -> None:
    """There are no MFA devices. Raises AccessDenied, PrincipalNotFound, UserNameRequired."""
    await _ask_on_user(services, caller, "ListMFADevices", user_name)


@operation("ListVirtualMFADevices", service="iam", resource=None)
async def list_virtual_mfa_devices(services: Services, caller: Caller) -> None:
    """There are none of these either. Raises AccessDenied."""
    await ask(services, caller, "ListVirtualMFADevices", arn_in(caller, "mfa/"))


@operation("GetLoginProfile", service="iam", resource=None)
async def get_login_profile(services: Services, caller: Caller, *, user_name: str | None = None) -> None:
    """Nobody has a password. Raises AccessDenied, PrincipalNotFound, UserNameRequired, LoginProfileNotFound."""
    raise LoginProfileNotFound(await _ask_on_user(services, caller, "GetLoginProfile", user_name))


@operation("DeleteLoginProfile", service="iam", resource=None)
async def delete_login_profile(services: Services, caller: Caller, *, user_name: str | None = None) -> None:
    """Nobody has a password. Raises as GetLoginProfile."""
    raise LoginProfileNotFound(await _ask_on_user(services, caller, "DeleteLoginProfile", user_name))


async def _ask_on_user(services: Services, caller: Caller, name: str, user_name: str | None) -> str:
    """The name of the user who is named, or calls, on whom the caller may call this."""
    if user_name is not None:
        return (await ask_on_principal(services, caller, name, PrincipalKind.USER, user_name)).name
    found = await find_caller(services, caller)
    await ask_on_row(services, caller, name, found)
    return found.name
