"""The condition keys of every request (IAM user guide, "AWS global condition context keys")."""

from collections.abc import Mapping, Sequence

from entrepot.core.clock import SECOND, iso_time
from entrepot.core.partitions import RegistryId
from entrepot.core.policy.principals import Requester, RequesterKind
from entrepot.features.identity.principal import Principal, PrincipalKind

#: Condition keys and their values.
Context = Mapping[str, str | Sequence[str]]

_TYPES = {
    PrincipalKind.ROOT: "Account",
    PrincipalKind.USER: "User",
    PrincipalKind.ROLE: "AssumedRole",
    PrincipalKind.ANONYMOUS: "Anonymous",
}


def requester_of(principal: Principal) -> Requester:
    """The principal as policies know it."""
    match principal.kind:
        case PrincipalKind.ROOT:
            kind = RequesterKind.ROOT
        case PrincipalKind.USER:
            kind = RequesterKind.USER if principal.session is None else RequesterKind.USER_SESSION
        case PrincipalKind.ROLE:
            kind = RequesterKind.ROLE_SESSION
        case PrincipalKind.ANONYMOUS:
            kind = RequesterKind.ANONYMOUS
    return Requester(
        kind=kind,
        arn=principal.arn,
        account=principal.account,
        user_id=principal.user_id,
        role_arn=principal.role_arn,
    )


def context_of_principal(principal: Principal, tags: Mapping[str, str]) -> dict[str, str | Sequence[str]]:
    """What is known of who is calling; ``tags`` are those of the user or role, which a session's go before."""
    found: dict[str, str | Sequence[str]] = {
        "aws:PrincipalType": _TYPES[principal.kind],
        "aws:userid": principal.user_id,
    }
    if principal.kind is PrincipalKind.ANONYMOUS:
        return found
    found["aws:PrincipalAccount"] = principal.account
    found["aws:PrincipalArn"] = principal.role_arn or principal.arn
    if principal.kind is PrincipalKind.USER:
        found["aws:username"] = principal.name
    session = principal.session
    if session is not None:
        of_session = {key.lower() for key in session.tags}  # IAM tells tags apart whatever their case
        tags = {**{key: value for key, value in tags.items() if key.lower() not in of_session}, **session.tags}
        found["aws:TokenIssueTime"] = iso_time(session.issued_at)
        found["aws:MultiFactorAuthPresent"] = "false"
        if session.source_identity is not None:
            found["aws:SourceIdentity"] = session.source_identity
        if session.provider is not None:
            found["aws:FederatedProvider"] = session.provider
    return {**found, **{f"aws:PrincipalTag/{key}": value for key, value in tags.items()}}


def context_of_request(
    *, source_ip: str, is_secure: bool, user_agent: str, registry: RegistryId, now: int
) -> dict[str, str | Sequence[str]]:
    """What is known of the request; ``now`` in microseconds."""
    found: dict[str, str | Sequence[str]] = {
        "aws:CurrentTime": iso_time(now),
        "aws:EpochTime": str(now // SECOND),
        "aws:SecureTransport": "true" if is_secure else "false",
        "aws:RequestedRegion": registry.region,
        "aws:ResourceAccount": registry.account,
        "aws:ViaAWSService": "false",
        "aws:PrincipalIsAWSService": "false",
    }
    if source_ip:
        found["aws:SourceIp"] = source_ip
    if user_agent:
        found["aws:UserAgent"] = user_agent
    return found


def context_of_tags(service: str, tags: Mapping[str, str]) -> Context:
    """What is known of a resource of a service: its tags, under both of their names."""
    return {f"{prefix}:ResourceTag/{key}": value for key, value in tags.items() for prefix in ("aws", service)}
