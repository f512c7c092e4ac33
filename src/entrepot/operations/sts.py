"""The operations of STS: who am I, and credentials for a while."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress

from msgspec import structs

from entrepot.core.partitions import partition_of
from entrepot.core.policy.document import Effect
from entrepot.core.policy.evaluation import AccessRequest, Policies, Requester, RequesterKind, evaluate
from entrepot.features.audit.denials import Denial
from entrepot.features.identity import store as identities
from entrepot.features.identity.assuming import (
    DEFAULT_ROLE_SECONDS,
    MAX_POLICY_ARNS,
    InvalidRequest,
    MayNotAssume,
    RoleReference,
    RootMayNotAssume,
    SessionAsksForSession,
    SessionTags,
    WebIdentityMayNotAssume,
    parse_role_arn,
    role_session_life,
    session_tags,
    session_token_life,
)
from entrepot.features.identity.context import context_of_request
from entrepot.features.identity.documents import check_inline_policy
from entrepot.features.identity.issuers import NO_KEY
from entrepot.features.identity.principal import PrincipalKind
from entrepot.features.identity.rows import OIDCProviderRow, PrincipalRow
from entrepot.features.identity.sessions import Credentials, Session, account_of, issue, new_access_key_id
from entrepot.features.identity.web_identity import (
    IdentityTokenExpired,
    InvalidIdentityToken,
    UnverifiedToken,
    WebIdentity,
    choose_key,
    is_issued_by,
    parse_keys,
    provider_of,
    read_token,
    verify,
)
from entrepot.operations.caller import Caller
from entrepot.operations.operation import operation
from entrepot.operations.role_trust import (
    ACTIONS_ON_ROLES,
    context_of_role,
    decide_on_role,
    find_role,
    trust_policy_of,
)
from entrepot.operations.services import Services
from entrepot.protocol.sigv4 import UnrecognizedClient

#: What failed log-ins with web identities are counted under: nothing that a request could choose.
WEB_IDENTITY = "web identity"


@dataclass(frozen=True, slots=True)
class CallerIdentity:
    """Who the caller is, as GetCallerIdentity tells him."""

    user_id: str
    account: str
    arn: str


@dataclass(frozen=True, slots=True)
class SessionPolicies:
    """What narrows a session: a policy of its own, and managed policies."""

    policy: str | None = None
    arns: Sequence[str] = ()


NO_SESSION_POLICIES = SessionPolicies()


@dataclass(frozen=True, slots=True)
class AssumedRole:
    """The session of a role; ``packed_percent`` is None where it has neither policies nor tags."""

    credentials: Credentials
    arn: str
    id: str
    packed_percent: int | None
    source_identity: str | None


@dataclass(frozen=True, slots=True)
class FederatedRole:
    """The session of a role that a web identity has assumed."""

    assumed: AssumedRole
    identity: WebIdentity


@operation("GetCallerIdentity", service="sts", resource=None)
async def get_caller_identity(_services: Services, caller: Caller) -> CallerIdentity:
    """Who the caller is. Whoever has proved it may ask, whatever the policies say, as at AWS."""
    principal = caller.principal
    return CallerIdentity(principal.user_id, principal.account, principal.arn)


@operation("GetAccessKeyInfo", service="sts")
async def get_access_key_info(services: Services, caller: Caller, *, access_key_id: str) -> str:
    """The account that an access key belongs to; raises InvalidRequest for one that is not known."""
    account = account_of(access_key_id)
    if account is not None:
        return account
    try:
        known = await services.authorities.credentials(access_key_id, None, caller.registry.region)
    except UnrecognizedClient:
        raise InvalidRequest("The access key id is not valid") from None
    return known.principal.account


@operation("GetSessionToken", service="sts", resource=None)
async def get_session_token(services: Services, caller: Caller, *, duration_seconds: int | None) -> Credentials:
    """Temporary credentials of a user or a root, which end with the access key that asks for them.

    Whoever has proved who he is may ask, as at AWS. Raises SessionAsksForSession.
    """
    principal = caller.principal
    if principal.session is not None:
        raise SessionAsksForSession
    now = services.clock()
    session = Session(
        access_key_id=new_access_key_id(principal.account, services.random_hex),
        kind="root" if principal.kind is PrincipalKind.ROOT else "user",
        principal_id=principal.id,
        account=principal.account,
        path=principal.path,
        name=principal.name,
        issued_at=now,
        expires_at=now + session_token_life(duration_seconds, principal),
        issuer_access_key_id=principal.access_key_id,
    )
    return issue(session, services.signer, services.session_secrets)


@operation("AssumeRole", service="sts", resource=None)
async def assume_role(
    services: Services,
    caller: Caller,
    *,
    role_arn: str,
    session_name: str,
    duration_seconds: int | None = None,
    policies: SessionPolicies = NO_SESSION_POLICIES,
    tags: Sequence[tuple[str, str]] = (),
    transitive_tag_keys: Sequence[str] = (),
    external_id: str | None = None,
    source_identity: str | None = None,
) -> AssumedRole:
    """A session of a role, for a caller whom the role trusts and whose own policies allow it.

    Raises MayNotAssume, also for a role that is not there; RootMayNotAssume, InvalidRequest,
    MalformedPolicyDocument, PackedPolicyTooLarge.
    """
    principal = caller.principal
    wanted = parse_role_arn(role_arn)
    if principal.kind is PrincipalKind.ROOT:
        raise RootMayNotAssume
    held = session_tags(principal, tags, transitive_tag_keys)
    inherited = principal.session.source_identity if principal.session is not None else None
    asked = _Assumption(wanted, session_name, held, external_id, source_identity or inherited)
    if inherited not in {None, asked.source_identity}:
        raise _refused(services, caller, "sts:SetSourceIdentity", role_arn, "because it is set for good")
    role = await _trusted_role(services, caller, asked)
    is_chained = principal.kind is PrincipalKind.ROLE
    life = role_session_life(
        duration_seconds, role.max_session_seconds or DEFAULT_ROLE_SECONDS, is_chained=is_chained
    )
    session = _session(services, role, session_name, life)
    narrowed = structs.replace(
        session,
        policy=policies.policy,
        policy_arns=await _checked_arns(services, wanted.account, policies),
        tags=held.all,
        transitive_tag_keys=held.transitive_keys,
        source_identity=asked.source_identity,
    )
    return _assumed(services, caller, narrowed)


@operation("AssumeRoleWithWebIdentity", service="sts", resource=None)
async def assume_role_with_web_identity(
    services: Services,
    caller: Caller,
    *,
    role_arn: str,
    session_name: str,
    web_identity_token: str,
    duration_seconds: int | None = None,
    policies: SessionPolicies = NO_SESSION_POLICIES,
) -> FederatedRole:
    """A session of a role, for whoever holds a token of an issuer that the role's account and the role trust.

    The caller is anonymous: the token alone proves anything. A good one is never held back; where too many fail,
    the answer is TooManyFailures instead of the refusal. Raises InvalidIdentityToken, IdentityTokenExpired,
    IDPCommunicationError; WebIdentityMayNotAssume, also for a role that is not there; InvalidRequest,
    MalformedPolicyDocument, PackedPolicyTooLarge.
    """
    wanted = parse_role_arn(role_arn)
    try:
        token = read_token(web_identity_token)
        provider = await _registered_provider(services, wanted.account, token)
        role = await _role_that_trusts(services, caller, wanted, provider)
        identity = await _identify(services, token, provider)
        _check_trust(services, caller, role, wanted, session_name, identity)
    except (InvalidIdentityToken, IdentityTokenExpired, WebIdentityMayNotAssume):
        source, now = caller.origin.source_ip, services.clock()
        services.failed_logins.add(source, WEB_IDENTITY, now)
        services.failed_logins.check(source, WEB_IDENTITY, now)
        raise
    life = role_session_life(duration_seconds, role.max_session_seconds or DEFAULT_ROLE_SECONDS, is_chained=False)
    session = structs.replace(
        _session(services, role, session_name, life),
        policy=policies.policy,
        policy_arns=await _checked_arns(services, wanted.account, policies),
        provider=identity.provider,
        subject=identity.subject,
        audience=identity.audience,
    )
    return FederatedRole(_assumed(services, caller, session), identity)


@dataclass(frozen=True, slots=True)
class _Assumption:
    """What a caller of AssumeRole wants, as far as policies may ask about it."""

    role: RoleReference
    session_name: str
    tags: SessionTags
    external_id: str | None
    source_identity: str | None

    @property
    def actions(self) -> list[str]:
        """What has to be allowed, in the order in which it is asked."""
        is_wanted = (True, bool(self.tags.all), self.source_identity is not None)
        return list(compress(ACTIONS_ON_ROLES, is_wanted))

    @property
    def context(self) -> dict[str, str | Sequence[str]]:
        """The condition keys of the request."""
        found = {
            "sts:RoleSessionName": self.session_name,
            "sts:ExternalId": self.external_id,
            "sts:SourceIdentity": self.source_identity,
        }
        return {**self.tags.context, **{key: value for key, value in found.items() if value is not None}}


async def _trusted_role(services: Services, caller: Caller, asked: _Assumption) -> PrincipalRow:
    """The role, if its trust policy and the caller's own policies allow all that is asked; raises MayNotAssume."""
    role = await find_role(services, caller, asked.role)
    if role is None:
        raise _refused(services, caller, asked.actions[0], asked.role.arn, "because there is no such role")
    for action in asked.actions:
        decision = await decide_on_role(services, caller, action, role, asked.role.arn, asked.context)
        if not decision.allowed:
            raise _refused(services, caller, action, asked.role.arn, decision.ending)
    return role


