"""Scanning configuration on the wire."""

from collections.abc import Sequence

from entrepot.features.scanning.configuration import ScanningConfiguration, ScanningRule
from entrepot.fronts.ecr.call import Call, Handler
from entrepot.operations.scanning import (
    RepositoryScanning,
    batch_get_repository_scanning_configuration,
    get_registry_scanning_configuration,
    put_registry_scanning_configuration,
)
from entrepot.protocol.ecr import shapes


async def _put(
    call: Call, request: shapes.PutRegistryScanningConfigurationRequest
) -> shapes.PutRegistryScanningConfigurationResponse:
    configuration = ScanningConfiguration(
        scan_type=request.scan_type or "BASIC",
        rules=tuple(
            ScanningRule(rule.scan_frequency, tuple(one.filter for one in rule.repository_filters))
            for rule in request.rules or ()
        ),
    )
    await put_registry_scanning_configuration(call.services, call.caller, configuration=configuration)
    return shapes.PutRegistryScanningConfigurationResponse(registry_scanning_configuration=_shown(configuration))


async def _get(
    call: Call, _request: shapes.GetRegistryScanningConfigurationRequest
) -> shapes.GetRegistryScanningConfigurationResponse:
    found = await get_registry_scanning_configuration(call.services, call.caller)
    return shapes.GetRegistryScanningConfigurationResponse(
        registry_id=call.caller.registry.account, scanning_configuration=_shown(found)
    )


async def _batch_get(
    call: Call, request: shapes.BatchGetRepositoryScanningConfigurationRequest
) -> shapes.BatchGetRepositoryScanningConfigurationResponse:
    found, failures = await batch_get_repository_scanning_configuration(
        call.services, call.caller, names=request.repository_names
    )
    return shapes.BatchGetRepositoryScanningConfigurationResponse(
        scanning_configurations=[_of_repository(one) for one in found],
        failures=[
            shapes.RepositoryScanningConfigurationFailure(
                repository_name=name, failure_code="REPOSITORY_NOT_FOUND", failure_reason=error.message
            )
            for name, error in failures.items()
        ],
    )


def _of_repository(scanning: RepositoryScanning) -> shapes.RepositoryScanningConfiguration:
    repository = scanning.repository
    return shapes.RepositoryScanningConfiguration(
        repository_arn=repository.registry.repository_arn(repository.name),
        repository_name=repository.name,
        scan_on_push=repository.settings.scan_on_push,
        scan_frequency=scanning.effective.frequency,
        applied_scan_filters=_filters(scanning.effective.filters),
    )


def _shown(configuration: ScanningConfiguration) -> shapes.RegistryScanningConfiguration:
    return shapes.RegistryScanningConfiguration(
        scan_type=configuration.scan_type,
        rules=[
            shapes.RegistryScanningRule(scan_frequency=rule.frequency, repository_filters=_filters(rule.filters))
            for rule in configuration.rules
        ],
    )


def _filters(filters: Sequence[str]) -> list[shapes.ScanningRepositoryFilter]:
    return [shapes.ScanningRepositoryFilter(filter=one, filter_type="WILDCARD") for one in filters]


HANDLERS: dict[str, Handler] = {
    "PutRegistryScanningConfiguration": _put,
    "GetRegistryScanningConfiguration": _get,
    "BatchGetRepositoryScanningConfiguration": _batch_get,
}
