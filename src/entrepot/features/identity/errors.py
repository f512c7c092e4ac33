"""What can be wrong with who is calling, and with what IAM is asked; ``code`` is IAM's error code.

The sentences are IAM's where they are known from its answers.
"""

from dataclasses import dataclass
from typing import ClassVar

from entrepot.core.errors import Conflict, Denied, EntrepotError, Invalid, LimitReached, NotFound


@dataclass(eq=False)
class AccessDenied(Denied):
    """The principal may not do this to the resource."""

    principal: str
    action: str
    resource: str
    because: str

    template: ClassVar[str] = (
        "User: {principal} is not authorized to perform: {action} on resource: {resource} {because}"
    )


@dataclass(eq=False)
class TooManyFailures(LimitReached):
    """Too many attempts with this access key from this source have failed of late."""

    template: ClassVar[str] = "Rate exceeded"


@dataclass(eq=False)
class SealBroken(EntrepotError):
    """The secret of an access key cannot be read: the row was altered, or sealed under another master key."""

    access_key_id: str

    template: ClassVar[str] = "The secret of access key {access_key_id} cannot be read with this master key"


class NoSuchEntity(NotFound):
    """What IAM is asked about is not there."""

    code: ClassVar[str] = "NoSuchEntity"


@dataclass(eq=False)
class PrincipalNotFound(NoSuchEntity):
    """There is no user or role of this name; ``kind`` is ``user`` or ``role``."""

    kind: str
    name: str

    template: ClassVar[str] = "The {kind} with name {name} cannot be found."


@dataclass(eq=False)
class AccessKeyNotFound(NoSuchEntity):
    """There is no such access key, or it is somebody else's."""

    access_key_id: str

    template: ClassVar[str] = "The Access Key with id {access_key_id} cannot be found."


@dataclass(eq=False)
class PolicyNotFound(NoSuchEntity):
    """There is no managed policy of this ARN, or it is not attached where it was said to be."""

    arn: str

    template: ClassVar[str] = "Policy {arn} was not found."


@dataclass(eq=False)
class PolicyNotAttachable(NoSuchEntity):
    """A managed policy that is to be attached, or to be a boundary, is not there."""

    arn: str

    template: ClassVar[str] = "Policy {arn} does not exist or is not attachable."


@dataclass(eq=False)
class PolicyVersionNotFound(NoSuchEntity):
    """A managed policy has no such version."""

    arn: str
    version_id: str

    template: ClassVar[str] = "Policy {arn} version {version_id} does not exist or is not attachable."


@dataclass(eq=False)
class InlinePolicyNotFound(NoSuchEntity):
    """A user or a role has no inline policy of this name."""

    kind: str
    name: str

    template: ClassVar[str] = "The {kind} policy with name {name} cannot be found."


@dataclass(eq=False)
class OIDCProviderNotFound(NoSuchEntity):
    """There is no identity provider of this ARN."""

    arn: str

    template: ClassVar[str] = "OpenIDConnect Provider not found for arn {arn}"


@dataclass(eq=False)
class LoginProfileNotFound(NoSuchEntity):
    """The user has no password: there is nothing here to use one for."""

    name: str

    template: ClassVar[str] = "Login Profile for User {name} cannot be found."


@dataclass(eq=False)
class AccountNotFound(NoSuchEntity):
    """There is no account of this number."""

    account: str

    template: ClassVar[str] = "The account {account} cannot be found."


class EntityAlreadyExists(Conflict):
    """The name of what is to be made is taken, whatever its case."""

    code: ClassVar[str] = "EntityAlreadyExists"


@dataclass(eq=False)
class PrincipalAlreadyExists(EntityAlreadyExists):
    """There is a user or a role of this name; ``kind`` is ``User`` or ``Role``."""

    kind: str
    name: str

    template: ClassVar[str] = "{kind} with name {name} already exists."


@dataclass(eq=False)
class PolicyAlreadyExists(EntityAlreadyExists):
    """There is a managed policy of this name."""

    name: str

    template: ClassVar[str] = "A policy called {name} already exists. Duplicate names are not allowed."


@dataclass(eq=False)
class OIDCProviderAlreadyExists(EntityAlreadyExists):
    """There is an identity provider of this URL."""

    url: str

    template: ClassVar[str] = "Provider with url {url} already exists."


@dataclass(eq=False)
class AccountAlreadyExists(EntityAlreadyExists):
    """There is an account of this number."""

    account: str

    template: ClassVar[str] = "The account {account} already exists."


@dataclass(eq=False)
class DeleteConflict(Conflict):
    """Something hangs on what is to be deleted."""

    reason: str

    code: ClassVar[str] = "DeleteConflict"
    template: ClassVar[str] = "{reason}"


class LimitExceeded(LimitReached):
    """A quota of IAM."""

    code: ClassVar[str] = "LimitExceeded"


@dataclass(eq=False)
class QuotaExceeded(LimitExceeded):
    """As many as there may be; ``quota`` is its name as IAM has it."""

    quota: str
    limit: int

    template: ClassVar[str] = "Cannot exceed quota for {quota}: {limit}"


@dataclass(eq=False)
class TooManyPolicyVersions(LimitExceeded):
    """A managed policy has as many versions as it may."""

    limit: int

    template: ClassVar[str] = (
        "A managed policy can have up to {limit} versions. Before you create a new version, you must delete an "
        "existing version."
    )


@dataclass(eq=False)
class InlinePoliciesTooLarge(LimitExceeded):
    """All inline policies of a user or a role are too long together; white space is not counted."""

    limit: int
    kind: str
    name: str

    template: ClassVar[str] = "Maximum policy size of {limit} bytes exceeded for {kind} {name}"


@dataclass(eq=False)
class MalformedPolicyDocument(Invalid):
    """A policy that does not follow the grammar of its kind; ``place`` leads to what is wrong with it."""

    place: str
    reason: str

    code: ClassVar[str] = "MalformedPolicyDocument"
    template: ClassVar[str] = "{reason} (at {place})"


@dataclass(eq=False)
class InvalidPrincipal(Invalid):
    """A policy names a user or a role that is not there."""

    principal: str

    code: ClassVar[str] = "MalformedPolicyDocument"
    template: ClassVar[str] = 'Invalid principal in policy: "AWS":"{principal}"'


@dataclass(eq=False)
class ValidationError(Invalid):
    """A parameter breaks its constraint in the service model."""

    parameter: str
    value: str
    constraint: str

    code: ClassVar[str] = "ValidationError"
    template: ClassVar[str] = (
        "1 validation error detected: Value '{value}' at '{parameter}' failed to satisfy constraint: {constraint}"
    )


@dataclass(eq=False)
class UserNameRequired(Invalid):
    """The name of a user is left out, and the caller is no user."""

    code: ClassVar[str] = "ValidationError"
    template: ClassVar[str] = "Must specify userName when calling with non-User credentials"


@dataclass(eq=False)
class InvalidInput(Invalid):
    """A parameter has a value that nothing can be done with."""

    reason: str

    code: ClassVar[str] = "InvalidInput"
    template: ClassVar[str] = "{reason}"
