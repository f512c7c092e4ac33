"""What holds for every operation: it is authorised and throttled before it begins, and counted when it ends."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from entrepot.core.errors import EntrepotError
from entrepot.features.identity.context import Context as RequestContext
from entrepot.operations.caller import Caller
from entrepot.operations.services import Services

P = ParamSpec("P")
R = TypeVar("R")

Operation = Callable[Concatenate[Services, Caller, P], Awaitable[R]]

#: Of the caller and the operation's parameters: the ARN of what the operation works on, or ``*``; several where it
#: works on several, and each is asked for.
Resource = Callable[[Caller, Mapping[str, Any]], Sequence[str]]
#: Of the operation's parameters: the condition keys that are the request's own, such as ``aws:TagKeys``.
Context = Callable[[Mapping[str, Any]], RequestContext]


def repository_or_all(caller: Caller, parameters: Mapping[str, Any]) -> Sequence[str]:
    """The repository that is passed as ``repository``, and ``*`` for operations that have no such parameter."""
    name = parameters.get("repository")
    return (caller.registry.repository_arn(name) if isinstance(name, str) else "*",)


def repositories_by_name(caller: Caller, parameters: Mapping[str, Any]) -> Sequence[str]:
    """Each repository of ``names``; all repositories of the registry when none is named."""
    return [caller.registry.repository_arn(name) for name in parameters.get("names") or ("*",)]


def nothing_more(_parameters: Mapping[str, Any]) -> RequestContext:
    """No condition keys but those of every request."""
    return {}


def tags_of_request(parameters: Mapping[str, Any]) -> RequestContext:
    """The resource tags that a request gives, or the keys of those that it takes away."""
    tags: Sequence[tuple[str, str]] = parameters.get("tags") or parameters.get("resource_tags") or ()
    keys = [key for key, _ in tags] or list(parameters.get("keys") or ())
    found: dict[str, str | Sequence[str]] = {f"aws:RequestTag/{key}": value for key, value in tags}
    return {**found, "aws:TagKeys": keys} if keys else found


def operation(
    name: str,
    *,
    service: str = "ecr",
    action: str | None = None,
    resource: Resource | None = repository_or_all,
    context: Context = nothing_more,
    changes_access: bool = False,
) -> Callable[[Operation[P, R]], Operation[P, R]]:
    """Make an async function the operation of this name.

    Its IAM action is ``SERVICE:NAME``, or ``SERVICE:ACTION`` for the few that go by another's. With
    ``resource=None`` nothing is asked here: the operation is open to everybody who has proved who it is, or asks
    by itself. After one that ``changes_access``, as all of IAM's may, this worker looks again at what decides.

    Raises AccessDenied and Throttled before anything of the operation's own is read.
    """
    asked = f"{service}:{action or name}"
    changes_access = changes_access or service == "iam"

    def declare(function: Operation[P, R]) -> Operation[P, R]:
        @wraps(function)
        async def run(services: Services, caller: Caller, /, *args: P.args, **kwargs: P.kwargs) -> R:
            outcome = "ServerException"
            try:
                if resource is not None:
                    for arn in resource(caller, kwargs):
                        await services.authorities.authorise(caller, asked, arn, context(kwargs))
                services.buckets.take(caller.registry, name, services.clock())
                result = await function(services, caller, *args, **kwargs)
                outcome = "ok"
                if changes_access:
                    services.authorities.look_again()
            except EntrepotError as error:
                outcome = type(error).__name__
                raise
            finally:
                services.counters.operation(name, outcome)
            return result

        return run

    return declare


async def authorise_on(
    services: Services, caller: Caller, name: str, repository: str, context: RequestContext | None = None
) -> None:
    """Ask whether the caller may call the operation ``name`` on a repository too; raises AccessDenied."""
    arn = caller.registry.repository_arn(repository)
    await services.authorities.authorise(caller, f"ecr:{name}", arn, context or {})
