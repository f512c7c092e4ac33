"""Repositories and their settings; and the repository that a push makes.

CreateRepository, DescribeRepositories, DeleteRepository, PutImageTagMutability, PutImageScanningConfiguration.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from sqlalchemy import Connection

from entrepot.core.enumerations import TagMutability
from entrepot.core.names import check_repository_name
from entrepot.core.policy.document import PolicyKind
from entrepot.features.audit import store as audit
from entrepot.features.images import store as images
from entrepot.features.quotas.errors import TooManyRepositories
from entrepot.features.repositories import store as repositories
from entrepot.features.repositories.errors import (
    RepositoryAlreadyExists,
    RepositoryNotEmpty,
    RepositoryNotFound,
    TooManyHidden,
)
from entrepot.features.repositories.repository import Repository, RepositorySettings
from entrepot.features.repositories.rules import check_resource_tags, check_settings
from entrepot.features.templates import store as templates
from entrepot.features.templates.rules import select_template
from entrepot.features.templates.template import TemplateSettings
from entrepot.metadata import generation
from entrepot.operations import quotas
from entrepot.operations.caller import Caller
from entrepot.operations.encryption import require_leave_for_key, with_usable_key
from entrepot.operations.operation import authorise_on, operation, repositories_by_name, tags_of_request
from entrepot.operations.principal_ids import resource_policy_with_ids
from entrepot.operations.services import Services

T = TypeVar("T")

#: A page of the catalog reads so many times so many repositories, and asks for each of them: a second at most.
CATALOG_READS = 10
CATALOG_READ = 250


@operation("CreateRepository", context=tags_of_request, changes_access=True)
async def create_repository(
    services: Services,
    caller: Caller,
    *,
    repository: str,
    settings: RepositorySettings,
    resource_tags: Sequence[tuple[str, str]] = (),
) -> Repository:
    """Create a repository.

    Raises InvalidParameter, InvalidTag, TooManyTags, KeyUnusable, RepositoryAlreadyExists, TooManyRepositories.
    """
    check_repository_name(repository)
    check_settings(settings)
    tags = check_resource_tags(resource_tags)
    if tags:
        asked = tags_of_request({"resource_tags": resource_tags})
        await authorise_on(services, caller, "TagResource", repository, asked)
    encrypted = await with_usable_key(services, caller, settings)
    if settings.kms_key is not None and encrypted.kms_key is not None:
        await require_leave_for_key(services, caller, encrypted.kms_key)
    now = services.clock()

    def create(connection: Connection) -> Repository:
        created = repositories.create(connection, caller.registry, repository, encrypted, tags, now)
        record(connection, caller, "CreateRepository", repository, now)
        if tags:
            generation.advance(connection)
        return created

    return await _create_within_quota(services, caller, create)


async def _create_within_quota(services: Services, caller: Caller, create: Callable[[Connection], T]) -> T:
    """Create a repository unless the registry is full: a name that is taken is taken all the same."""

    def count(connection: Connection, limit: int) -> int:
        return repositories.count(connection, caller.registry, limit)

    reached_quota = await quotas.reached(services, caller.registry, services.quotas.repositories, count)

    def change(connection: Connection) -> T:
        created = create(connection)
        if reached_quota is not None:
            raise TooManyRepositories(caller.registry.account, reached_quota)
        return created

    created = await services.metadata.write(change)
    services.tallies.add(caller.registry)
    return created


@operation("DescribeRepositories", resource=repositories_by_name)
async def describe_repositories(
    services: Services, caller: Caller, *, names: Sequence[str], after: str | None, limit: int
) -> list[Repository]:
    """The named repositories in the order asked, each once; or at most ``limit`` of all, by name after ``after``.

    Raises RepositoryNotFound for the first name that does not exist.
    """

    def query(connection: Connection) -> list[Repository]:
        if names:
            return [repositories.find(connection, caller.registry, name) for name in dict.fromkeys(names)]
        return list(repositories.find_page(connection, caller.registry, after=after, limit=limit))

    return await services.metadata.read(query)


@operation("DescribeRepositories", resource=None)
async def list_repositories(
    services: Services, caller: Caller, *, after: str, limit: int
) -> tuple[list[str], bool]:
    """At most ``limit`` names after ``after``, of repositories that the caller may describe; True if more follow.

    There may be fewer: one call passes over only so many that are hidden, and no page ends with the name of such a
    one. Raises TooManyHidden where it finds no other.
    """
    names: list[str] = []
    for _ in range(CATALOG_READS):
        page = await services.metadata.read(
            lambda c, after=after: repositories.find_page(c, caller.registry, after=after, limit=CATALOG_READ)
        )
        for repository in page:
            arn = caller.registry.repository_arn(repository.name)
            decision = await services.authorities.decide(caller, "ecr:DescribeRepositories", arn, {})
            if decision.allowed and len(names) == limit:
                return names, limit > 0
            if decision.allowed:
                names.append(repository.name)
        if len(page) < CATALOG_READ:
            return names, False
        after = page[-1].name
    if not names:
        raise TooManyHidden(CATALOG_READS * CATALOG_READ)
    return names, True


@operation("DeleteRepository", changes_access=True)
async def delete_repository(services: Services, caller: Caller, *, repository: str, force: bool) -> Repository:
    """Delete a repository, with its images only if forced; the name is free at once.

    Raises RepositoryNotFound, RepositoryNotEmpty.
    """
    now = services.clock()

    def change(connection: Connection) -> Repository:
        found = repositories.find(connection, caller.registry, repository)
        repositories.lock(connection, found.id)
        if not force and images.has_images(connection, found.id):
            raise RepositoryNotEmpty(repository, caller.registry.account)
        if not repositories.detach(connection, found.id, now):
            raise RepositoryNotFound(repository, caller.registry.account)
        record(connection, caller, "DeleteRepository", repository, now)
        generation.advance(connection)
        return found

    return await services.metadata.write(change)


@operation("PutImageTagMutability")
async def put_image_tag_mutability(
    services: Services,
    caller: Caller,
    *,
    repository: str,
    tag_mutability: TagMutability,
    exclusions: tuple[str, ...],
) -> Repository:
    """Say which tags may move from now on. Raises RepositoryNotFound, InvalidParameter."""
    return await _change_settings(
        services,
        caller,
        "PutImageTagMutability",
        repository,
        lambda settings: replace(settings, tag_mutability=tag_mutability, exclusions=exclusions),
    )


@operation("PutImageScanningConfiguration")
async def put_image_scanning_configuration(
    services: Services, caller: Caller, *, repository: str, scan_on_push: bool
) -> Repository:
    """Say whether images are to be scanned when they are pushed. Raises RepositoryNotFound."""
    return await _change_settings(
        services,
        caller,
        "PutImageScanningConfiguration",
        repository,
        lambda settings: replace(settings, scan_on_push=scan_on_push),
    )


async def _change_settings(
    services: Services,
    caller: Caller,
    name: str,
    repository: str,
    edit: Callable[[RepositorySettings], RepositorySettings],
) -> Repository:
    now = services.clock()

    def change(connection: Connection) -> Repository:
        found = repositories.find(connection, caller.registry, repository)
        repositories.lock(connection, found.id)
        current = repositories.find(connection, caller.registry, repository)
        settings = edit(current.settings)
        check_settings(settings)
        repositories.update_settings(connection, current.id, settings)
        record(connection, caller, name, repository, now)
        return replace(current, settings=settings)

    return await services.metadata.write(change)


async def is_made_by_push(services: Services, caller: Caller, repository: str) -> bool:
    """True when a push has to make its repository and may: a creation template for CREATE_ON_PUSH covers the name.

    False when the repository is there; raises RepositoryNotFound when neither is.
    """

    def query(connection: Connection) -> bool:
        try:
            repositories.find(connection, caller.registry, repository)
        except RepositoryNotFound:
            if _template_of_push(services, connection, caller, repository) is None:
                raise
            return True
        return False

    return await services.metadata.look_up(query)


async def ensure_repository(services: Services, caller: Caller, repository: str) -> None:
    """Create the repository of a push if it is missing, as its creation template says.

    The caller needs ecr:CreateRepository. Raises RepositoryNotFound, AccessDenied, TooManyRepositories.
    """
    if await is_made_by_push(services, caller, repository):
        with suppress(RepositoryAlreadyExists):  # docker pushes layers side by side; one of them is first
            await _create_on_push(services, caller, repository=repository)


@operation("CreateRepository", changes_access=True)
async def _create_on_push(services: Services, caller: Caller, *, repository: str) -> None:
    """Create a repository as its template says, unless there is no template any more.

    Raises InvalidParameter, RepositoryAlreadyExists, TooManyRepositories, KeyUnusable.
    """
    check_repository_name(repository)
    template = await services.metadata.look_up(lambda c: _template_of_push(services, c, caller, repository))
    if template is None:
        return
    settings = await with_usable_key(services, caller, settings_from(template))
    now = services.clock()

    def create(connection: Connection) -> None:
        _create_from(connection, caller, repository, template, settings, now)

    await _create_within_quota(services, caller, create)


def _template_of_push(
    services: Services, connection: Connection, caller: Caller, repository: str
) -> TemplateSettings | None:
    """What a push's repository is made from.

    With ``create_on_push`` the registry is as one that has a template with ECR's defaults under ROOT, unless one
    is stored there.
    """
    covering = templates.find_covering(connection, caller.registry, repository)
    found = select_template(covering, repository, "CREATE_ON_PUSH")
    if found is not None:
        return found.settings
    return TemplateSettings(applied_for=("CREATE_ON_PUSH",)) if services.create_on_push else None


def _create_from(
    connection: Connection,
    caller: Caller,
    repository: str,
    template: TemplateSettings,
    settings: RepositorySettings,
    now: int,
) -> None:
    """Create a repository with everything that a template gives it.

    Raises RepositoryAlreadyExists, and InvalidParameter for a policy that names who is not there any more.
    """
    tags = dict(template.resource_tags)
    created = repositories.create(connection, caller.registry, repository, settings, tags, now)
    if template.repository_policy is not None:
        policy = resource_policy_with_ids(connection, caller, PolicyKind.REPOSITORY, template.repository_policy)
        repositories.put_document(connection, created.id, "policy", policy, now)
    if template.lifecycle_policy is not None:
        repositories.put_document(connection, created.id, "lifecycle", template.lifecycle_policy, now)
    record(connection, caller, "CreateRepository", repository, now)
    if tags or template.repository_policy is not None:
        generation.advance(connection)


def settings_from(template: TemplateSettings) -> RepositorySettings:
    """The settings of the repositories that a template makes, with the KMS key as it names it."""
    return RepositorySettings(
        tag_mutability=template.tag_mutability,
        exclusions=template.exclusions,
        encryption_type=template.encryption_type,
        kms_key=template.kms_key,
    )


def record(connection: Connection, caller: Caller, name: str, repository: str, now: int, **detail: object) -> None:
    """Write an operation into the audit records, in the transaction that carries it out."""
    audit.record(
        connection,
        registry=caller.registry,
        principal=caller.principal.arn,
        request_id=caller.request_id,
        operation=name,
        repository=repository,
        detail=detail,
        now=now,
    )
