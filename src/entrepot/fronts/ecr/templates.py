"""Repository creation templates on the wire."""

from entrepot.core.prefixes import prefix_key
from entrepot.features.templates.template import Template, TemplateChange
from entrepot.fronts.ecr.call import Call, Handler, read_page, refuse_page_with, seconds
from entrepot.operations.templates import (
    create_repository_creation_template,
    delete_repository_creation_template,
    describe_repository_creation_templates,
    update_repository_creation_template,
)
from entrepot.protocol.ecr import shapes


async def _create(
    call: Call, request: shapes.CreateRepositoryCreationTemplateRequest
) -> shapes.CreateRepositoryCreationTemplateResponse:
    created = await create_repository_creation_template(
        call.services, call.caller, prefix=request.prefix, settings=_settings(request)
    )
    return shapes.CreateRepositoryCreationTemplateResponse(
        registry_id=call.caller.registry.account, repository_creation_template=_template(created)
    )


async def _describe(
    call: Call, request: shapes.DescribeRepositoryCreationTemplatesRequest
) -> shapes.DescribeRepositoryCreationTemplatesResponse:
    prefixes = list(dict.fromkeys(request.prefixes or ()))
    if prefixes:
        refuse_page_with("prefixes", request.next_token, request.max_results)
    page = read_page(call, "DescribeRepositoryCreationTemplates", None, request.next_token, request.max_results)
    limit = len(prefixes) or page.limit
    found = await describe_repository_creation_templates(
        call.services,
        call.caller,
        prefixes=prefixes,
        after=str(page.after[0]) if page.after else "",
        limit=limit + 1,
    )
    shown = found[:limit]
    return shapes.DescribeRepositoryCreationTemplatesResponse(
        registry_id=call.caller.registry.account,
        repository_creation_templates=[_template(one) for one in shown],
        next_token=page.next_token(
            call, len(found) > len(shown), (prefix_key(shown[-1].prefix),) if shown else ()
        ),
    )


async def _update(
    call: Call, request: shapes.UpdateRepositoryCreationTemplateRequest
) -> shapes.UpdateRepositoryCreationTemplateResponse:
    updated = await update_repository_creation_template(
        call.services, call.caller, prefix=request.prefix, settings=_settings(request)
    )
    return shapes.UpdateRepositoryCreationTemplateResponse(
        registry_id=call.caller.registry.account, repository_creation_template=_template(updated)
    )


async def _delete(
    call: Call, request: shapes.DeleteRepositoryCreationTemplateRequest
) -> shapes.DeleteRepositoryCreationTemplateResponse:
    removed = await delete_repository_creation_template(call.services, call.caller, prefix=request.prefix)
    return shapes.DeleteRepositoryCreationTemplateResponse(
        registry_id=call.caller.registry.account, repository_creation_template=_template(removed)
    )


def _settings(
    request: shapes.CreateRepositoryCreationTemplateRequest | shapes.UpdateRepositoryCreationTemplateRequest,
) -> TemplateChange:
    filters, tags = request.image_tag_mutability_exclusion_filters, request.resource_tags
    encryption = request.encryption_configuration
    return TemplateChange(
        applied_for=None if request.applied_for is None else tuple(request.applied_for),
        description=request.description,
        tag_mutability=request.image_tag_mutability,
        exclusions=None if filters is None else tuple(one.filter for one in filters),
        encryption_type=encryption.encryption_type if encryption else None,
        kms_key=encryption.kms_key if encryption else None,
        resource_tags=None if tags is None else tuple((tag.key, tag.value) for tag in tags),
        repository_policy=request.repository_policy,
        lifecycle_policy=request.lifecycle_policy,
        custom_role_arn=request.custom_role_arn,
    )


def _template(template: Template) -> shapes.RepositoryCreationTemplate:
    settings = template.settings
    return shapes.RepositoryCreationTemplate(
        prefix=template.prefix,
        description=settings.description,
        encryption_configuration=shapes.EncryptionConfigurationForRepositoryCreationTemplate(
            encryption_type=settings.encryption_type, kms_key=settings.kms_key
        ),
        resource_tags=[shapes.Tag(key=key, value=value) for key, value in settings.resource_tags],
        image_tag_mutability=settings.tag_mutability,
        image_tag_mutability_exclusion_filters=[
            shapes.ImageTagMutabilityExclusionFilter(filter_type="WILDCARD", filter=wildcard)
            for wildcard in settings.exclusions
        ]
        or None,
        repository_policy=settings.repository_policy,
        lifecycle_policy=settings.lifecycle_policy,
        applied_for=settings.applied_for,
        custom_role_arn=settings.custom_role_arn,
        created_at=seconds(template.created_at),
        updated_at=seconds(template.updated_at),
    )


HANDLERS: dict[str, Handler] = {
    "CreateRepositoryCreationTemplate": _create,
    "DescribeRepositoryCreationTemplates": _describe,
    "UpdateRepositoryCreationTemplate": _update,
    "DeleteRepositoryCreationTemplate": _delete,
}
