"""What a request that does not prove its sender is told, by each API that is signed for: ECR, STS and IAM.

ECR speaks JSON and answers 400; STS and IAM speak the Query protocol, with its own codes and statuses.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import httpx
import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.api.clients import CONTENT_TYPE, HOST, REGION, TARGET, Signature
from tests.api.query_clients import FORM, Query, error_of

from entrepot.core.clock import HOUR, MINUTE, SECOND
from entrepot.testing.registry import RunningRegistry

#: What is decided before an operation is reached does not depend on the database.
pytestmark = pytest.mark.parametrize("metadata", ["sqlite"], indirect=True)

SERVICES = ["ecr", "sts", "iam"]
DAY = "20260101"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A request to ``POST /`` on its way; ``headers`` by lower-case name."""

    body: bytes
    headers: Mapping[str, str]
    query: str = ""


#: A request of each API that the root may make.
REQUESTS = {
    "ecr": Sent(
        body=b"{}", headers={"content-type": CONTENT_TYPE, "x-amz-target": f"{TARGET}DescribeRepositories"}
    ),
    "sts": Sent(body=b"Action=GetCallerIdentity&Version=2011-06-15", headers={"content-type": FORM}),
    "iam": Sent(body=b"Action=ListUsers&Version=2010-05-08", headers={"content-type": FORM}),
}


@dataclass(frozen=True, slots=True)
class Client:
    """Signs for one API of a registry, and reads its refusals."""

    registry: RunningRegistry
    service: str
    region: str = REGION
    credentials: Mapping[str, str] = field(default_factory=dict[str, str])

    def signed(self, **headers: str) -> Sent:
        """The request with its signature, by these credentials and now; other headers are signed too."""
        keys = {
            "AccessKeyId": self.registry.access_key_id,
            "SecretAccessKey": self.registry.secret_access_key,
        } | dict(self.credentials)
        request = AWSRequest(
            "POST",
            f"http://{HOST}/",
            headers={**REQUESTS[self.service].headers, **headers},
            data=REQUESTS[self.service].body,
        )
        credentials = Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys.get("SessionToken"))
        Signature(credentials, self.service, self.region, self.registry.clock).add_auth(request)
        sent = {name.lower(): str(value) for name, value in request.headers.items()}
        return replace(REQUESTS[self.service], headers=sent)

    async def send(self, sent: Sent, method: str = "POST") -> httpx.Response:
        """Whatever is answered."""
        transport = httpx.ASGITransport(self.registry.application)
        async with httpx.AsyncClient(transport=transport) as client:
            url = f"http://{HOST}/{sent.query}"
            return await client.request(method, url, content=sent.body, headers=dict(sent.headers))


class SignatureInQuery(Signature, SigV4QueryAuth):
    """botocore's signer of URLs, by the registry's clock."""


Spoil = Callable[[Client], Sent]


def with_header(name: str, change: Callable[[str], str]) -> Spoil:
    """A signed request with one header changed on its way."""

    def spoil(client: Client) -> Sent:
        sent = client.signed()
        return replace(sent, headers={**sent.headers, name: change(sent.headers.get(name, ""))})

    return spoil


def with_authorization(old: str, new: str) -> Spoil:
    """A signed request with a part of its Authorization header replaced."""
    return with_header("authorization", lambda value: value.replace(old, new))


def by(**credentials: str) -> Spoil:
    """A request signed with other credentials."""
    return lambda client: replace(client, credentials=credentials).signed()


def sent_later(microseconds: int) -> Spoil:
    """A request that was signed so long ago."""

    def spoil(client: Client) -> Sent:
        sent = client.signed()
        client.registry.clock.advance(microseconds)
        return sent

    return spoil


#: Code of ECR, code and status of the Query protocol.
MISSING = ("MissingAuthenticationTokenException", "MissingAuthenticationToken", 403)
INCOMPLETE = ("IncompleteSignatureException", "IncompleteSignature", 400)
UNKNOWN = ("UnrecognizedClientException", "InvalidClientTokenId", 403)
EXPIRED = ("ExpiredTokenException", "ExpiredToken", 403)
INVALID = ("InvalidSignatureException", "SignatureDoesNotMatch", 403)

NO_TOKEN = "Missing Authentication Token"
NOT_KNOWN = "The security token included in the request is invalid."
ANOTHER = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
    "Key and signing method. Consult the service documentation for details."
)

