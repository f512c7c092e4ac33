"""SigV4 is verified against the signer of botocore and AWS's published vectors."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from hashlib import sha256
from string import ascii_letters, ascii_lowercase, digits
from urllib.parse import parse_qsl, quote, urlencode

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.utils import normalize_url_path
from hypothesis import assume, given
from hypothesis import strategies as st

from entrepot.core.clock import MINUTE, SECOND
from entrepot.core.errors import Denied, Invalid
from entrepot.protocol.sigv4 import (
    Authorization,
    IncompleteSignature,
    InvalidSignature,
    MissingAuthenticationToken,
    SignedRequest,
    UnrecognizedClient,
    check_scope,
    read_authorization,
    verify,
)

ACCESS_KEY = "AKIDEXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TARGET = "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories"
URL = "http://localhost:5000/"


def signed(
    body: bytes = b"{}",
    headers: dict[str, str] | None = None,
    *,
    method: str = "POST",
    url: str = URL,
    params: dict[str, str] | None = None,
    secret_key: str = SECRET_KEY,
    region: str = "us-east-1",
    service: str = "ecr",
    token: str | None = None,
) -> SignedRequest:
    """A request signed by botocore, as an ASGI server would hand it over."""
    request = AWSRequest(
        method=method, url=url, data=body, params=params, headers={"X-Amz-Target": TARGET} | (headers or {})
    )
    SigV4Auth(Credentials(ACCESS_KEY, secret_key, token), service, region).add_auth(request)
    prepared = request.prepare()
    sent = [(name.lower().encode(), _bytes(value)) for name, value in prepared.headers.items()]
    _, _, rest = prepared.url.removeprefix("http://").partition("/")
    path, _, query = rest.partition("?")
    return SignedRequest(
        method=method,
        path=f"/{path}".encode(),
        query=query.encode(),
        headers=[(b"host", b"localhost:5000"), *sent],
    )


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def time_of(request: SignedRequest) -> int:
    """When a request was signed, in microseconds."""
    (value,) = request.values(b"x-amz-date")
    signed_at = datetime.strptime(value.decode(), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return int(signed_at.timestamp()) * SECOND


def with_header(request: SignedRequest, name: bytes, value: bytes) -> SignedRequest:
    """The request with one header set anew."""
    kept = [header for header in request.headers if header[0] != name]
    return replace(request, headers=[*kept, (name, value)])


def without_header(request: SignedRequest, name: bytes) -> SignedRequest:
    """The request with a header gone."""
    return replace(request, headers=[header for header in request.headers if header[0] != name])


def check(
    request: SignedRequest, body: bytes = b"{}", *, secret_key: str = SECRET_KEY, now: int | None = None
) -> None:
    """Verify a request as a server does that received this body."""
    verify(
        request,
        read_authorization(request),
        secret_key=secret_key,
        body_sha256=sha256(body).hexdigest(),
        now=time_of(request) if now is None else now,
    )


def authorization_header(request: SignedRequest) -> bytes:
    """The header as it was sent."""
    (value,) = request.values(b"authorization")
    return value


def altered(request: SignedRequest, old: bytes, new: bytes) -> SignedRequest:
    """The request with a part of its Authorization header replaced."""
    header = authorization_header(request)
    assert old in header
    return with_header(request, b"authorization", header.replace(old, new))


GET_VANILLA = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
POST_VANILLA = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
GET_WITH_QUERY = "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"


@pytest.mark.parametrize(
    ("method", "path", "query", "signature"),
    [
        ("GET", b"/", b"", GET_VANILLA),
        ("GET", b"", b"", GET_VANILLA),
        ("GET", b"//", b"", GET_VANILLA),
        ("GET", b"/./", b"", GET_VANILLA),
        ("GET", b"/example/..", b"", GET_VANILLA),
        ("POST", b"/", b"", POST_VANILLA),
        ("GET", b"/", b"Param2=value2&Param1=value1", GET_WITH_QUERY),
    ],
)
def test_published_vectors_verify(method: str, path: bytes, query: bytes, signature: str) -> None:
    """The signatures that AWS published for its test suite are those that are computed here."""
    header = (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders=host;x-amz-date, Signature={signature}"
    )
    request = SignedRequest(
        method=method,
        path=path,
        query=query,
        headers=[
            (b"host", b"example.amazonaws.com"),
            (b"x-amz-date", b"20150830T123600Z"),
            (b"authorization", header.encode()),
        ],
    )

    verify(
        request,
        read_authorization(request),
        secret_key=SECRET_KEY,
        body_sha256=sha256(b"").hexdigest(),
        now=time_of(request),
        service="service",
    )


def test_the_header_is_read_into_its_parts() -> None:
    """Every part of the Authorization header comes out under the name that AWS gives it."""
    request = signed(region="eu-central-1")

    authorization = read_authorization(request)

    (date,) = request.values(b"x-amz-date")
    header = authorization_header(request).decode()
    assert authorization == Authorization(
        access_key_id=ACCESS_KEY,
        date=date[:8].decode(),
        region="eu-central-1",
        service="ecr",
        signed_headers=("host", "x-amz-date", "x-amz-target"),
        signature=header[-64:],
    )


HEADER_NAMES = st.text(ascii_lowercase, min_size=1, max_size=8).map("x-".__add__)
HEADER_VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=40)


@given(
    body=st.binary(max_size=200),
    headers=st.dictionaries(HEADER_NAMES, HEADER_VALUES, max_size=4),
    secret_key=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=64),
)
def test_what_botocore_signs_verifies(body: bytes, headers: dict[str, str], secret_key: str) -> None:
    """Any body, any headers and any secret key: botocore's signature is accepted."""
    request = signed(body, headers, secret_key=secret_key)

    check(request, body, secret_key=secret_key)


