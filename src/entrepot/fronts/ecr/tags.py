"""AWS tags of repositories on the wire."""

import msgspec

from entrepot.core.arn import parse_repository_arn
from entrepot.fronts.ecr.call import Call, Handler
from entrepot.operations.caller import Caller
from entrepot.operations.tags import list_tags_for_resource, tag_resource, untag_resource
from entrepot.protocol.ecr import shapes


async def _tag(call: Call, request: shapes.TagResourceRequest) -> shapes.TagResourceResponse:
    caller, name = _addressed(call, request.resource_arn)
    tags = [(tag.key, tag.value) for tag in request.tags]
    await tag_resource(call.services, caller, repository=name, tags=tags)
    return shapes.TagResourceResponse()


async def _untag(call: Call, request: shapes.UntagResourceRequest) -> shapes.UntagResourceResponse:
    caller, name = _addressed(call, request.resource_arn)
    await untag_resource(call.services, caller, repository=name, keys=request.tag_keys)
    return shapes.UntagResourceResponse()


async def _list(call: Call, request: shapes.ListTagsForResourceRequest) -> shapes.ListTagsForResourceResponse:
    caller, name = _addressed(call, request.resource_arn)
    tags = await list_tags_for_resource(call.services, caller, repository=name)
    return shapes.ListTagsForResourceResponse(
        tags=[shapes.Tag(key=key, value=value) for key, value in tags.items()]
    )


def _addressed(call: Call, arn: str) -> tuple[Caller, str]:
    """The registry that the ARN is in, and the repository's name; raises InvalidParameter."""
    registry, name = parse_repository_arn(arn, "resourceArn")
    return msgspec.structs.replace(call.caller, registry=registry), name


HANDLERS: dict[str, Handler] = {
    "TagResource": _tag,
    "UntagResource": _untag,
    "ListTagsForResource": _list,
}
