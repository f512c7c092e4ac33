"""Repository operations on the wire."""

from collections.abc import Sequence

from entrepot.features.repositories.repository import Repository, RepositorySettings
from entrepot.fronts.ecr.call import Call, Handler, read_page, refuse_page_with, seconds
from entrepot.operations.repositories import (
    create_repository,
    delete_repository,
    describe_repositories,
    put_image_scanning_configuration,
    put_image_tag_mutability,
)
from entrepot.protocol.ecr import shapes


async def _create(call: Call, request: shapes.CreateRepositoryRequest) -> shapes.CreateRepositoryResponse:
    scanning, encryption = request.image_scanning_configuration, request.encryption_configuration
    created = await create_repository(
        call.services,
        call.caller,
        repository=request.repository_name,
        settings=RepositorySettings(
            tag_mutability=request.image_tag_mutability or "MUTABLE",
            exclusions=_wildcards(request.image_tag_mutability_exclusion_filters),
            scan_on_push=bool(scanning and scanning.scan_on_push),
            encryption_type=encryption.encryption_type if encryption else "AES256",
            kms_key=encryption.kms_key if encryption else None,
        ),
        resource_tags=[(tag.key, tag.value) for tag in request.tags or ()],
    )
    return shapes.CreateRepositoryResponse(repository=_repository(call, created))


async def _describe(
    call: Call, request: shapes.DescribeRepositoriesRequest
) -> shapes.DescribeRepositoriesResponse:
    names = request.repository_names or ()
    if names:
        refuse_page_with("repositoryNames", request.next_token, request.max_results)
    page = read_page(call, "DescribeRepositories", None, request.next_token, request.max_results)
    found = await describe_repositories(
        call.services,
        call.caller,
        names=names,
        after=str(page.after[0]) if page.after else None,
        limit=page.limit + 1,
    )
    shown = found if names else found[: page.limit]
    return shapes.DescribeRepositoriesResponse(
        repositories=[_repository(call, one) for one in shown],
        next_token=page.next_token(call, len(found) > len(shown), (shown[-1].name,) if shown else ()),
    )


async def _delete(call: Call, request: shapes.DeleteRepositoryRequest) -> shapes.DeleteRepositoryResponse:
    deleted = await delete_repository(
        call.services, call.caller, repository=request.repository_name, force=bool(request.force)
    )
    return shapes.DeleteRepositoryResponse(repository=_repository(call, deleted))


async def _put_mutability(
    call: Call, request: shapes.PutImageTagMutabilityRequest
) -> shapes.PutImageTagMutabilityResponse:
    changed = await put_image_tag_mutability(
        call.services,
        call.caller,
        repository=request.repository_name,
        tag_mutability=request.image_tag_mutability,
        exclusions=_wildcards(request.image_tag_mutability_exclusion_filters),
    )
    return shapes.PutImageTagMutabilityResponse(
        registry_id=changed.registry.account,
        repository_name=changed.name,
        image_tag_mutability=changed.settings.tag_mutability,
        image_tag_mutability_exclusion_filters=_shown_wildcards(changed.settings.exclusions),
    )


async def _put_scanning(
    call: Call, request: shapes.PutImageScanningConfigurationRequest
) -> shapes.PutImageScanningConfigurationResponse:
    changed = await put_image_scanning_configuration(
        call.services,
        call.caller,
        repository=request.repository_name,
        scan_on_push=bool(request.image_scanning_configuration.scan_on_push),
    )
    return shapes.PutImageScanningConfigurationResponse(
        registry_id=changed.registry.account,
        repository_name=changed.name,
        image_scanning_configuration=shapes.ImageScanningConfiguration(scan_on_push=changed.settings.scan_on_push),
    )


def _wildcards(filters: Sequence[shapes.ImageTagMutabilityExclusionFilter] | None) -> tuple[str, ...]:
    return tuple(one.filter for one in filters or ())


def _shown_wildcards(
    wildcards: Sequence[str],
) -> list[shapes.ImageTagMutabilityExclusionFilter] | None:
    return [
        shapes.ImageTagMutabilityExclusionFilter(filter_type="WILDCARD", filter=wildcard) for wildcard in wildcards
    ] or None


def _repository(call: Call, repository: Repository) -> shapes.Repository:
    settings = repository.settings
    return shapes.Repository(
        repository_arn=repository.registry.repository_arn(repository.name),
        registry_id=repository.registry.account,
        repository_name=repository.name,
        repository_uri=call.services.public_url.repository_uri(repository.registry, repository.name),
        created_at=seconds(repository.created_at),
        image_tag_mutability=settings.tag_mutability,
        image_tag_mutability_exclusion_filters=_shown_wildcards(settings.exclusions),
        image_scanning_configuration=shapes.ImageScanningConfiguration(scan_on_push=settings.scan_on_push),
        encryption_configuration=shapes.EncryptionConfiguration(
            encryption_type=settings.encryption_type, kms_key=settings.kms_key
        ),
    )


HANDLERS: dict[str, Handler] = {
    "CreateRepository": _create,
    "DescribeRepositories": _describe,
    "DeleteRepository": _delete,
    "PutImageTagMutability": _put_mutability,
    "PutImageScanningConfiguration": _put_scanning,
}