@given(params=st.dictionaries(st.text(max_size=10), st.text(max_size=10), min_size=1, max_size=4))
def test_a_query_is_signed_whatever_is_in_it(params: dict[str, str]) -> None:
    """Names and values of a query may hold anything, and come in any order."""
    request = signed(b"", method="GET", params=params)

    check(replace(request, query=b"&".join(reversed(request.query.split(b"&")))), b"")


@st.composite
def anything_signed(draw: st.DrawFn) -> tuple[SignedRequest, bytes]:
    """A request that botocore signed, with its body: any method, path, query, headers, session token and body."""
    segment = st.text(max_size=5).map(lambda text: quote(text, safe="")) | st.sampled_from([".", "..", "%2F", "~"])
    query = urlencode(
        draw(st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=4)), quote_via=quote
    )
    body = draw(st.binary(max_size=50))
    request = signed(
        body,
        draw(st.dictionaries(HEADER_NAMES, HEADER_VALUES, max_size=3)),
        method=draw(st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])),
        url=f"{URL}{'/'.join(draw(st.lists(segment, max_size=4)))}?{query}",
        token=draw(st.none() | st.text(ascii_letters + digits + "+/=", min_size=1, max_size=20)),
    )
    return request, body


def check_with_its_token(request: SignedRequest, body: bytes, *, now: int, token: str | None) -> None:
    """Verify a request as a server does that knows which session token belongs to the key."""
    verify(
        request,
        read_authorization(request),
        secret_key=SECRET_KEY,
        body_sha256=sha256(body).hexdigest(),
        now=now,
        session_token=token,
    )


def token_of(request: SignedRequest) -> str | None:
    """The session token that a request was signed with."""
    token = request.value(b"x-amz-security-token")
    return None if token is None else token.decode()


@given(sent=anything_signed())
def test_any_request_that_botocore_signs_verifies(sent: tuple[SignedRequest, bytes]) -> None:
    """Whatever is in its parts."""
    request, body = sent

    check_with_its_token(request, body, now=time_of(request), token=token_of(request))


Parts = list[tuple[str, bytes]]


