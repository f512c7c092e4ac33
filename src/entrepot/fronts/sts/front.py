"""STS on the wire: members in, members out."""

from collections.abc import Sequence

from entrepot.core.clock import iso_time
from entrepot.features.identity.assuming import InvalidRequest, MFAFailed
from entrepot.features.identity.sessions import Credentials
from entrepot.fronts.query import API, Call, Handler, QueryFront
from entrepot.operations import sts
from entrepot.operations.services import Services
from entrepot.operations.sts import AssumedRole, SessionPolicies
from entrepot.protocol.query.xml import Result, Value
from entrepot.protocol.sts import shapes


async def _get_caller_identity(call: Call, _request: shapes.GetCallerIdentityRequest) -> Result:
    found = await sts.get_caller_identity(call.services, call.caller)
    return {"UserId": found.user_id, "Account": found.account, "Arn": found.arn}


async def _get_access_key_info(call: Call, request: shapes.GetAccessKeyInfoRequest) -> Result:
    account = await sts.get_access_key_info(call.services, call.caller, access_key_id=request.access_key_id)
    return {"Account": account}


async def _get_session_token(call: Call, request: shapes.GetSessionTokenRequest) -> Result:
    _refuse_mfa(request)
    _refuse_size(request)
    credentials = await sts.get_session_token(
        call.services, call.caller, duration_seconds=request.duration_seconds
    )
    return {"Credentials": _credentials(credentials)}


async def _assume_role(call: Call, request: shapes.AssumeRoleRequest) -> Result:
    _refuse_mfa(request)
    _refuse_size(request)
    if request.provided_contexts is not None:
        raise InvalidRequest("ProvidedContexts is not supported")
    assumed = await sts.assume_role(
        call.services,
        call.caller,
        role_arn=request.role_arn,
        session_name=request.role_session_name,
        duration_seconds=request.duration_seconds,
        policies=SessionPolicies(request.policy, _arns(request.policy_arns)),
        tags=[(tag.key, tag.value) for tag in request.tags or ()],
        transitive_tag_keys=request.transitive_tag_keys or (),
        external_id=request.external_id,
        source_identity=request.source_identity,
    )
    return _assumed(assumed)


async def _assume_role_with_web_identity(call: Call, request: shapes.AssumeRoleWithWebIdentityRequest) -> Result:
    _refuse_size(request)
    if request.provider_id is not None:
        raise InvalidRequest("ProviderId is for OAuth 2.0 access tokens, which are not supported")
    found = await sts.assume_role_with_web_identity(
        call.services,
        call.caller,
        role_arn=request.role_arn,
        session_name=request.role_session_name,
        web_identity_token=request.web_identity_token,
        duration_seconds=request.duration_seconds,
        policies=SessionPolicies(request.policy, _arns(request.policy_arns)),
    )
    return {
        **_assumed(found.assumed),
        "SubjectFromWebIdentityToken": found.identity.subject,
        "Audience": found.identity.audience,
        "Provider": found.identity.provider,
    }


def _refuse_mfa(request: shapes.AssumeRoleRequest | shapes.GetSessionTokenRequest) -> None:
    """Nobody has a device for multi-factor authentication here."""
    if request.serial_number is not None or request.token_code is not None:
        raise MFAFailed


def _refuse_size(
    request: shapes.AssumeRoleRequest | shapes.AssumeRoleWithWebIdentityRequest | shapes.GetSessionTokenRequest,
) -> None:
    """A token is as long as it is."""
    if request.minimum_session_token_size is not None:
        raise InvalidRequest("MinimumSessionTokenSize is not supported")


def _arns(policies: Sequence[shapes.PolicyDescriptorType] | None) -> list[str]:
    return [policy.arn for policy in policies or () if policy.arn is not None]


def _assumed(assumed: AssumedRole) -> dict[str, Value]:
    return {
        "Credentials": _credentials(assumed.credentials),
        "AssumedRoleUser": {"AssumedRoleId": assumed.id, "Arn": assumed.arn},
        "PackedPolicySize": assumed.packed_percent,
        "SourceIdentity": assumed.source_identity,
    }


def _credentials(credentials: Credentials) -> dict[str, Value]:
    return {
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key,
        "SessionToken": credentials.session_token,
        "Expiration": iso_time(credentials.expires_at),
    }


HANDLERS: dict[str, Handler] = {
    "AssumeRole": _assume_role,
    "AssumeRoleWithWebIdentity": _assume_role_with_web_identity,
    "GetAccessKeyInfo": _get_access_key_info,
    "GetCallerIdentity": _get_caller_identity,
    "GetSessionToken": _get_session_token,
}

STS = API(
    service="sts",
    version="2011-06-15",
    namespace="https://sts.amazonaws.com/doc/2011-06-15/",
    inputs=shapes.INPUTS,
    handlers=HANDLERS,
    unsigned=frozenset({"AssumeRoleWithWebIdentity"}),
)


def sts_front(services: Services) -> QueryFront:
    """The front of STS."""
    return QueryFront(services, STS)
