"""Scanning configuration: of a registry, and what it comes to for a repository. Nothing scans yet."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection

from entrepot.features.registry import store as registries
from entrepot.features.repositories import store as repositories
from entrepot.features.repositories.errors import RepositoryNotFound
from entrepot.features.repositories.repository import Repository
from entrepot.features.scanning.configuration import EffectiveScanning, ScanningConfiguration
from entrepot.features.scanning.rules import check_configuration, effective_scanning
from entrepot.operations.caller import Caller
from entrepot.operations.operation import operation, repositories_by_name
from entrepot.operations.repositories import record
from entrepot.operations.services import Services


@dataclass(frozen=True, slots=True)
class RepositoryScanning:
    """A repository and how often it is to be scanned."""

    repository: Repository
    effective: EffectiveScanning


@operation("PutRegistryScanningConfiguration")
async def put_registry_scanning_configuration(
    services: Services, caller: Caller, *, configuration: ScanningConfiguration
) -> None:
    """Replace the registry's scanning configuration as a whole. Raises InvalidParameter."""
    check_configuration(configuration)
    document = msgspec.json.encode(configuration).decode()
    now = services.clock()

    def change(connection: Connection) -> None:
        registries.put_document(connection, caller.registry, "scanning", document, now)
        record(connection, caller, "PutRegistryScanningConfiguration", "", now)

    await services.metadata.write(change)


@operation("GetRegistryScanningConfiguration")
async def get_registry_scanning_configuration(services: Services, caller: Caller) -> ScanningConfiguration:
    """The registry's scanning configuration; basic and without rules until one is put."""
    return await services.metadata.look_up(lambda c: _configuration(c, caller))


@operation("BatchGetRepositoryScanningConfiguration", resource=repositories_by_name)
async def batch_get_repository_scanning_configuration(
    services: Services, caller: Caller, *, names: Sequence[str]
) -> tuple[list[RepositoryScanning], dict[str, RepositoryNotFound]]:
    """What the configuration comes to for each repository; and the names that are of none, with what is said."""

    def query(connection: Connection) -> tuple[list[RepositoryScanning], dict[str, RepositoryNotFound]]:
        configuration = _configuration(connection, caller)
        found: list[RepositoryScanning] = []
        failures: dict[str, RepositoryNotFound] = {}
        for name in dict.fromkeys(names):
            try:
                repository = repositories.find(connection, caller.registry, name)
            except RepositoryNotFound as error:
                failures[name] = error
                continue
            own = repository.settings.scan_on_push
            found.append(RepositoryScanning(repository, effective_scanning(configuration, name, scan_on_push=own)))
        return found, failures

    return await services.metadata.read(query)


def _configuration(connection: Connection, caller: Caller) -> ScanningConfiguration:
    document = registries.read_document(connection, caller.registry, "scanning")
    return msgspec.json.decode(document, type=ScanningConfiguration) if document else ScanningConfiguration()