def parts_of(request: SignedRequest, body: bytes) -> Parts:
    """All that a signature covers, by name, and the header with the signature but for the access key id.

    Which secret key has to have signed follows from the id, so another id is never asked for this one's.
    """
    before, id_, after = authorization_header(request).partition(ACCESS_KEY.encode())
    assert id_
    covered = set(read_authorization(request).signed_headers)
    headers = [(name, value) for name, value in request.headers if name.decode() in covered]
    return [
        ("method", request.method.encode()),
        ("path", request.path),
        ("query", request.query),
        ("body", body),
        ("before the id", before),
        ("after the id", after),
        *[("name", name) for name, _ in headers],
        *[("value", value) for _, value in headers],
    ]


def put_together(parts: Parts) -> tuple[SignedRequest, bytes]:
    """The request and the body of such parts."""
    one = dict(parts)
    names, values = ([part for kind, part in parts if kind == wanted] for wanted in ("name", "value"))
    authorization = one["before the id"] + ACCESS_KEY.encode() + one["after the id"]
    return SignedRequest(
        method=one["method"].decode("latin-1"),
        path=one["path"],
        query=one["query"],
        headers=[*zip(names, values, strict=True), (b"authorization", authorization)],
    ), one["body"]


def meaning(kind: str, part: bytes) -> object:
    """What is the same for all ways to write a part: of these, and no others, a signature covers the meaning."""
    text = part.decode("latin-1")
    match kind:
        case "path":
            return normalize_url_path(f"/{text}")
        case "query":
            return sorted(parse_qsl(text, keep_blank_values=True, encoding="latin-1"))
        case "value":
            return part.split()
        case _:
            return part


@given(sent=anything_signed(), data=st.data())
def test_any_byte_that_is_changed_is_noticed(sent: tuple[SignedRequest, bytes], data: st.DataObject) -> None:
    """In whichever part, unless it says the same as before, such as one blank for another."""
    original, body = sent
    parts = parts_of(original, body)
    number = data.draw(st.sampled_from([number for number, (_, part) in enumerate(parts) if part]))
    kind, part = parts[number]
    place = data.draw(st.integers(0, len(part) - 1))
    changed = part[:place] + bytes([data.draw(st.integers(0, 255))]) + part[place + 1 :]
    assume(meaning(kind, changed) != meaning(kind, part))

    parts[number] = (kind, changed)

    with pytest.raises((Denied, Invalid)):
        check_with_its_token(*put_together(parts), now=time_of(original), token=token_of(original))


@pytest.mark.parametrize("path", ["a/b", "a//b/", "a/./b/../c", "a%20b", "~a", "a%2Fb", "%E1%88%B4", ".."])
def test_paths_are_normalised_as_botocore_does(path: str) -> None:
    """Dot segments go, and what is encoded already is encoded once more."""
    request = signed(b"", method="GET", url=URL + path)

    check(request, b"")


def test_white_space_and_repetition_of_headers_do_not_count() -> None:
    """A header sent in two lines, or with more blanks, is the same header."""
    request = signed(headers={"X-Notes": "one two,three"})
    kept = without_header(request, b"x-notes").headers

    check(replace(request, headers=[*kept, (b"x-notes", b"  one \t  two "), (b"x-notes", b"three")]))


@pytest.mark.parametrize("separator", [b",", b", ", b" ,  "])
def test_the_parts_of_the_header_are_parted_by_a_comma_and_any_blanks(separator: bytes) -> None:
    """Signers differ in that."""
    check(altered(signed(), b", ", separator))


def test_a_folded_header_is_the_same_header() -> None:
    """Its lines, which a server joins by blanks, count as its words (RFC 9112, section 5.2)."""
    request = signed(headers={"X-Notes": "one two three"})

    check(with_header(request, b"x-notes", b"one  \t  two \t three"))