def _refused(services: Services, caller: Caller, action: str, role_arn: str, reason: str) -> MayNotAssume:
    """The refusal, which is recorded with the reason that the caller does not learn."""
    denial = Denial(caller.registry, caller.principal.arn, action, role_arn, reason)
    services.denials.add(denial, services.clock())
    return MayNotAssume(caller.principal.arn, action, role_arn)


async def _registered_provider(services: Services, account: str, token: UnverifiedToken) -> OIDCProviderRow:
    """The provider of the account that a token says it is from; raises InvalidIdentityToken."""
    url = provider_of(token.issuer)
    provider = await services.metadata.look_up(lambda c: identities.find_oidc_provider(c, account, url))
    if provider is None or not is_issued_by(token, provider):
        raise InvalidIdentityToken(f"No OpenIDConnect provider found in your account for {token.issuer}")
    return provider


async def _role_that_trusts(
    services: Services, caller: Caller, wanted: RoleReference, provider: OIDCProviderRow
) -> PrincipalRow:
    """The role, if its trust policy names the provider at all; raises WebIdentityMayNotAssume.

    Asked before the issuer is, so that a token for any other role makes us ask nobody.
    """
    role = await find_role(services, caller, wanted)
    if role is None:
        raise WebIdentityMayNotAssume
    document = trust_policy_of(services, role).document
    requester = _requester_of(provider.arn)
    if document is None or not any(
        statement.effect is Effect.ALLOW
        and statement.principals is not None
        and statement.principals.match(requester)
        for statement in document.statements
    ):
        raise WebIdentityMayNotAssume
    return role


