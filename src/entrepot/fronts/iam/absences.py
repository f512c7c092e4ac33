"""What nobody has here, on the wire: empty lists, and no password."""

from entrepot.fronts.query import Call, Handler
from entrepot.operations.iam import absences
from entrepot.protocol.iam import shapes
from entrepot.protocol.query.xml import Result


async def _groups(call: Call, request: shapes.ListGroupsForUserRequest) -> Result:
    await absences.list_groups_for_user(call.services, call.caller, user_name=request.user_name)
    return {"Groups": [], "IsTruncated": False}


async def _instance_profiles(call: Call, request: shapes.ListInstanceProfilesForRoleRequest) -> Result:
    await absences.list_instance_profiles_for_role(call.services, call.caller, role_name=request.role_name)
    return {"InstanceProfiles": [], "IsTruncated": False}


async def _ssh_public_keys(call: Call, request: shapes.ListSSHPublicKeysRequest) -> Result:
    await absences.list_ssh_public_keys(call.services, call.caller, user_name=request.user_name)
    return {"SSHPublicKeys": [], "IsTruncated": False}


async def _service_credentials(call: Call, request: shapes.ListServiceSpecificCredentialsRequest) -> Result:
    await absences.list_service_specific_credentials(call.services, call.caller, user_name=request.user_name)
    return {"ServiceSpecificCredentials": []}


async def _signing_certificates(call: Call, request: shapes.ListSigningCertificatesRequest) -> Result:
    await absences.list_signing_certificates(call.services, call.caller, user_name=request.user_name)
    return {"Certificates": [], "IsTruncated": False}


async def _mfa_devices(call: Call, request: shapes.ListMFADevicesRequest) -> Result:
    await absences.list_mfa_devices(call.services, call.caller, user_name=request.user_name)
    return {"MFADevices": [], "IsTruncated": False}


async def _virtual_mfa_devices(call: Call, _request: shapes.ListVirtualMFADevicesRequest) -> Result:
    await absences.list_virtual_mfa_devices(call.services, call.caller)
    return {"VirtualMFADevices": [], "IsTruncated": False}


async def _get_login_profile(call: Call, request: shapes.GetLoginProfileRequest) -> None:
    await absences.get_login_profile(call.services, call.caller, user_name=request.user_name)


async def _delete_login_profile(call: Call, request: shapes.DeleteLoginProfileRequest) -> None:
    await absences.delete_login_profile(call.services, call.caller, user_name=request.user_name)


HANDLERS: dict[str, Handler] = {
    "DeleteLoginProfile": _delete_login_profile,
    "GetLoginProfile": _get_login_profile,
    "ListGroupsForUser": _groups,
    "ListInstanceProfilesForRole": _instance_profiles,
    "ListMFADevices": _mfa_devices,
    "ListSSHPublicKeys": _ssh_public_keys,
    "ListServiceSpecificCredentials": _service_credentials,
    "ListSigningCertificates": _signing_certificates,
    "ListVirtualMFADevices": _virtual_mfa_devices,
}