@pytest.mark.parametrize("value", ["\N{LATIN SMALL LETTER E WITH ACUTE}", "\N{GRINNING FACE}"])
def test_headers_path_and_query_may_be_of_any_script(value: str) -> None:
    """Bytes of a header count as they are, those of path and query encoded or not."""
    check(with_header(signed(headers={"X-Notes": f"a{value}b"}), b"x-notes", f"a{value}b".encode()))
    plain = signed(b"", method="GET", url=f"{URL}{quote(value)}?{quote(value)}={quote(value)}")
    check(replace(plain, query=f"{value}={value}".encode()), b"")


def test_what_is_very_long_verifies_all_the_same() -> None:
    """What bounds a request is the server, not the signature."""
    headers = {f"x-{number}": "word " * 1000 for number in range(100)}
    request = signed(b"{}" * 500_000, headers, url=f"{URL}{'a/' * 5000}?{'b=c&' * 5000}d=e", token="t" * 10_000)

    check_with_its_token(request, b"{}" * 500_000, now=time_of(request), token="t" * 10_000)


def test_a_signed_header_that_has_not_arrived_is_missed() -> None:
    """An empty header and none are two things, so leaving one out is a change."""
    request = signed(headers={"X-Notes": ""})

    check(request)
    with pytest.raises(InvalidSignature, match="does not match"):
        check(without_header(request, b"x-notes"))


