"""Signing configuration: put, read, deleted. Nothing is signed yet."""

import msgspec
from sqlalchemy import Connection

from entrepot.features.registry import store as registries
from entrepot.features.signing.configuration import SigningConfiguration
from entrepot.features.signing.errors import SigningConfigurationNotFound
from entrepot.operations.caller import Caller
from entrepot.operations.operation import operation
from entrepot.operations.repositories import record
from entrepot.operations.services import Services


@operation("PutSigningConfiguration")
async def put_signing_configuration(
    services: Services, caller: Caller, *, configuration: SigningConfiguration
) -> None:
    """Replace the registry's signing configuration as a whole."""
    document = msgspec.json.encode(configuration).decode()
    now = services.clock()

    def change(connection: Connection) -> None:
        registries.put_document(connection, caller.registry, "signing", document, now)
        record(connection, caller, "PutSigningConfiguration", "", now)

    await services.metadata.write(change)


@operation("GetSigningConfiguration")
async def get_signing_configuration(services: Services, caller: Caller) -> SigningConfiguration:
    """The registry's signing configuration. Raises SigningConfigurationNotFound."""
    found = await services.metadata.look_up(lambda c: registries.read_document(c, caller.registry, "signing"))
    if found is None:
        raise SigningConfigurationNotFound(caller.registry.account)
    return msgspec.json.decode(found, type=SigningConfiguration)


@operation("DeleteSigningConfiguration")
async def delete_signing_configuration(services: Services, caller: Caller) -> SigningConfiguration:
    """Remove the registry's signing configuration; gives what it was. Raises SigningConfigurationNotFound."""
    now = services.clock()

    def change(connection: Connection) -> str:
        removed = registries.delete_document(connection, caller.registry, "signing")
        if removed is None:
            raise SigningConfigurationNotFound(caller.registry.account)
        record(connection, caller, "DeleteSigningConfiguration", "", now)
        return removed

    return msgspec.json.decode(await services.metadata.write(change), type=SigningConfiguration)
