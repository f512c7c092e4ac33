"""Who is calling, and whether they may: what decides is read once a generation and kept.

A worker keeps what it has read of principals, keys and policies until the generation has changed, and looks
whether it has when its last look is half a second old. Everything read belongs to the generation in which the
reading began: one that is still under way when the generation changes is used by nobody else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Generic, TypeVar

import structlog
from sqlalchemy import Connection

from entrepot.core.clock import SECOND, Clock
from entrepot.core.partitions import RegistryId, partition_of
from entrepot.core.policy.document import MalformedPolicy, PolicyDocument, PolicyKind, parse_policy
from entrepot.core.policy.evaluation import (
    AccessRequest,
    Decision,
    NamedPolicy,
    Policies,
    PolicyType,
    evaluate,
)
from entrepot.features.audit.denials import Denial, Denials
from entrepot.features.identity import store as identities
from entrepot.features.identity.access_keys import AccessKeySecrets
from entrepot.features.identity.context import (
    Context,
    context_of_principal,
    context_of_request,
    context_of_tags,
    requester_of,
)
from entrepot.features.identity.errors import AccessDenied, SealBroken
from entrepot.features.identity.principal import Principal, PrincipalKind, role_of, root_of, user_of
from entrepot.features.identity.rows import AccessKeyRow, PolicyText, PrincipalRow
from entrepot.features.identity.sessions import Session, SessionSecrets
from entrepot.features.identity.tokens import AuthorizationToken
from entrepot.features.registry import store as registries
from entrepot.features.repositories import store as repositories
from entrepot.features.repositories.errors import RepositoryNotFound
from entrepot.metadata import generation
from entrepot.metadata.port import Metadata, MetadataUnavailable
from entrepot.operations.caller import Caller, Origin
from entrepot.protocol.sigv4 import SessionExpired, UnrecognizedClient
from entrepot.protocol.tokens import InvalidToken, Signer, TokenExpired

#: How old the last look at the generation may be, in microseconds.
LOOK_AGAIN = SECOND // 2
#: How often the last use of an access key is written down, as IAM does, in microseconds.
USED_AGAIN = 15 * 60 * SECOND
#: Things of one sort that are kept; when there are so many, all are dropped and read anew as they are asked for.
CAPACITY = 10_000
#: Documents that stay parsed, whatever the generation.
PARSED = 4_096

#: What the registry policy decides in scope V1 (facts of ECR: "Registry policy").
ACTIONS_OF_V1 = frozenset({"ecr:ReplicateImage", "ecr:BatchImportUpstreamImage", "ecr:CreateRepository"})
#: What somebody without credentials may be allowed: to pull, whatever else a policy grants to everybody.
ACTIONS_OF_ANYBODY = frozenset(
    {"ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:ListImages"}
)
#: What no policy denies the root of the account, as S3 holds it with buckets: else a policy that was forced upon a
#: repository could never be removed.
ACTIONS_OF_LAST_RESORT = frozenset({"ecr:DeleteRepositoryPolicy", "ecr:DeleteRegistryPolicy"})

#: Access key, action, resource, and the registry's account and region.
Question = tuple[str, str, str, str, str]
log = structlog.get_logger()

K = TypeVar("K")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Root:
    """The root of the registry's own account. Its access key is a setting, so no data can lock it out.

    Its region's partition is that of every account here, as an account of AWS has one; it alone calls others.
    """

    account: str
    region: str
    access_key_id: str
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What proves a request: the secret that has to sign it, the token to come with it, and who it is then."""

    principal: Principal
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class OwnPolicies:
    """A principal's own policies, parsed."""

    identity: Sequence[NamedPolicy]
    boundary: NamedPolicy | None


@dataclass(frozen=True, slots=True)
class OfRepository:
    """What a repository adds to a decision."""

    policy: NamedPolicy | None
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class OfRegistry:
    """What a registry adds to a decision; ``is_v1`` when its policy decides three actions only."""

    policy: NamedPolicy | None
    is_v1: bool


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """A row, or that there is none: that is kept too."""

    row: T | None