def test_a_date_header_serves_where_x_amz_date_is_absent() -> None:
    """The time may come from a signed Date header in the form of RFC 9110."""
    dated = time_of(signed())
    date = format_datetime(datetime.fromtimestamp(dated // SECOND, UTC), usegmt=True)

    request = signed(headers={"Date": date})

    assert b"x-amz-date" not in dict(request.headers)
    check(request, now=dated)


@given(data=st.data())
def test_any_other_signature_is_refused(data: st.DataObject) -> None:
    """One digit of the signature changed, and the request is not believed."""
    request = signed()
    header = authorization_header(request)
    place = data.draw(st.integers(len(header) - 64, len(header) - 1))
    digit = data.draw(st.sampled_from(b"0123456789abcdef").filter(lambda digit: digit != header[place]))

    with pytest.raises(InvalidSignature, match="does not match"):
        check(with_header(request, b"authorization", header[:place] + bytes([digit]) + header[place + 1 :]))


TAMPERINGS: dict[str, Callable[[SignedRequest], SignedRequest]] = {
    "method": lambda request: replace(request, method="PUT"),
    "path": lambda request: replace(request, path=b"/v2"),
    "query": lambda request: replace(request, query=b"a=1"),
    "host": lambda request: with_header(request, b"host", b"localhost:5001"),
    "target": lambda request: with_header(request, b"x-amz-target", b"Other"),
    "no target": lambda request: without_header(request, b"x-amz-target"),
    "another header": lambda request: with_header(request, b"x-notes", b"2"),
    "region": lambda request: altered(request, b"/us-east-1/", b"/us-east-2/"),
    "signed headers": lambda request: altered(request, b"host;x-amz", b"host;user-agent;x-amz"),
}


@pytest.mark.parametrize("part", TAMPERINGS)
def test_a_request_altered_in_any_part_is_refused(part: str) -> None:
    """What was signed cannot be changed on its way."""
    request = signed(headers={"X-Notes": "1"})

    with pytest.raises(InvalidSignature, match="does not match"):
        check(TAMPERINGS[part](request))


def test_another_body_is_refused() -> None:
    """The signature covers the body."""
    with pytest.raises(InvalidSignature, match="does not match"):
        check(signed(b"{}"), b"{ }")


UNSIGNED = [
    "UNSIGNED-PAYLOAD",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    sha256(b"another body").hexdigest(),
    sha256(b"{}").hexdigest().upper(),
    "",
]


@pytest.mark.parametrize("stated", UNSIGNED)
def test_another_hash_than_the_bodys_is_refused(stated: str) -> None:
    """X-Amz-Content-SHA256 does not stand in for the hash of what was received, even in a good signature."""
    request = signed(headers={"X-Amz-Content-SHA256": stated})

    with pytest.raises(InvalidSignature) as refused:
        check(request)

    assert refused.value.message == (
        "The provided 'x-amz-content-sha256' header does not match what was computed."
    )


@pytest.mark.parametrize("stated", UNSIGNED)
def test_another_hash_than_the_bodys_is_refused_where_it_is_not_signed_too(stated: str) -> None:
    """A header that nobody acts upon does not pass either."""
    with pytest.raises(InvalidSignature, match="x-amz-content-sha256"):
        check(with_header(signed(), b"x-amz-content-sha256", stated.encode()))


def test_the_bodys_own_hash_may_be_stated() -> None:
    """As some clients do for every service."""
    check(signed(headers={"X-Amz-Content-SHA256": sha256(b"{}").hexdigest()}))


def test_another_secret_key_is_refused() -> None:
    """Who does not hold the secret key cannot sign."""
    with pytest.raises(InvalidSignature, match="does not match"):
        check(signed(), secret_key="another")


@pytest.mark.parametrize(
    ("header", "spelling"), [("host", "Host"), ("x-amz-date", "X-Amz-Date"), ("x-amz-target", "X-Amz-Target")]
)
def test_headers_that_steer_a_request_must_be_signed(header: str, spelling: str) -> None:
    """A signature that leaves out host, time or operation would be good for another of them."""
    request = signed()
    authorization = read_authorization(request)
    names = tuple(name for name in authorization.signed_headers if name != header)

    with pytest.raises(InvalidSignature, match=f"'{spelling}' must be a 'SignedHeader'"):
        check_scope(request, replace(authorization, signed_headers=names), now=time_of(request))


@pytest.mark.parametrize(
    "name",
    [b"host", b"x-amz-date", b"x-amz-target", b"authorization", b"x-amz-security-token", b"x-amz-content-sha256"],
)
def test_headers_that_steer_a_request_may_come_once(name: bytes) -> None:
    """Of two such headers, one part of a server might believe the first and another the second."""
    request = signed(headers={"X-Amz-Content-SHA256": sha256(b"{}").hexdigest()}, token="session")
    twice = replace(request, headers=[*request.headers, (name, request.values(name)[0])])

    with pytest.raises(IncompleteSignature, match=f"'{name.decode()}' may be sent only once"):
        check_with_its_token(twice, b"{}", now=time_of(request), token="session")


@pytest.mark.parametrize("away", [-5 * MINUTE, 0, 5 * MINUTE])
def test_five_minutes_of_skew_are_allowed(away: int) -> None:
    """A clock may be wrong by five minutes to either side."""
    request = signed()

    check(request, now=time_of(request) + away)


def test_a_date_that_nobody_signed_does_not_serve() -> None:
    """It could be made newer on the way."""
    request = with_header(without_header(signed(), b"x-amz-date"), b"date", b"Sun, 30 Aug 2015 12:36:00 GMT")

    with pytest.raises(IncompleteSignature, match="either a 'X-Amz-Date' or a 'Date' header"):
        check(request, now=0)


def test_x_amz_date_comes_before_date() -> None:
    """As AWS says: Date is set by libraries and changed by proxies."""
    request = with_header(signed(), b"date", b"Sun, 30 Aug 2015 12:36:00 GMT")

    check(request)
    with pytest.raises(InvalidSignature, match="not yet current"):
        check(request, now=time_of(vector(b"20150830T123600Z")))


def test_an_old_signature_has_expired() -> None:
    """A request cannot be sent again when five minutes are over."""
    request = vector(b"20150830T123600Z")

    with pytest.raises(InvalidSignature) as refused:
        check(request, b"", now=time_of(request) + 5 * MINUTE + SECOND)

    assert refused.value.message == (
        "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T124101Z - 5 min.)"
    )


def test_a_signature_from_the_future_is_not_yet_current() -> None:
    """A request cannot be signed ahead of its time."""
    request = vector(b"20150830T123600Z")

    with pytest.raises(InvalidSignature) as refused:
        check(request, b"", now=time_of(request) - 5 * MINUTE - SECOND)

    assert refused.value.message == (
        "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z "
        "(20150830T123059Z + 5 min.)"
    )


def vector(time: bytes, scope: str = "20150830/us-east-1/ecr/aws4_request") -> SignedRequest:
    """A request with a scope and a time, and no good signature."""
    header = (
        f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{scope}, SignedHeaders=host;x-amz-date, Signature={'0' * 64}"
    )
    return SignedRequest(
        method="POST",
        path=b"/",
        query=b"",
        headers=[(b"host", b"localhost"), (b"x-amz-date", time), (b"authorization", header.encode())],
    )


def test_the_scope_must_be_of_the_day_of_the_date() -> None:
    """A key derived for one day signs nothing on another."""
    request = vector(b"20150831T000000Z")

    with pytest.raises(InvalidSignature, match="'20150830' != '20150831', from '20150831T000000Z'"):
        check(request, b"")


def test_the_scope_must_name_the_service() -> None:
    """A signature made for another service is not one for ECR."""
    with pytest.raises(InvalidSignature, match="scoped to correct service: 'ecr'"):
        check(signed(service="s3"))


def test_the_scope_must_name_the_region_of_the_host() -> None:
    """Where the host names a region, the signature must be for it."""
    request = signed(region="us-east-1")

    check_scope(request, read_authorization(request), now=time_of(request), region="us-east-1")
    with pytest.raises(InvalidSignature, match="scoped to a valid region"):
        check_scope(request, read_authorization(request), now=time_of(request), region="eu-west-1")


def test_the_scope_must_end_with_the_terminator() -> None:
    """The last element of a scope is always the same."""
    with pytest.raises(InvalidSignature, match="valid terminator: 'aws4_request'"):
        read_authorization(vector(b"20150830T123600Z", "20150830/us-east-1/ecr/aws5_request"))


@pytest.mark.parametrize("header", [None, b"", b"Basic QVdTOnB3", b"AWS AKIDEXAMPLE:frJIUN8DYpKDtOLCwo=="])
def test_a_request_without_a_signature_misses_a_token(header: bytes | None) -> None:
    """Another scheme, or none, is no signature."""
    headers = [] if header is None else [(b"authorization", header)]

    with pytest.raises(MissingAuthenticationToken) as refused:
        read_authorization(SignedRequest(method="POST", path=b"/", query=b"", headers=headers))

    assert refused.value.message == "Missing Authentication Token"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"AWS4-HMAC-SHA256", b"AWS4-HMAC-SHA1", "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA1'"),
        (b"AWS4-HMAC-SHA256", b"AWS4-ECDSA-P256-SHA256", "'algorithm': 'AWS4-ECDSA-P256-SHA256'"),
        (b"Credential=", b"Credentials=", "is not a valid and new key=value pair"),
        (b"Signature=", b"Credential=", "is not a valid and new key=value pair"),
        (b"SignedHeaders=", b"", "is not a valid and new key=value pair"),
        (b"Credential=AKIDEXAMPLE/", b"Credential=", "exactly 5 slash-delimited elements"),
        (b"AKIDEXAMPLE/", b"AKID/EXAMPLE/", "exactly 5 slash-delimited elements"),
        (b"AKIDEXAMPLE/", b"/", "exactly 5 slash-delimited elements"),
        (b"host;", b"Host;", "SignedHeaders must be"),
        (b"host;", b"host;host;", "SignedHeaders must be"),
        (b"host;", b"x-zero;host;", "SignedHeaders must be"),
        (b"host;", b";host;", "SignedHeaders must be"),
        (b"AKIDEXAMPLE", b"AKID\xc3\xa9", "must be printable ASCII"),
        (b"AKIDEXAMPLE", b"AKID\x00", "must be printable ASCII"),
    ],
)
def test_a_header_that_cannot_be_read_is_incomplete(old: bytes, new: bytes, reason: str) -> None:
    """Each fault of the header is named."""
    request = altered(signed(), old, new)

    with pytest.raises(IncompleteSignature, match=reason):
        read_authorization(request)


