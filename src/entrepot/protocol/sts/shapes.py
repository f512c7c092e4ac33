"""The inputs of 5 operations of STS 2011-06-15.

Written by scripts/generate-shapes from botocore's service model; change the script, not this file.
A shape has the model's name, a member the model's name in snake_case; a member that is absent is
None.
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec

arnType = Annotated[
    str,
    msgspec.Meta(
        min_length=20,
        max_length=2048,
        pattern=r"\A(?a:[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+)\Z",
    ),
]
roleSessionNameType = Annotated[str, msgspec.Meta(min_length=2, max_length=64, pattern=r"\A(?a:[\w+=,.@-]*)\Z")]


class PolicyDescriptorType(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    arn: arnType | None = msgspec.field(default=None, name="arn")


unrestrictedSessionPolicyDocumentType = Annotated[
    str, msgspec.Meta(min_length=1, pattern=r"\A(?a:[\u0009\u000A\u000D\u0020-\u00FF]+)\Z")
]
roleDurationSecondsType = Annotated[int, msgspec.Meta(ge=900, le=43200)]
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
tagKeyListType = Annotated[Sequence[tagKeyType], msgspec.Meta(max_length=50)]
externalIdType = Annotated[str, msgspec.Meta(min_length=2, max_length=1224, pattern=r"\A(?a:[\w+=,.@:/-]*)\Z")]
serialNumberType = Annotated[str, msgspec.Meta(min_length=9, max_length=256, pattern=r"\A(?a:[\w+=/:,.@-]*)\Z")]
tokenCodeType = Annotated[str, msgspec.Meta(min_length=6, max_length=6, pattern=r"\A(?a:[\d]*)\Z")]
sourceIdentityType = Annotated[str, msgspec.Meta(min_length=2, max_length=64, pattern=r"\A(?a:[\w+=,.@-]*)\Z")]
contextAssertionType = Annotated[str, msgspec.Meta(min_length=4, max_length=2048)]


class ProvidedContext(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    provider_arn: arnType | None = None
    context_assertion: contextAssertionType | None = None


ProvidedContextsListType = Annotated[Sequence[ProvidedContext], msgspec.Meta(min_length=1, max_length=5)]
minimumSessionTokenSizeType = Annotated[int, msgspec.Meta(ge=0, le=4096)]


class AssumeRoleRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    role_arn: arnType
    role_session_name: roleSessionNameType
    policy_arns: Sequence[PolicyDescriptorType] | None = None
    policy: unrestrictedSessionPolicyDocumentType | None = None
    duration_seconds: roleDurationSecondsType | None = None
    tags: tagListType | None = None
    transitive_tag_keys: tagKeyListType | None = None
    external_id: externalIdType | None = None
    serial_number: serialNumberType | None = None
    token_code: tokenCodeType | None = None
    source_identity: sourceIdentityType | None = None
    provided_contexts: ProvidedContextsListType | None = None
    minimum_session_token_size: minimumSessionTokenSizeType | None = None


clientTokenType = Annotated[str, msgspec.Meta(min_length=4, max_length=20000)]
urlType = Annotated[str, msgspec.Meta(min_length=4, max_length=2048)]
sessionPolicyDocumentType = Annotated[
    str, msgspec.Meta(min_length=1, max_length=2048, pattern=r"\A(?a:[\u0009\u000A\u000D\u0020-\u00FF]+)\Z")
]


class AssumeRoleWithWebIdentityRequest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"
):
    role_arn: arnType
    role_session_name: roleSessionNameType
    web_identity_token: clientTokenType
    provider_id: urlType | None = None
    policy_arns: Sequence[PolicyDescriptorType] | None = None
    policy: sessionPolicyDocumentType | None = None
    duration_seconds: roleDurationSecondsType | None = None
    minimum_session_token_size: minimumSessionTokenSizeType | None = None


accessKeyIdType = Annotated[str, msgspec.Meta(min_length=16, max_length=128, pattern=r"\A(?a:[\w]*)\Z")]


class GetAccessKeyInfoRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    access_key_id: accessKeyIdType


class GetCallerIdentityRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    pass


durationSecondsType = Annotated[int, msgspec.Meta(ge=900, le=129600)]


class GetSessionTokenRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    duration_seconds: durationSecondsType | None = None
    serial_number: serialNumberType | None = None
    token_code: tokenCodeType | None = None
    minimum_session_token_size: minimumSessionTokenSizeType | None = None


#: By the name that Action gives.
INPUTS: dict[str, type[msgspec.Struct]] = {
    "AssumeRole": AssumeRoleRequest,
    "AssumeRoleWithWebIdentity": AssumeRoleWithWebIdentityRequest,
    "GetAccessKeyInfo": GetAccessKeyInfoRequest,
    "GetCallerIdentity": GetCallerIdentityRequest,
    "GetSessionToken": GetSessionTokenRequest,
}
