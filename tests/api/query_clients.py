"""Clients of STS and IAM that write as botocore does, read as it does, and hold each answer against its model."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import httpx
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from botocore.session import get_session
from tests.api.clients import HOST, REGION, Body, Signature

from entrepot.testing.registry import RunningRegistry

FORM = "application/x-www-form-urlencoded; charset=utf-8"


def model_of(service: str) -> ServiceModel:
    """The service model that botocore ships."""
    return get_session().get_service_model(service)


class Query:
    """One service of the Query protocol, by one access key; without ``credentials`` by the root's."""

    def __init__(
        self,
        registry: RunningRegistry,
        service: str,
        credentials: Body | None = None,
        *,
        region: str = REGION,
        signed_for: str | None = None,
    ) -> None:
        self.model = model_of(service)
        held = credentials or {
            "AccessKeyId": registry.access_key_id,
            "SecretAccessKey": registry.secret_access_key,
        }
        keys = Credentials(held["AccessKeyId"], held["SecretAccessKey"], held.get("SessionToken"))
        self._signature = Signature(keys, signed_for or service, region, registry.clock)
        self._url = f"http://{HOST}/"
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(registry.application))

    async def __call__(self, operation: str, **members: object) -> Body:
        """The answer of an operation that succeeds."""
        answer = await self.send(self.body(operation, members))
        assert answer.status_code == 200, answer.text
        return self.read(operation, answer)

    async def extension(self, action: str, **members: str) -> ET.Element:
        """The result of an action that the service model does not have, without its namespace."""
        answer = await self.send_form(action, **members)
        assert answer.status_code == 200, answer.text
        plain = ET.fromstring(answer.text.replace(f' xmlns="{self.model.metadata["xmlNamespace"]}"', ""))
        result = plain.find(f"{action}Result")
        assert result is not None
        return result

    async def send_form(self, action: str, **members: str) -> httpx.Response:
        """Whatever is answered to an action with these parameters, word for word."""
        form = {"Action": action, "Version": self.model.api_version, **members}
        return await self.send(urlencode(form).encode())

    async def unsigned(self, operation: str, **members: object) -> Body:
        """The answer of an operation that succeeds without a signature."""
        answer = await self.post(self.body(operation, members))
        assert answer.status_code == 200, answer.text
        return self.read(operation, answer)

    async def error(self, operation: str, **members: object) -> tuple[int, str, str]:
        """Status, code and message of an answer that refuses."""
        return error_of(await self.send(self.body(operation, members)))

    async def unsigned_error(self, operation: str, **members: object) -> tuple[int, str, str]:
        """Status, code and message of an answer that refuses a request without a signature."""
        return error_of(await self.post(self.body(operation, members)))

    async def pages(self, operation: str, member: str, **members: object) -> list[list[Any]]:
        """The lists under ``member`` of every page."""
        pages: list[list[Any]] = []
        marker: Body = {}
        while True:
            answer = await self(operation, **members, **marker)
            pages.append(answer[member])
            assert answer["IsTruncated"] == ("Marker" in answer)
            if not answer["IsTruncated"]:
                return pages
            marker = {"Marker": answer["Marker"]}

    def body(self, operation: str, members: Body) -> bytes:
        """The form that botocore writes."""
        described = self.model.operation_model(operation)
        request = create_serializer("query", include_validation=False).serialize_to_request(members, described)
        return urlencode(request["body"]).encode()

    async def send(self, body: bytes, **headers: str) -> httpx.Response:
        """Whatever is answered to a signed body."""
        return await self._client.post(self._url, content=body, headers=self.signed(body, **headers))

    def signed(self, body: bytes, **headers: str) -> dict[str, str]:
        """The headers of a signed request."""
        request = AWSRequest("POST", self._url, headers={"content-type": FORM, **headers}, data=body)
        self._signature.add_auth(request)
        return {"host": HOST, "content-length": str(len(body)), **dict(request.headers.items())}

    async def post(self, body: bytes, *more: tuple[str, str]) -> httpx.Response:
        """Whatever is answered to a body without a signature, with more headers."""
        return await self._client.post(self._url, content=body, headers=[("content-type", FORM), *more])

    def read(self, operation: str, answer: httpx.Response) -> Body:
        """What botocore makes of an answer, which has to be as the model says."""
        described: OperationModel = self.model.operation_model(operation)
        shape = described.output_shape
        if shape is not None:
            namespace = "{" + str(self.model.metadata["xmlNamespace"]) + "}"
            result = ET.fromstring(answer.content).find(f"{namespace}{operation}Result")
            assert result is not None
            assert not list(strays(result, shape, namespace))
        parsed = parse(answer, shape)
        assert parsed.pop("ResponseMetadata")["RequestId"] == answer.headers["x-amzn-requestid"]
        return parsed


def parse(answer: httpx.Response, shape: Shape | None) -> Body:
    """What botocore makes of an answer."""
    assert answer.headers["content-type"] == "text/xml"
    response: Body = {"status_code": answer.status_code, "headers": {}, "body": answer.content}
    return create_parser("query").parse(response, shape)  # pyright: ignore[reportArgumentType] (None is allowed)


def error_of(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, code and message of an answer that refuses."""
    parsed = parse(answer, None)
    assert parsed["ResponseMetadata"]["RequestId"] == answer.headers["x-amzn-requestid"]
    assert parsed["Error"]["Type"] == ("Sender" if answer.status_code < 500 else "Receiver")
    return answer.status_code, parsed["Error"]["Code"], parsed["Error"]["Message"]


def strays(element: ET.Element, shape: Shape, namespace: str) -> Iterator[str]:
    """Elements that the model does not have, and required ones that are missing, below one."""
    match shape:
        case StructureShape():
            names = [child.tag.removeprefix(namespace) for child in element]
            known = {member.serialization.get("name", name): member for name, member in shape.members.items()}
            yield from (f"{element.tag} has an unknown {name}" for name in set(names) - known.keys())
            yield from (f"{element.tag} lacks {name}" for name in set(shape.required_members) - set(names))
            yield from (f"{element.tag} has {name} twice" for name in set(names) if names.count(name) > 1)
            for child in element:
                yield from strays(child, known[child.tag.removeprefix(namespace)], namespace)
        case ListShape() | MapShape():
            name = "member" if isinstance(shape, ListShape) else "entry"
            yield from (f"{element.tag} has a {child.tag}" for child in element if child.tag != namespace + name)
            if isinstance(shape, ListShape):
                for child in element:
                    yield from strays(child, shape.member, namespace)
        case _:
            yield from (f"{element.tag} has a {child.tag}" for child in element)
