"""The address under which clients know a registry."""

import pytest

from entrepot.core.address import PublicURL
from entrepot.core.errors import InvalidParameter
from entrepot.core.partitions import RegistryId

REGISTRY = RegistryId("123456789012", "cn-north-1")


@pytest.mark.parametrize(
    ("template", "endpoint", "uri"),
    [
        ("http://localhost:5000", "http://localhost:5000", "localhost:5000/team/app"),
        ("https://registry.example/", "https://registry.example", "registry.example/team/app"),
        ("http://[::1]:5000", "http://[::1]:5000", "[::1]:5000/team/app"),
        (
            "https://{account}.dkr.ecr.{region}.{suffix}",
            "https://123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
            "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/team/app",
        ),
    ],
)
def test_endpoint_and_uri_follow_the_template(template: str, endpoint: str, uri: str) -> None:
    """The URI is what docker takes: without a scheme."""
    url = PublicURL.parse(template)

    assert url.endpoint(REGISTRY) == endpoint
    assert url.repository_uri(REGISTRY, "team/app") == uri
    assert url.scheme == endpoint.partition("://")[0]


@pytest.mark.parametrize(
    "template",
    [
        "",
        "registry.example",
        "ftp://registry.example",
        "http://",
        "http://registry.example/path",
        "http://registry.example?query",
        "http://registry.example#fragment",
        "http://user@registry.example",
        "http://registry.example:port",
        "http://registry.example:999999",
        "http://{account[x]}.example",
        "http://{account.x}.example",
        "http://{tenant}.example",
        "http://{account.upper}.example",
        "http://{}.example",
        "http://{account",
        "http://[::1",
    ],
)
def test_what_is_no_address_is_refused(template: str) -> None:
    """With what it has to be."""
    with pytest.raises(InvalidParameter, match="'public_url'"):
        PublicURL.parse(template)
