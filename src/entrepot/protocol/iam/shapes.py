"""The inputs of 74 operations of IAM 2010-05-08.

Written by scripts/generate-shapes from botocore's service model; change the script, not this file.
A shape has the model's name, a member the model's name in snake_case; a member that is absent is
None.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

arnType = Annotated[str, msgspec.Meta(min_length=20, max_length=2048)]
clientIDType = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class AddClientIDToOpenIDConnectProviderRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"
):
    open_idconnect_provider_arn: arnType = msgspec.field(name="OpenIDConnectProviderArn")
    client_id: clientIDType = msgspec.field(name="ClientID")


roleNameType = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"\A(?a:[\w+=,.@-]+)\Z")]


class AttachRolePolicyRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    role_name: roleNameType
    policy_arn: arnType


userNameType = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"\A(?a:[\w+=,.@-]+)\Z")]


class AttachUserPolicyRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    user_name: userNameType
    policy_arn: arnType


existingUserNameType = Annotated[str, msgspec.Meta(min_length=1, max_length=128, pattern=r"\A(?a:[\w+=,.@-]+)\Z")]


class CreateAccessKeyRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    user_name: existingUserNameType | None = None


OpenIDConnectProviderUrlType = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
thumbprintType = Annotated[str, msgspec.Meta(min_length=40, max_length=40)]
tagKeyType = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=128,
        pattern=r"\A(?a:(?u:[\w \u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000.:/=+\-@]+))\Z",
    ),
]
tagValueType = Annotated[
    str,
    msgspec.Meta(
        max_length=256,
        pattern=r"\A(?a:(?u:[\w \u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000.:/=+\-@]*))\Z",
    ),
]


class Tag(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    key: tagKeyType
    value: tagValueType


tagListType = Annotated[Sequence[Tag], msgspec.Meta(max_length=50)]


class CreateOpenIDConnectProviderRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"
):
    url: OpenIDConnectProviderUrlType
    client_idlist: Sequence[clientIDType] | None = msgspec.field(default=None, name="ClientIDList")
    thumbprint_list: Sequence[thumbprintType] | None = None
    tags: tagListType | None = None


policyNameType = Annotated[str, msgspec.Meta(min_length=1, max_length=128, pattern=r"\A(?a:[\w+=,.@-]+)\Z")]
policyPathType = Annotated[
    str, msgspec.Meta(min_length=1, max_length=512, pattern=r"\A(?a:((/[A-Za-z0-9\.,\+@=_-]+)*)/)\Z")
]
policyDocumentType = Annotated[
    str, msgspec.Meta(min_length=1, max_length=131072, pattern=r"\A(?a:[\u0009\u000A\u000D\u0020-\u00FF]+)\Z")
]
policyDescriptionType = Annotated[str, msgspec.Meta(max_length=1000)]


class CreatePolicyRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    policy_name: policyNameType
    path: policyPathType | None = None
    policy_document: policyDocumentType
    description: policyDescriptionType | None = None
    tags: tagListType | None = None


class CreatePolicyVersionRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    policy_arn: arnType
    policy_document: policyDocumentType
    set_as_default: bool | None = None


pathType = Annotated[
    str, msgspec.Meta(min_length=1, max_length=512, pattern=r"\A(?a:(\u002F)|(\u002F[\u0021-\u007E]+\u002F))\Z")
]
roleDescriptionType = Annotated[
    str, msgspec.Meta(max_length=1000, pattern=r"\A(?a:[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*)\Z")
]
roleMaxSessionDurationType = Annotated[int, msgspec.Meta(ge=3600, le=43200)]


class CreateRoleRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    path: pathType | None = None
    role_name: roleNameType
    assume_role_policy_document: policyDocumentType
    description: roleDescriptionType | None = None
    max_session_duration: roleMaxSessionDurationType | None = None
    permissions_boundary: arnType | None = None
    tags: tagListType | None = None


class CreateUserRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    path: pathType | None = None
    user_name: userNameType
    permissions_boundary: arnType | None = None
    tags: tagListType | None = None


accessKeyIdType = Annotated[str, msgspec.Meta(min_length=16, max_length=128, pattern=r"\A(?a:[\w]+)\Z")]


class DeleteAccessKeyRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    user_name: existingUserNameType | None = None
    access_key_id: accessKeyIdType


class DeleteLoginProfileRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    user_name: userNameType | None = None


class DeleteOpenIDConnectProviderRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"
):
    open_idconnect_provider_arn: arnType = msgspec.field(name="OpenIDConnectProviderArn")


class DeletePolicyRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    policy_arn: arnType


policyVersionIdType = Annotated[str, msgspec.Meta(pattern=r"\A(?a:v[1-9][0-9]*(\.[A-Za-z0-9-]*)?)\Z")]


class DeletePolicyVersionRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    policy_arn: arnType
    version_id: policyVersionIdType


class DeleteRolePermissionsBoundaryRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"
):
    role_name: roleNameType


class DeleteRolePolicyRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    role_name: roleNameType
    policy_name: policyNameType


class DeleteRoleRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    role_name: roleNameType


class DeleteUserPermissionsBoundaryRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"
):
    user_name: userNameType


class DeleteUserPolicyRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    user_name: existingUserNameType
    policy_name: policyNameType


class DeleteUserRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    user_name: existingUserNameType


class DetachRolePolicyRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    role_name: roleNameType
    policy_arn: arnType


class DetachUserPolicyRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    user_name: userNameType
    policy_arn: arnType


class GetAccessKeyLastUsedRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    access_key_id: accessKeyIdType


EntityType = Literal["User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"]
maxItemsType = Annotated[int, msgspec.Meta(ge=1, le=1000)]
markerType = Annotated[str, msgspec.Meta(min_length=1, max_length=2048, pattern=r"\A(?a:[\u0020-\u00FF]+)\Z")]


class GetAccountAuthorizationDetailsRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"
):
    filter: Sequence[EntityType] | None = None
    max_items: maxItemsType | None = None
    marker: markerType | None = None


class GetLoginProfileRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    user_name: userNameType | None = None


class GetOpenIDConnectProviderRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"
):
    open_idconnect_provider_arn: arnType = msgspec.field(name="OpenIDConnectProviderArn")


class GetPolicyRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    policy_arn: arnType


class GetPolicyVersionRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    policy_arn: arnType
    version_id: policyVersionIdType


class GetRolePolicyRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    role_name: roleNameType
    policy_name: policyNameType


class GetRoleRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    role_name: roleNameType


class GetUserPolicyRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    user_name: existingUserNameType
    policy_name: policyNameType


class GetUserRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    user_name: existingUserNameType | None = None


class ListAccessKeysRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    user_name: existingUserNameType | None = None
    marker: markerType | None = None
    max_items: maxItemsType | None = None


class ListAttachedRolePoliciesRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"
):
    role_name: roleNameType
    path_prefix: policyPathType | None = None
    marker: markerType | None = None
    max_items: maxItemsType | None = None


class ListAttachedUserPoliciesRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"
):
    user_name: userNameType
    path_prefix: policyPathType | None = None
    marker: markerType | None = None
    max_items: maxItemsType | None = None


PolicyUsageType = Literal["PermissionsPolicy", "PermissionsBoundary"]


class ListEntitiesForPolicyRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    policy_arn: arnType
    entity_filter: EntityType | None = None
    path_prefix: pathType | None = None
    policy_usage_filter: PolicyUsageType | None = None
    marker: markerType | None = None
    max_items: maxItemsType | None = None


class ListGroupsForUserRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    user_name: existingUserNameType
    marker: markerType | None = None
    max_items: maxItemsType | None = None


class ListInstanceProfilesForRoleRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"
):
    role_name: roleNameType
    marker: markerType | None = None
    max_items: maxItemsType | None = None


class ListMFADevicesRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    user_name: existingUserNameType | None = None
    marker: markerType | None = None
    max_items: maxItemsType | None = None


class ListOpenIDConnectProviderTagsRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"
):
    open_idconnect_provider_arn: arnType = msgspec.field(name="OpenIDConnectProviderArn")
    marker: markerType | None = None
    max_items: maxItemsType | None = None


class ListOpenIDConnectProvidersRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"
):
    pass


policyScopeType = Literal["All", "AWS", "Local"]


class ListPoliciesRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    scope: policyScopeType | None = None
    only_attached: bool | None = None
    path_prefix: policyPathType | None = None
    policy_usage_filter: PolicyUsageType | None = None
    marker: markerType | None = None
    max_items: maxItemsType | None = None


class ListPolicyTagsRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    policy_arn: arnType
    marker: markerType | None = None
    max_items: maxItemsType | None = None


class ListPolicyVersionsRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    policy_arn: arnType
    marker: markerType | None = None
    max_items: maxItemsType | None = None


class ListRolePoliciesRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    role_name: roleNameType
    marker: markerType | None = None
    max_items: maxItemsType | None = None


class ListRoleTagsRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    role_name: roleNameType
    marker: markerType | None = None
    max_items: maxItemsType | None = None


pathPrefixType = Annotated[
    str, msgspec.Meta(min_length=1, max_length=512, pattern=r"\A(?a:\u002F[\u0021-\u007F]*)\Z")
]


class ListRolesRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    path_prefix: pathPrefixType | None = None
    marker: markerType | None = None
    max_items: maxItemsType | None = None


class ListSSHPublicKeysRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    user_name: userNameType | None = None
    marker: markerType | None = None
    max_items: maxItemsType | None = None


class ListServiceSpecificCredentialsRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"
):
    user_name: userNameType | None = None
    service_name: str | None = None
    all_users: bool | None = None
    marker: markerType | None = None
    max_items: maxItemsType | None = None


class ListSigningCertificatesRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"
):
    user_name: existingUserNameType | None = None
    marker: markerType | None = None
    max_items: maxItemsType | None = None


class ListUserPoliciesRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    user_name: existingUserNameType
    marker: markerType | None = None
    max_items: maxItemsType | None = None


class ListUserTagsRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    user_name: existingUserNameType
    marker: markerType | None = None
    max_items: maxItemsType | None = None


class ListUsersRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    path_prefix: pathPrefixType | None = None
    marker: markerType | None = None
    max_items: maxItemsType | None = None


assignmentStatusType = Literal["Assigned", "Unassigned", "Any"]


class ListVirtualMFADevicesRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    assignment_status: assignmentStatusType | None = None
    marker: markerType | None = None
    max_items: maxItemsType | None = None


class PutRolePermissionsBoundaryRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"
):
    role_name: roleNameType
    permissions_boundary: arnType


class PutRolePolicyRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    role_name: roleNameType
    policy_name: policyNameType
    policy_document: policyDocumentType


class PutUserPermissionsBoundaryRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"
):
    user_name: userNameType
    permissions_boundary: arnType


class PutUserPolicyRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    user_name: existingUserNameType
    policy_name: policyNameType
    policy_document: policyDocumentType


class RemoveClientIDFromOpenIDConnectProviderRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"
):
    open_idconnect_provider_arn: arnType = msgspec.field(name="OpenIDConnectProviderArn")
    client_id: clientIDType = msgspec.field(name="ClientID")


class SetDefaultPolicyVersionRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"
):
    policy_arn: arnType
    version_id: policyVersionIdType


class TagOpenIDConnectProviderRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"
):
    open_idconnect_provider_arn: arnType = msgspec.field(name="OpenIDConnectProviderArn")
    tags: tagListType


class TagPolicyRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    policy_arn: arnType
    tags: tagListType


class TagRoleRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    role_name: roleNameType
    tags: tagListType


class TagUserRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    user_name: existingUserNameType
    tags: tagListType


tagKeyListType = Annotated[Sequence[tagKeyType], msgspec.Meta(max_length=50)]


class UntagOpenIDConnectProviderRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"
):
    open_idconnect_provider_arn: arnType = msgspec.field(name="OpenIDConnectProviderArn")
    tag_keys: tagKeyListType


class UntagPolicyRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    policy_arn: arnType
    tag_keys: tagKeyListType


class UntagRoleRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    role_name: roleNameType
    tag_keys: tagKeyListType


class UntagUserRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    user_name: existingUserNameType
    tag_keys: tagKeyListType


statusType = Literal["Active", "Inactive", "Expired"]


class UpdateAccessKeyRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    user_name: existingUserNameType | None = None
    access_key_id: accessKeyIdType
    status: statusType


class UpdateAssumeRolePolicyRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"
):
    role_name: roleNameType
    policy_document: policyDocumentType


class UpdateOpenIDConnectProviderThumbprintRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"
):
    open_idconnect_provider_arn: arnType = msgspec.field(name="OpenIDConnectProviderArn")
    thumbprint_list: Sequence[thumbprintType]


class UpdateRoleDescriptionRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    role_name: roleNameType
    description: roleDescriptionType


class UpdateRoleRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    role_name: roleNameType
    description: roleDescriptionType | None = None
    max_session_duration: roleMaxSessionDurationType | None = None


class UpdateUserRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    user_name: existingUserNameType
    new_path: pathType | None = None
    new_user_name: userNameType | None = None


#: By the name that Action gives.
INPUTS: dict[str, type[msgspec.Struct]] = {
    "AddClientIDToOpenIDConnectProvider": AddClientIDToOpenIDConnectProviderRequest,
    "AttachRolePolicy": AttachRolePolicyRequest,
    "AttachUserPolicy": AttachUserPolicyRequest,
    "CreateAccessKey": CreateAccessKeyRequest,
    "CreateOpenIDConnectProvider": CreateOpenIDConnectProviderRequest,
    "CreatePolicy": CreatePolicyRequest,
    "CreatePolicyVersion": CreatePolicyVersionRequest,
    "CreateRole": CreateRoleRequest,
    "CreateUser": CreateUserRequest,
    "DeleteAccessKey": DeleteAccessKeyRequest,
    "DeleteLoginProfile": DeleteLoginProfileRequest,
    "DeleteOpenIDConnectProvider": DeleteOpenIDConnectProviderRequest,
    "DeletePolicy": DeletePolicyRequest,
    "DeletePolicyVersion": DeletePolicyVersionRequest,
    "DeleteRole": DeleteRoleRequest,
    "DeleteRolePermissionsBoundary": DeleteRolePermissionsBoundaryRequest,
    "DeleteRolePolicy": DeleteRolePolicyRequest,
    "DeleteUser": DeleteUserRequest,
    "DeleteUserPermissionsBoundary": DeleteUserPermissionsBoundaryRequest,
    "DeleteUserPolicy": DeleteUserPolicyRequest,
    "DetachRolePolicy": DetachRolePolicyRequest,
    "DetachUserPolicy": DetachUserPolicyRequest,
    "GetAccessKeyLastUsed": GetAccessKeyLastUsedRequest,
    "GetAccountAuthorizationDetails": GetAccountAuthorizationDetailsRequest,
    "GetLoginProfile": GetLoginProfileRequest,
    "GetOpenIDConnectProvider": GetOpenIDConnectProviderRequest,
    "GetPolicy": GetPolicyRequest,
    "GetPolicyVersion": GetPolicyVersionRequest,
    "GetRole": GetRoleRequest,
    "GetRolePolicy": GetRolePolicyRequest,
    "GetUser": GetUserRequest,
    "GetUserPolicy": GetUserPolicyRequest,
    "ListAccessKeys": ListAccessKeysRequest,
    "ListAttachedRolePolicies": ListAttachedRolePoliciesRequest,
    "ListAttachedUserPolicies": ListAttachedUserPoliciesRequest,
    "ListEntitiesForPolicy": ListEntitiesForPolicyRequest,
    "ListGroupsForUser": ListGroupsForUserRequest,
    "ListInstanceProfilesForRole": ListInstanceProfilesForRoleRequest,
    "ListMFADevices": ListMFADevicesRequest,
    "ListOpenIDConnectProviderTags": ListOpenIDConnectProviderTagsRequest,
    "ListOpenIDConnectProviders": ListOpenIDConnectProvidersRequest,
    "ListPolicies": ListPoliciesRequest,
    "ListPolicyTags": ListPolicyTagsRequest,
    "ListPolicyVersions": ListPolicyVersionsRequest,
    "ListRolePolicies": ListRolePoliciesRequest,
    "ListRoleTags": ListRoleTagsRequest,
    "ListRoles": ListRolesRequest,
    "ListSSHPublicKeys": ListSSHPublicKeysRequest,
    "ListServiceSpecificCredentials": ListServiceSpecificCredentialsRequest,
    "ListSigningCertificates": ListSigningCertificatesRequest,
    "ListUserPolicies": ListUserPoliciesRequest,
    "ListUserTags": ListUserTagsRequest,
    "ListUsers": ListUsersRequest,
    "ListVirtualMFADevices": ListVirtualMFADevicesRequest,
    "PutRolePermissionsBoundary": PutRolePermissionsBoundaryRequest,
    "PutRolePolicy": PutRolePolicyRequest,
    "PutUserPermissionsBoundary": PutUserPermissionsBoundaryRequest,
    "PutUserPolicy": PutUserPolicyRequest,
    "RemoveClientIDFromOpenIDConnectProvider": RemoveClientIDFromOpenIDConnectProviderRequest,
    "SetDefaultPolicyVersion": SetDefaultPolicyVersionRequest,
    "TagOpenIDConnectProvider": TagOpenIDConnectProviderRequest,
    "TagPolicy": TagPolicyRequest,
    "TagRole": TagRoleRequest,
    "TagUser": TagUserRequest,
    "UntagOpenIDConnectProvider": UntagOpenIDConnectProviderRequest,
    "UntagPolicy": UntagPolicyRequest,
    "UntagRole": UntagRoleRequest,
    "UntagUser": UntagUserRequest,
    "UpdateAccessKey": UpdateAccessKeyRequest,
    "UpdateAssumeRolePolicy": UpdateAssumeRolePolicyRequest,
    "UpdateOpenIDConnectProviderThumbprint": UpdateOpenIDConnectProviderThumbprintRequest,
    "UpdateRole": UpdateRoleRequest,
    "UpdateRoleDescription": UpdateRoleDescriptionRequest,
    "UpdateUser": UpdateUserRequest,
}
