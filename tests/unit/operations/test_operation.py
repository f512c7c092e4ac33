"""Every operation asks whether it may, and is counted."""

import importlib
import inspect
import pkgutil
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from entrepot import operations
from entrepot.core.partitions import RegistryId
from entrepot.features.identity.errors import AccessDenied
from entrepot.features.identity.principal import user_of
from entrepot.operations.caller import Caller
from entrepot.testing.registry import registry

#: Take services and caller, and are no operation: each is called by one that has been authorised.
WITHIN_AN_OPERATION = {
    "encryption.require_leave_for_key",
    "encryption.with_usable_key",
    "operation.authorise_on",
    "repositories.ensure_repository",
    "repositories.is_made_by_push",
    "role_trust.decide_on_role",
    "role_trust.find_role",
}

#: Gives what the caller may see of a list, and asks for each entry.
ASKS_FOR_EACH = {"repositories.list_repositories"}

Function = Callable[..., Awaitable[object]]


def functions() -> dict[str, Function]:
    """The public coroutine functions of the storey that take services and a caller.

    But for IAM's and STS's, which ask about what they have found: tests/api/test_iam.py sees to those.
    """
    found: dict[str, Function] = {}
    for info in pkgutil.iter_modules(operations.__path__):
        if info.name in {"iam", "sts"}:
            continue
        module = importlib.import_module(f"{operations.__name__}.{info.name}")
        for name, function in inspect.getmembers(module, inspect.iscoroutinefunction):
            own = function.__module__ == module.__name__ and not name.startswith("_")
            if own and list(inspect.signature(function).parameters)[:2] == ["services", "caller"]:
                found[f"{module.__name__.removeprefix('entrepot.operations.')}.{name}"] = function
    return found


OPERATIONS = {name: function for name, function in functions().items() if name not in WITHIN_AN_OPERATION}


def test_there_are_operations() -> None:
    """The search finds what it is for."""
    assert {"images.put_image", "layers.upload_layer_part", "repositories.create_repository"} <= OPERATIONS.keys()
    assert functions().keys() >= WITHIN_AN_OPERATION


@pytest.mark.parametrize("name", OPERATIONS.keys() - ASKS_FOR_EACH)
async def test_an_operation_asks_before_it_does_anything(name: str) -> None:
    """A stranger is refused, and the call is counted, before a parameter is so much as looked at."""
    function = OPERATIONS[name]
    parameters = list(inspect.signature(function).parameters.values())[2:]
    arguments: dict[str, Any] = {one.name: None for one in parameters if one.default is one.empty}
    stranger = user_of(
        "000000000000",
        "us-east-1",
        user_id="AIDASTRANGER",
        path="/",
        name="stranger",
        access_key_id="AKIASTRANGER00000000",
        session=None,
    )
    if "repository" in inspect.signature(function).parameters:
        arguments["repository"] = "app"

    async with registry() as running:
        caller = Caller(stranger, RegistryId("000000000000", "us-east-1"), "request")
        with pytest.raises(AccessDenied) as refused:
            await function(running.services, caller, **arguments)

        ((_, outcome),) = running.counters.operations
    assert outcome == "AccessDenied"
    assert "repository" not in arguments or refused.value.resource == (
        "arn:aws:ecr:us-east-1:000000000000:repository/app"
    )