class Kept(Generic[K, T]):
    """What was read of one sort."""

    def __init__(self) -> None:
        self._found: dict[K, T] = {}

    def get(self, key: K) -> T | None:
        """What was read under a key."""
        return self._found.get(key)

    def put(self, key: K, value: T) -> T:
        """Keep it, and give it back."""
        if len(self._found) >= CAPACITY:
            self._found.clear()
        self._found[key] = value
        return value


class Generation:
    """Everything read in one generation."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.credentials = Kept[tuple[str, str], Credentials]()
        self.tokens = Kept[str, tuple[AuthorizationToken, Principal]]()
        self.keys = Kept[str, Found[AccessKeyRow]]()
        self.principals = Kept[str, Found[PrincipalRow]]()
        self.managed_policies = Kept[str, PolicyText]()
        self.policies = Kept[str, OwnPolicies]()
        self.repositories = Kept[tuple[RegistryId, str], OfRepository]()
        self.registries = Kept[RegistryId, OfRegistry]()
        self.decisions = Kept[Question, Decision]()
        #: Decisions that conditions took part in: for one second, as fine as policies tell time, and one origin.
        self.second = 0
        self.decisions_of_second = Kept[tuple[Question, Origin], Decision]()


class Authorities:
    """What every request asks, for one process."""

    def __init__(
        self,
        *,
        metadata: Metadata,
        clock: Clock,
        root: Root,
        signer: Signer,
        access_key_secrets: AccessKeySecrets,
        session_secrets: SessionSecrets,
        denials: Denials,
    ) -> None:
        self._metadata = metadata
        self._clock = clock
        self._root = root
        self._signer = signer
        self._access_key_secrets = access_key_secrets
        self._session_secrets = session_secrets
        self._denials = denials
        self._generation = Generation(-1)
        self._looked_at = -LOOK_AGAIN
        self._used_at = Kept[str, int]()
        self._parse = lru_cache(PARSED)(_parse)

    def __repr__(self) -> str:
        return "Authorities()"

    async def credentials(self, access_key_id: str, session_token: str | None, region: str) -> Credentials:
        """What a request that names this access key has to be signed with.

        Raises UnrecognizedClient for a key that is not known or not active, or a token that is not its; and
        SessionExpired.
        """
        if session_token is not None:
            return await self._session_credentials(access_key_id, session_token, region)
        now = await self._now()
        found = now.credentials.get((access_key_id, region))
        if found is None:
            found = await self._long_lived_credentials(now, access_key_id, region)
            now.credentials.put((access_key_id, region), found)
        return found

    async def _long_lived_credentials(self, now: Generation, access_key_id: str, region: str) -> Credentials:
        if access_key_id == self._root.access_key_id:
            principal = root_of(self._root.account, region, access_key_id)
            return Credentials(principal, self._root.secret_access_key)
        key = await self._key(now, access_key_id)
        principal = await self._principal(now, key.principal_id, region, access_key_id, None) if key else None
        if key is None or principal is None:
            raise UnrecognizedClient
        try:
            secret = self._access_key_secrets.open(key.id, key.sealed_secret)
        except SealBroken as error:
            log.warning("an access key cannot be used", reason=error.message)
            raise UnrecognizedClient from None
        return Credentials(principal, secret)

    async def _session_credentials(self, access_key_id: str, token: str, region: str) -> Credentials:
        try:
            session = Session.parse(self._signer, token, now=self._clock())
        except InvalidToken:
            raise UnrecognizedClient from None
        except TokenExpired:
            raise SessionExpired from None
        principal = await self._principal_of_session(session, region)
        if session.access_key_id != access_key_id or principal is None:
            raise UnrecognizedClient
        return Credentials(principal, self._session_secrets.secret_of(token), token)

    async def principal_of_token(self, text: str) -> tuple[AuthorizationToken, Principal]:
        """A token as it was handed out, and whose it is; raises InvalidToken, TokenExpired."""
        now = await self._now()
        found = now.tokens.get(text)
        if found is None or self._clock() >= found[0].expires_at:
            token = AuthorizationToken.parse(self._signer, text, now=self._clock())
            found = now.tokens.put(text, (token, await self.principal_of(token)))
        return found

    async def principal_of(self, token: AuthorizationToken) -> Principal:
        """Whose token it is, as long as its principal and access key are there; raises InvalidToken."""
        if token.session is not None:
            found = await self._principal_of_session(token.session, token.region)
        elif token.access_key_id == self._root.access_key_id:
            found = root_of(self._root.account, token.region, token.access_key_id)
        else:
            now = await self._now()
            key = await self._key(now, token.access_key_id)
            owner = key.principal_id if key else ""
            found = await self._principal(now, owner, token.region, token.access_key_id, None) if key else None
        if found is None or found.id != token.principal_id:
            raise InvalidToken
        return found

    async def _principal_of_session(self, session: Session, region: str) -> Principal | None:
        issuer = session.issuer_access_key_id
        if issuer is not None and issuer == self._root.access_key_id:
            return root_of(self._root.account, region, session.access_key_id, session)
        now = await self._now()
        if issuer is not None and await self._key(now, issuer) is None:
            return None
        return await self._principal(now, session.principal_id, region, session.access_key_id, session)

    def is_at_home(self, region: str) -> bool:
        """True for the regions of the partition that the accounts are in: elsewhere nobody knows their keys.

        The ARNs of users, roles and policies are so the same whatever region is called, and a policy that names
        them cannot be got round by calling another.
        """
        return partition_of(region) == partition_of(self._root.region)

    async def _key(self, now: Generation, access_key_id: str) -> AccessKeyRow | None:
        """The row of an active access key."""
        found = now.keys.get(access_key_id)
        if found is None:
            row = await self._metadata.look_up(lambda c: identities.find_access_key(c, access_key_id))
            found = now.keys.put(access_key_id, Found(row))
        return found.row if found.row is not None and found.row.status == "Active" else None

    async def _principal(
        self, now: Generation, principal_id: str, region: str, access_key_id: str, session: Session | None
    ) -> Principal | None:
        row = await self._row(now, principal_id)
        if row is None or not self.is_at_home(region):
            return None
        match row.kind:
            case PrincipalKind.ROOT:
                return root_of(row.account, region, access_key_id, session)
            case PrincipalKind.ROLE:
                return role_of(region, path=row.path, name=row.name, session=session) if session else None
            case _:
                return user_of(
                    row.account,
                    region,
                    user_id=row.id,
                    path=row.path,
                    name=row.name,
                    access_key_id=access_key_id,
                    session=session,
                )

    async def _row(self, now: Generation, principal_id: str) -> PrincipalRow | None:
        found = now.principals.get(principal_id)
        if found is None:
            row = await self._metadata.look_up(lambda c: identities.find_principal(c, principal_id))
            found = now.principals.put(principal_id, Found(row))
        return found.row

    async def used(self, principal: Principal, service: str, region: str) -> None:
        """Note that an access key has been used, every so often; a database that cannot write stops nobody."""
        key, at = principal.access_key_id, self._clock()
        if principal.session is not None or key == self._root.access_key_id:
            return
        if 0 <= at - (self._used_at.get(key) or -USED_AGAIN) < USED_AGAIN:
            return
        self._used_at.put(key, at)
        try:
            await self._metadata.write(lambda c: identities.touch_access_key(c, key, at, service, region))
        except MetadataUnavailable as error:
            log.warning("the last use of an access key is not noted", access_key_id=key, reason=error.message)

    async def authorise(self, caller: Caller, action: str, resource: str, context: Context) -> None:
        """Ask whether the caller may do this; raises AccessDenied.

        ``action`` is an IAM action such as ``ecr:PutImage``; ``resource`` an ARN of the caller's registry, or
        ``*``; ``context`` the condition keys that are the operation's own.
        """
        now = await self._now()
        registry = caller.registry
        question = (caller.principal.access_key_id, action, resource, registry.account, registry.region)
        decision = now.decisions.get(question) or await self._decide_once(now, question, caller, context)
        if not decision.allowed:
            raise self._denied(caller, action, resource, decision)

    async def _decide_once(
        self, now: Generation, question: Question, caller: Caller, context: Context
    ) -> Decision:
        """The decision, which is kept for as long as nothing that went into it can change."""
        second = self._clock() // SECOND
        if second != now.second:
            now.second, now.decisions_of_second = second, Kept[tuple[Question, Origin], Decision]()
        decision = None if context else now.decisions_of_second.get((question, caller.origin))
        if decision is None:
            _, action, resource, *_ = question
            decision = await self.decide(caller, action, resource, context)
            if decision.unconditional:
                now.decisions.put(question, decision)
            elif not context and second == now.second:
                now.decisions_of_second.put((question, caller.origin), decision)
        return decision

    async def decide(
        self,
        caller: Caller,
        action: str,
        resource: str,
        context: Context,
        *,
        proposed: NamedPolicy | None = None,
    ) -> Decision:
        """The decision of ``authorise``, with everything that went into it.

        It is what it would be were ``proposed`` the policy of the repository.
        """
        now = await self._now()
        name = resource.partition(":repository/")[2] if action.startswith("ecr:") else ""
        of_repository = await self._of_repository(now, caller.registry, name) if name else NO_REPOSITORY
        asked = [proposed or of_repository.policy]
        if action.startswith("ecr:") and action != "ecr:GetAuthorizationToken":
            of_registry = await self._of_registry(now, caller.registry)
            if not of_registry.is_v1 or action in ACTIONS_OF_V1:
                asked.append(of_registry.policy)
        principal = caller.principal
        is_own_root = principal.kind is PrincipalKind.ROOT and principal.account == caller.registry.account
        if (principal.kind is PrincipalKind.ANONYMOUS and action not in ACTIONS_OF_ANYBODY) or (
            is_own_root and action in ACTIONS_OF_LAST_RESORT
        ):
            asked = []
        return await self.decide_with(
            caller,
            action,
            resource,
            resource_account=caller.registry.account,
            resource_policies=[policy for policy in asked if policy is not None],
            context={**context_of_tags("ecr", of_repository.tags), **context},
        )

    async def decide_with(
        self,
        caller: Caller,
        action: str,
        resource: str,
        *,
        resource_account: str,
        resource_policies: Sequence[NamedPolicy],
        context: Context,
    ) -> Decision:
        """The decision by the caller's own policies and these of the resource's."""
        now = await self._now()
        principal = caller.principal
        row = (
            await self._row(now, principal.id)
            if principal.kind in {PrincipalKind.USER, PrincipalKind.ROLE}
            else None
        )
        own = await self._own_policies(now, row) if row is not None else NO_POLICIES
        session = await self._session_policies(now, principal.session) if principal.session else None
        request = AccessRequest(
            principal=requester_of(principal),
            action=action,
            resource=resource,
            resource_account=resource_account,
            context={
                **context_of_principal(principal, row.tags if row else {}),
                **context_of_request(
                    source_ip=caller.origin.source_ip,
                    is_secure=caller.origin.is_secure,
                    user_agent=caller.origin.user_agent,
                    registry=caller.registry,
                    now=self._clock(),
                ),
                **context,
            },
        )
        policies = Policies(
            identity=own.identity, boundary=own.boundary, session=session, resource=resource_policies
        )
        return evaluate(request, policies)

    def parse(self, name: str, type_: PolicyType, kind: PolicyKind, text: str) -> NamedPolicy:
        """A stored policy; one that cannot be read has no document, and denies."""
        return NamedPolicy(name, type_, self._parse(kind, text))

    def _denied(self, caller: Caller, action: str, resource: str, decision: Decision) -> AccessDenied:
        denial = Denial(caller.registry, caller.principal.arn, action, resource, decision.ending)
        self._denials.add(denial, self._clock())
        return AccessDenied(caller.principal.arn, action, resource, decision.ending)

    async def _now(self) -> Generation:
        """The generation, which is looked at again when the last look is too old."""
        at = self._clock()
        if not 0 <= at - self._looked_at < LOOK_AGAIN:
            number = await self._metadata.look_up(generation.read)
            if number != self._generation.number:
                self._generation = Generation(number)
            self._looked_at = at
        return self._generation

    def look_again(self) -> None:
        """Look at the generation before the next decision: this process has changed it, or may have."""
        self._looked_at = -LOOK_AGAIN

    async def _own_policies(self, now: Generation, row: PrincipalRow) -> OwnPolicies:
        found = now.policies.get(row.id)
        if found is not None:
            return found
        texts = await self._metadata.look_up(lambda c: identities.find_policies(c, row.id))
        boundary = texts.boundary
        own = OwnPolicies(
            [self._identity_policy(text, PolicyType.IDENTITY) for text in texts.identity],
            None if boundary is None else self._identity_policy(boundary, PolicyType.BOUNDARY),
        )
        return now.policies.put(row.id, own)

    def _identity_policy(self, text: PolicyText, type_: PolicyType) -> NamedPolicy:
        return self.parse(text.arn or text.name, type_, PolicyKind.IDENTITY, text.document)

    async def _session_policies(self, now: Generation, session: Session) -> Sequence[NamedPolicy] | None:
        """The policies that were passed when the session began; None when there were none."""
        if session.policy is None and not session.policy_arns:
            return None
        found: list[NamedPolicy] = []
        if session.policy is not None:
            found.append(self.parse("session", PolicyType.SESSION, PolicyKind.IDENTITY, session.policy))
        for arn in session.policy_arns:
            text = now.managed_policies.get(arn)
            if text is None:
                text = await self._metadata.look_up(lambda c, arn=arn: identities.find_managed_policy(c, arn))
                now.managed_policies.put(arn, text)
            found.append(self._identity_policy(text, PolicyType.SESSION))
        return found

    async def _of_repository(self, now: Generation, registry: RegistryId, name: str) -> OfRepository:
        found = now.repositories.get((registry, name))
        if found is not None:
            return found

        def query(connection: Connection) -> tuple[str | None, Mapping[str, str]]:
            try:
                repository = repositories.find(connection, registry, name)
            except RepositoryNotFound:
                return None, {}
            policy = repositories.read_document(connection, repository.id, "policy")
            return policy, repositories.read_tags(connection, repository.id)

        text, tags = await self._metadata.look_up(query)
        policy = None
        if text is not None:
            arn = registry.repository_arn(name)
            policy = self.parse(arn, PolicyType.RESOURCE, PolicyKind.REPOSITORY, text)
        return now.repositories.put((registry, name), OfRepository(policy, tags))

    async def _of_registry(self, now: Generation, registry: RegistryId) -> OfRegistry:
        found = now.registries.get(registry)
        if found is not None:
            return found

        def query(connection: Connection) -> tuple[str | None, str | None]:
            policy = registries.read_document(connection, registry, "policy")
            return policy, registries.read_document(connection, registry, "account-setting/REGISTRY_POLICY_SCOPE")

        text, scope = await self._metadata.look_up(query)
        policy = None
        if text is not None:
            policy = self.parse("registry policy", PolicyType.RESOURCE, PolicyKind.REGISTRY, text)
        return now.registries.put(registry, OfRegistry(policy, scope == "V1"))


NO_REPOSITORY = OfRepository(None, {})
NO_POLICIES = OwnPolicies((), None)


def _parse(kind: PolicyKind, text: str) -> PolicyDocument | None:
    try:
        return parse_policy(text, kind)
    except MalformedPolicy:
        return None
