"""What holds for every operation: it is authorised and throttled before it begins, and counted when it ends."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from entrepot.core.errors import EntrepotError
from entrepot.features.identity.rules import authorise
from entrepot.operations.services import Caller, Services

P = ParamSpec("P")
R = TypeVar("R")

Operation = Callable[Concatenate[Services, Caller, P], Awaitable[R]]


def operation(name: str) -> Callable[[Operation[P, R]], Operation[P, R]]:
    """Make an async function the ECR operation of this name.

    Its IAM action is ``ecr:NAME``; the resource is the repository that is passed as ``repository``, and ``*``
    for operations that have no such parameter. Raises AccessDenied and Throttled before anything is read.
    """

    def declare(function: Operation[P, R]) -> Operation[P, R]:
        @wraps(function)
        async def run(services: Services, caller: Caller, /, *args: P.args, **kwargs: P.kwargs) -> R:
            outcome = "ServerException"
            try:
                authorise_on(caller, name, kwargs.get("repository"))
                services.buckets.take(caller.registry, name, services.clock())
                result = await function(services, caller, *args, **kwargs)
                outcome = "ok"
            except EntrepotError as error:
                outcome = type(error).__name__
                raise
            finally:
                services.counters.operation(name, outcome)
            return result

        return run

    return declare


def authorise_on(caller: Caller, name: str, repository: object) -> None:
    """Ask whether the caller may call the operation ``name`` on a repository; raises AccessDenied."""
    resource = caller.registry.repository_arn(repository) if isinstance(repository, str) else "*"
    authorise(caller.principal, f"ecr:{name}", resource, caller.registry.account)
