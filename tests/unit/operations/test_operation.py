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
from entrepot.features.identity.rules import Principal
from entrepot.operations.services import Caller
from entrepot.testing.registry import registry

#: Take services and caller, and are no operation: each is called by one that has been authorised.
WITHIN_AN_OPERATION = {"repositories.ensure_repository"}

Function = Callable[..., Awaitable[object]]


def functions() -> dict[str, Function]:
    """The public coroutine functions of the storey that take services and a caller."""
    found: dict[str, Function] = {}
    for info in pkgutil.iter_modules(operations.__path__):
        module = importlib.import_module(f"{operations.__name__}.{info.name}")
        for name, function in inspect.getmembers(module, inspect.iscoroutinefunction):
            own = function.__module__ == module.__name__ and not name.startswith("_")
            if own and list(inspect.signature(function).parameters)[:2] == ["services", "caller"]:
                found[f"{info.name}.{name}"] = function
    return found


OPERATIONS = {name: function for name, function in functions().items() if name not in WITHIN_AN_OPERATION}


def test_there_are_operations() -> None:
    """The search finds what it is for."""
    assert {"images.put_image", "layers.upload_layer_part", "repositories.create_repository"} <= OPERATIONS.keys()
    assert functions().keys() >= WITHIN_AN_OPERATION


@pytest.mark.parametrize("name", OPERATIONS)
async def test_an_operation_asks_before_it_does_anything(name: str) -> None:
    """A stranger is refused, and the call is counted, before a parameter is so much as looked at."""
    function = OPERATIONS[name]
    parameters = list(inspect.signature(function).parameters.values())[2:]
    arguments: dict[str, Any] = {one.name: None for one in parameters if one.default is one.empty}
    stranger = Principal("arn:aws:iam::000000000000:user/stranger", "000000000000", "AKIASTRANGER00000000")
    if "repository" in inspect.signature(function).parameters:
        arguments["repository"] = "app"

    async with registry() as running:
        caller = Caller(stranger, RegistryId("000000000000", "us-east-1"), "request")
        with pytest.raises(AccessDenied) as refused:
            await function(running.services, caller, **arguments)

        ((operation, outcome),) = running.counters.operations
    assert outcome == "AccessDenied"
    assert refused.value.action == f"ecr:{operation}"
    expected = "arn:aws:ecr:us-east-1:000000000000:repository/app" if "repository" in arguments else "*"
    assert refused.value.resource == expected