def test_every_missing_parameter_is_named() -> None:
    """A header of which only the signature is left says what the others are."""
    request = with_header(signed(), b"authorization", b"AWS4-HMAC-SHA256 Signature=00")

    with pytest.raises(IncompleteSignature) as refused:
        read_authorization(request)

    assert refused.value.message == (
        "Authorization header requires 'Credential' parameter. "
        "Authorization header requires 'SignedHeaders' parameter."
    )


@given(header=st.binary(max_size=60), rest=st.sampled_from([b"", b"Credential=", b"Signature=0,"]))
def test_no_header_can_break_the_reader(header: bytes, rest: bytes) -> None:
    """Whatever stands in the header, the answer is one of the errors of this module."""
    value = b"AWS4-HMAC-SHA256 " + rest + header

    with pytest.raises((IncompleteSignature, InvalidSignature)):
        read_authorization(SignedRequest(method="POST", path=b"/", query=b"", headers=[(b"authorization", value)]))


@given(
    text=st.binary(max_size=40) | st.from_regex(rb"\A[0-9]{8}T[0-9]{6}Z\Z"),
    tail=st.sampled_from([b"", b" GMT", b" -0000"]),
)
def test_no_date_can_break_the_check(text: bytes, tail: bytes) -> None:
    """Whatever stands in X-Amz-Date, a time that is not now is refused."""
    request = vector(text + tail)

    with pytest.raises((IncompleteSignature, InvalidSignature)):
        check(request, b"", now=0)


