"""Repository creation templates: created, described, updated, deleted. A push applies them (``repositories``)."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from entrepot.core.errors import InvalidParameter
from entrepot.features.lifecycle.rules import parse_policy
from entrepot.features.policies.rules import check_repository_policy
from entrepot.features.repositories.errors import InvalidTag, TooManyTags
from entrepot.features.repositories.rules import check_resource_tags, check_settings
from entrepot.features.templates import store as templates
from entrepot.features.templates.errors import TooManyTemplates
from entrepot.features.templates.rules import MAX_TEMPLATES, changed
from entrepot.features.templates.template import Template, TemplateChange, TemplateSettings
from entrepot.operations.caller import Caller
from entrepot.operations.operation import authorise_on, operation, tags_of_request
from entrepot.operations.repositories import record, settings_from
from entrepot.operations.services import Services


@operation("CreateRepositoryCreationTemplate")
async def create_repository_creation_template(
    services: Services, caller: Caller, *, prefix: str, settings: TemplateChange
) -> Template:
    """Create a template with these settings and, for the rest, ECR's defaults.

    Raises InvalidParameter, TemplateAlreadyExists, TooManyTemplates.
    """
    await _authorise_contents(services, caller, prefix, settings)
    now = services.clock()
    created = Template(prefix, _changed(TemplateSettings(applied_for=()), settings), now, now)

    def change(connection: Connection) -> None:
        templates.create(connection, caller.registry, created)
        if templates.count(connection, caller.registry) > MAX_TEMPLATES:
            raise TooManyTemplates(MAX_TEMPLATES)
        record(connection, caller, "CreateRepositoryCreationTemplate", "", now, prefix=prefix)

    await services.metadata.write(change)
    return created


async def _authorise_contents(services: Services, caller: Caller, prefix: str, settings: TemplateChange) -> None:
    """Ask whether the caller might do himself what the template will do (ECR user guide, "Creation templates").

    On all repositories below the prefix: that is what it is for. Raises AccessDenied.
    """
    below = "*" if prefix == "ROOT" else f"{prefix.rstrip('/')}/*"
    tags = settings.resource_tags
    asked = ["CreateRepository"]
    asked += ["SetRepositoryPolicy"] * bool(settings.repository_policy)
    asked += ["PutLifecyclePolicy"] * bool(settings.lifecycle_policy)
    asked += ["TagResource"] * bool(tags)
    context = tags_of_request({"tags": tags or ()})
    for name in asked:
        await authorise_on(services, caller, name, below, context)
    if settings.custom_role_arn:
        await services.authorities.authorise(caller, "iam:PassRole", settings.custom_role_arn, {})


@operation("DescribeRepositoryCreationTemplates")
async def describe_repository_creation_templates(
    services: Services, caller: Caller, *, prefixes: Sequence[str], after: str, limit: int
) -> list[Template]:
    """The templates of those prefixes that have one; or at most ``limit`` of all. In byte order of the prefixes.

    Raises InvalidParameter for more prefixes than there can be templates.
    """
    if len(prefixes) > MAX_TEMPLATES:
        raise InvalidParameter("prefixes", f"Member must have length less than or equal to {MAX_TEMPLATES}")
    return await services.metadata.read(
        lambda c: templates.find_page(c, caller.registry, prefixes=prefixes, after=after, limit=limit)
    )


@operation("UpdateRepositoryCreationTemplate")
async def update_repository_creation_template(
    services: Services, caller: Caller, *, prefix: str, settings: TemplateChange
) -> Template:
    """Change a template; repositories that it made before stay as they are.

    Raises InvalidParameter, TemplateNotFound.
    """
    await _authorise_contents(services, caller, prefix, settings)
    now = services.clock()

    def change(connection: Connection) -> Template:
        found = templates.find_and_lock(connection, caller.registry, prefix)
        updated = replace(found, settings=_changed(found.settings, settings), updated_at=now)
        templates.replace_settings(connection, caller.registry, updated)
        record(connection, caller, "UpdateRepositoryCreationTemplate", "", now, prefix=prefix)
        return updated

    return await services.metadata.write(change)


@operation("DeleteRepositoryCreationTemplate")
async def delete_repository_creation_template(services: Services, caller: Caller, *, prefix: str) -> Template:
    """Remove a template; gives what it was. Raises TemplateNotFound."""
    now = services.clock()

    def change(connection: Connection) -> Template:
        removed = templates.remove(connection, caller.registry, prefix)
        record(connection, caller, "DeleteRepositoryCreationTemplate", "", now, prefix=prefix)
        return removed

    return await services.metadata.write(change)


def _changed(settings: TemplateSettings, change: TemplateChange) -> TemplateSettings:
    """The settings after a change, if a repository can have them.

    The rules are those of the operations that set the same on a repository; what these refuse in other ways is
    InvalidParameter here, which is all that the service model lets the operations on templates say.
    """
    if change.repository_policy:
        change = replace(change, repository_policy=check_repository_policy(change.repository_policy))
    if change.lifecycle_policy:
        parse_policy(change.lifecycle_policy)
    result = changed(settings, change)
    check_settings(settings_from(result))
    try:
        check_resource_tags(result.resource_tags)
    except (InvalidTag, TooManyTags) as error:
        raise InvalidParameter("resourceTags", error.message) from None
    return result
