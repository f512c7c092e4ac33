"""Signing configuration on the wire."""

from entrepot.features.signing.configuration import SigningConfiguration, SigningRule
from entrepot.fronts.ecr.call import Call, Handler
from entrepot.operations.signing import (
    delete_signing_configuration,
    get_signing_configuration,
    put_signing_configuration,
)
from entrepot.protocol.ecr import shapes


async def _put(
    call: Call, request: shapes.PutSigningConfigurationRequest
) -> shapes.PutSigningConfigurationResponse:
    asked = request.signing_configuration
    configuration = SigningConfiguration(
        tuple(
            SigningRule(rule.signing_profile_arn, tuple(one.filter for one in rule.repository_filters or ()))
            for rule in asked.rules
        )
    )
    await put_signing_configuration(call.services, call.caller, configuration=configuration)
    return shapes.PutSigningConfigurationResponse(signing_configuration=_shown(configuration))


async def _get(
    call: Call, _request: shapes.GetSigningConfigurationRequest
) -> shapes.GetSigningConfigurationResponse:
    found = await get_signing_configuration(call.services, call.caller)
    return shapes.GetSigningConfigurationResponse(
        registry_id=call.caller.registry.account, signing_configuration=_shown(found)
    )


async def _delete(
    call: Call, _request: shapes.DeleteSigningConfigurationRequest
) -> shapes.DeleteSigningConfigurationResponse:
    removed = await delete_signing_configuration(call.services, call.caller)
    return shapes.DeleteSigningConfigurationResponse(
        registry_id=call.caller.registry.account, signing_configuration=_shown(removed)
    )


def _shown(configuration: SigningConfiguration) -> shapes.SigningConfiguration:
    return shapes.SigningConfiguration(
        rules=[
            shapes.SigningRule(
                signing_profile_arn=rule.profile_arn,
                repository_filters=[
                    shapes.SigningRepositoryFilter(filter=one, filter_type="WILDCARD_MATCH")
                    for one in rule.filters
                ]
                or None,
            )
            for rule in configuration.rules
        ]
    )


HANDLERS: dict[str, Handler] = {
    "PutSigningConfiguration": _put,
    "GetSigningConfiguration": _get,
    "DeleteSigningConfiguration": _delete,
}