REFUSALS: dict[str, tuple[Spoil, tuple[str, str, int], str]] = {
    "no signature": (lambda client: REQUESTS[client.service], MISSING, NO_TOKEN),
    "a signature of version 2": (
        with_header("authorization", lambda _: "AWS AKID:frJIUN8DYpKDtOLCwo=="),
        MISSING,
        NO_TOKEN,
    ),
    "asymmetric (version 4a)": (
        with_authorization("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
        INCOMPLETE,
        "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'.",
    ),
    "no credential": (
        with_authorization("Credential=", "Else="),
        INCOMPLETE,
        f"'Else=AKIAENTREPOTTESTING1/{DAY}/{REGION}/SERVICE/aws4_request' is not a valid and new key=value pair in "
        "Authorization header.",
    ),
    "nothing but the algorithm and a signature": (
        with_header("authorization", lambda _: "AWS4-HMAC-SHA256 Signature=00"),
        INCOMPLETE,
        "Authorization header requires 'Credential' parameter. "
        "Authorization header requires 'SignedHeaders' parameter.",
    ),
    "a scope without a region": (
        with_authorization(f"/{REGION}/", "/"),
        INCOMPLETE,
        "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got "
        f"'AKIAENTREPOTTESTING1/{DAY}/SERVICE/aws4_request'.",
    ),
    "a date that is none": (
        with_header("x-amz-date", lambda _: "yesterday"),
        INCOMPLETE,
        "Date must be in ISO-8601 'basic format'. Got 'yesterday'.",
    ),
    "a signature in the query beside the header": (
        lambda client: replace(client.signed(), query="?X-Amz-Signature=00"),
        INCOMPLETE,
        "A signature in the query is not accepted, only the Authorization header.",
    ),
    "an unknown access key": (by(AccessKeyId="AKIAUNKNOWNUNKNOWN00"), UNKNOWN, NOT_KNOWN),
    "a session token that is none": (by(SessionToken="no token"), UNKNOWN, NOT_KNOWN),
    "another secret": (by(SecretAccessKey="guessed"), INVALID, ANOTHER),
    "another body": (
        lambda client: replace(client.signed(), body=REQUESTS[client.service].body + b" "),
        INVALID,
        ANOTHER,
    ),
    "another header": (with_header("content-type", lambda value: f"{value};q=1"), INVALID, ANOTHER),
    "a body that is said to be unsigned": (
        lambda client: client.signed(**{"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}),
        INVALID,
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
    ),
    "a host that nobody signed": (
        with_authorization(";host;", ";"),
        INVALID,
        "'Host' must be a 'SignedHeader' in the AWS Authorization.",
    ),
    "signed too long ago": (
        sent_later(5 * MINUTE + SECOND),
        INVALID,
        f"Signature expired: {DAY}T000000Z is now earlier than {DAY}T000001Z ({DAY}T000501Z - 5 min.)",
    ),
    "signed ahead of time": (
        sent_later(-5 * MINUTE - SECOND),
        INVALID,
        f"Signature not yet current: {DAY}T000000Z is still later than 20251231T235959Z (20251231T235459Z + 5 min.)",
    ),
    "a scope of another day": (
        with_authorization(f"/{DAY}/", "/20260102/"),
        INVALID,
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20260102' != "
        f"'{DAY}', from '{DAY}T000000Z'.",
    ),
    "a region that is none": (
        lambda client: replace(client, region="US_EAST_1").signed(),
        INVALID,
        "Credential should be scoped to a valid region.",
    ),
    "another region than the host's": (
        with_header("host", lambda _: "000000000000.dkr.ecr.eu-west-1.amazonaws.com"),
        INVALID,
        "Credential should be scoped to a valid region.",
    ),
    "a scope with another end": (
        with_authorization("aws4_request", "aws5_request"),
        INVALID,
        "Credential should be scoped with a valid terminator: 'aws4_request'.",
    ),
}


def refusal_of(service: str, answer: httpx.Response) -> tuple[str, int, str]:
    """Code, status and message of an answer, which is in the form of its API."""
    if service != "ecr":
        status, code, message = error_of(answer)
        return code, status, message
    assert answer.headers["content-type"] == CONTENT_TYPE
    body = answer.json()
    assert body.keys() == {"__type", "message"}
    return body["__type"], answer.status_code, body["message"]


def expected(service: str, kind: tuple[str, str, int], message: str) -> tuple[str, int, str]:
    """Code, status and message that a service has to answer."""
    ecr, query, status = kind
    return (ecr, 400, message) if service == "ecr" else (query, status, message)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("fault", REFUSALS)
async def test_each_api_says_in_its_own_way_what_is_wrong(
    registry: RunningRegistry, service: str, fault: str
) -> None:
    """Code, status and message, to the letter."""
    spoil, kind, message = REFUSALS[fault]
    client = Client(registry, service)

    answer = await client.send(spoil(client))

    assert refusal_of(service, answer) == expected(service, kind, message.replace("SERVICE", service))


@pytest.mark.parametrize("service", SERVICES)
async def test_a_session_that_is_over_is_told_so(registry: RunningRegistry, service: str) -> None:
    """Its holder proved to have had it, so it learns more than that it is invalid."""
    session = await Query(registry, "sts")("GetSessionToken", DurationSeconds=900)
    held = {name: value for name, value in session["Credentials"].items() if isinstance(value, str)}
    registry.clock.advance(HOUR)
    client = Client(registry, service, credentials=held)

    answer = await client.send(client.signed())

    message = "The security token included in the request is expired"
    assert refusal_of(service, answer) == expected(service, EXPIRED, message)


@pytest.mark.parametrize("service", SERVICES)
async def test_the_same_request_signed_well_is_answered(registry: RunningRegistry, service: str) -> None:
    """So it is the fault that is refused, and nothing else."""
    client = Client(registry, service)

    answers = [
        await client.send(client.signed()),
        await client.send(client.signed(**{"x-vault-aws-iam-server-id": "vault.example"})),
        await client.send(client.signed(date="Thu, 01 Jan 2026 00:00:00 GMT")),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 200]


async def test_a_presigned_url_is_no_proof(registry: RunningRegistry) -> None:
    """Not even of GetCallerIdentity, which AWS takes: queries end up in logs."""
    request = AWSRequest("GET", f"http://{HOST}/?Action=GetCallerIdentity&Version=2011-06-15")
    credentials = Credentials(registry.access_key_id, registry.secret_access_key)
    SignatureInQuery(credentials, "sts", REGION, registry.clock).add_auth(request)
    query = f"?{str(request.url).partition('?')[2]}"
    assert f"X-Amz-Date={DAY}T000000Z" in query
    client = Client(registry, "sts")

    read = await client.send(Sent(body=b"", headers={}, query=query), "GET")
    written = await client.send(replace(REQUESTS["sts"], query=query))

    assert read.status_code == 404
    assert b"GetCallerIdentityResult" not in read.content
    assert refusal_of("sts", written) == expected("sts", MISSING, NO_TOKEN)