def _requester_of(provider: str) -> Requester:
    return Requester(kind=RequesterKind.WEB_IDENTITY, arn=provider)


async def _identify(services: Services, token: UnverifiedToken, provider: OIDCProviderRow) -> WebIdentity:
    """Whom the provider vouches for; raises InvalidIdentityToken, IdentityTokenExpired, IDPCommunicationError."""
    if provider.jwks is None:
        key = await services.issuers.key_of(token)
    else:
        key = choose_key(parse_keys(provider.jwks), token)
    if key is None:
        raise InvalidIdentityToken(NO_KEY)
    return verify(token, key, provider, services.clock())


def _check_trust(
    services: Services,
    caller: Caller,
    role: PrincipalRow,
    wanted: RoleReference,
    session_name: str,
    identity: WebIdentity,
) -> None:
    """Refuse a web identity that the role's trust policy does not allow; raises WebIdentityMayNotAssume."""
    request = AccessRequest(
        principal=_requester_of(identity.provider),
        action="sts:AssumeRoleWithWebIdentity",
        resource=wanted.arn,
        resource_account=role.account,
        context={
            **context_of_request(
                source_ip=caller.origin.source_ip,
                is_secure=caller.origin.is_secure,
                user_agent=caller.origin.user_agent,
                registry=caller.registry,
                now=services.clock(),
            ),
            **context_of_role(role),
            **identity.context,
            "sts:RoleSessionName": session_name,
        },
    )
    decision = evaluate(request, Policies(resource=[trust_policy_of(services, role)]))
    if not decision.allowed:
        denial = Denial(caller.registry, identity.provider, request.action, wanted.arn, decision.ending)
        services.denials.add(denial, services.clock())
        raise WebIdentityMayNotAssume


def _session(services: Services, role: PrincipalRow, session_name: str, life: int) -> Session:
    now = services.clock()
    return Session(
        access_key_id=new_access_key_id(role.account, services.random_hex),
        kind="role",
        principal_id=role.id,
        account=role.account,
        path=role.path,
        name=role.name,
        session_name=session_name,
        issued_at=now,
        expires_at=now + life,
    )


async def _checked_arns(services: Services, account: str, policies: SessionPolicies) -> tuple[str, ...]:
    """The ARNs of session policies, which are there; raises MalformedPolicyDocument, InvalidRequest."""
    if policies.policy is not None:
        check_inline_policy(policies.policy)
    if len(policies.arns) > MAX_POLICY_ARNS:
        raise InvalidRequest(f"At most {MAX_POLICY_ARNS} managed policies can be passed")
    for arn in policies.arns:
        found = await services.metadata.look_up(lambda c, arn=arn: identities.find_managed_policy(c, arn))
        if not found.document or arn.split(":")[4:5] not in [["aws"], [account]]:
            raise InvalidRequest(f"The policy {arn} does not exist in the account of the role")
    return tuple(policies.arns)


def _assumed(services: Services, caller: Caller, session: Session) -> AssumedRole:
    partition = partition_of(caller.registry.region).name
    is_narrowed = session.policy is not None or session.policy_arns or session.tags
    return AssumedRole(
        issue(session, services.signer, services.session_secrets),
        arn=f"arn:{partition}:sts::{session.account}:assumed-role/{session.name}/{session.session_name}",
        id=f"{session.principal_id}:{session.session_name}",
        packed_percent=session.packed_percent if is_narrowed else None,
        source_identity=session.source_identity,
    )