@pytest.mark.parametrize(
    "time", [b"", b"2015-08-30T12:36:00Z", b"20151330T123600Z", b"Sun, 30 Foo 2015 12:36:00 GMT"]
)
def test_a_date_that_is_none_is_named(time: bytes) -> None:
    """A time that cannot be read is repeated in the answer."""
    with pytest.raises(IncompleteSignature) as refused:
        check(vector(time), b"", now=0)

    assert refused.value.message == f"Date must be in ISO-8601 'basic format'. Got '{time.decode()}'."


def test_a_request_without_any_date_is_incomplete() -> None:
    """A signature without a time would be good for ever."""
    request = without_header(signed(), b"x-amz-date")

    with pytest.raises(IncompleteSignature, match="either a 'X-Amz-Date' or a 'Date' header"):
        check(request, now=0)


@pytest.mark.parametrize("query", [b"X-Amz-Signature=00", b"a=1&X-Amz-Algorithm=x", b"x%2damz-credential=a"])
def test_a_signature_in_the_query_is_refused(query: bytes) -> None:
    """A presigned URL of the API is not accepted, not even beside a good header."""
    with pytest.raises(IncompleteSignature, match="in the query"):
        read_authorization(replace(signed(), query=query))


@pytest.mark.parametrize("sent", ["session", ""])
def test_a_session_token_with_a_key_that_has_none_is_unrecognized(sent: str) -> None:
    """A key of a session does not pass for a root key."""
    request = with_header(signed(), b"x-amz-security-token", sent.encode())

    with pytest.raises(UnrecognizedClient) as refused:
        check(request)

    assert refused.value.message == "The security token included in the request is invalid."


@pytest.mark.parametrize(("sent", "accepted"), [("session", True), ("other", False), ("", False), (None, False)])
def test_a_key_of_a_session_goes_with_its_token(*, sent: str | None, accepted: bool) -> None:
    """The token sent must be the one the key was made with."""
    request = signed(token="session")
    request = (
        without_header(request, b"x-amz-security-token")
        if sent is None
        else with_header(request, b"x-amz-security-token", sent.encode())
    )
    authorization = read_authorization(request)

    with nullcontext() if accepted else pytest.raises(UnrecognizedClient):
        verify(
            request,
            authorization,
            secret_key=SECRET_KEY,
            body_sha256=sha256(b"{}").hexdigest(),
            now=time_of(request),
            session_token="session",
        )
