"""Which upstream registries a rule can have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.core.errors import InvalidParameter
from entrepot.core.partitions import RegistryId
from entrepot.features.pull_through.errors import (
    CredentialRequired,
    InvalidUpstreamURL,
    UnsupportedUpstreamRegistry,
)
from entrepot.features.pull_through.rule import Upstream, UpstreamRegistry
from entrepot.features.pull_through.rules import check_rule, upstream_of

HERE = RegistryId("000000000000", "us-east-1")
SECRET = "arn:aws:secretsmanager:us-east-1:000000000000:secret:ecr-pullthroughcache/upstream"
ROLE = "arn:aws:iam::000000000000:role/upstream"

URLS: dict[str, UpstreamRegistry] = {
    "public.ecr.aws": "ecr-public",
    "quay.io": "quay",
    "registry.k8s.io": "k8s",
    "registry-1.docker.io": "docker-hub",
    "ghcr.io": "github-container-registry",
    "registry.gitlab.com": "gitlab-container-registry",
    "cgr.dev": "chainguard",
    "team.azurecr.io": "azure-container-registry",
    "111111111111.dkr.ecr.eu-west-1.amazonaws.com": "ecr",
    "111111111111.dkr.ecr.cn-north-1.amazonaws.com.cn": "ecr",
}
OPEN = {"ecr-public", "quay", "k8s"}


@pytest.mark.parametrize("url", URLS)
def test_the_url_tells_the_upstream_registry(url: str) -> None:
    """Each registry of the service model has its host."""
    assert upstream_of(url) == URLS[url]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "harbor.example.com",
        "https://quay.io",
        "quay.io/",
        "quay.io:443",
        "quay.io.example.com",
        "docker.io",
        ".azurecr.io",
        "a.b.azurecr.io",
        "11111111111.dkr.ecr.eu-west-1.amazonaws.com",
        "111111111111.dkr.ecr.eu-west-1.amazonaws.com:443",
        "111111111111.dkr.ecr.eu-west-1.example.com",
        "quay.io\n",
    ],
)
def test_other_hosts_and_whole_urls_are_refused(url: str) -> None:
    """In ECR's words."""
    with pytest.raises(InvalidUpstreamURL) as refused:
        upstream_of(url)

    assert refused.value.message == (
        f"The upstream registry URL {url} is invalid. Specify a valid upstream registry URL and try again"
    )


@given(st.text(max_size=300))
def test_any_text_is_a_registry_or_refused(url: str) -> None:
    """And what is refused is repeated only so far."""
    try:
        upstream_of(url)
    except InvalidUpstreamURL as refused:
        assert len(refused.url) <= 200  # noqa: PT017 (either outcome is right)


@pytest.mark.parametrize("url", [url for url, kind in URLS.items() if kind != "ecr"])
def test_some_registries_need_a_credential(url: str) -> None:
    """Those that serve nobody who is not logged in."""
    kind = URLS[url]

    check_rule(HERE, "cache", upstream(url, credential_arn=SECRET))
    if kind in OPEN:
        check_rule(HERE, "cache", upstream(url))
    else:
        with pytest.raises(CredentialRequired):
            check_rule(HERE, "cache", upstream(url))


def test_a_named_registry_has_to_be_the_one_of_the_url() -> None:
    """Or the rule would be about neither."""
    with pytest.raises(UnsupportedUpstreamRegistry):
        check_rule(HERE, "cache", Upstream(registry="quay", url="registry.k8s.io", repository_prefix="ROOT"))


def test_ecr_of_the_own_account_needs_no_role() -> None:
    """Another region's registry."""
    check_rule(HERE, "cache", upstream("000000000000.dkr.ecr.eu-west-1.amazonaws.com"))


def test_ecr_of_another_account_needs_a_role() -> None:
    """Somebody has to be let in there."""
    url = "111111111111.dkr.ecr.us-east-1.amazonaws.com"

    check_rule(HERE, "cache", upstream(url, custom_role_arn=ROLE))
    with pytest.raises(InvalidParameter) as refused:
        check_rule(HERE, "cache", upstream(url))

    assert refused.value.parameter == "customRoleArn"


@pytest.mark.parametrize(
    "url", ["000000000000.dkr.ecr.us-east-1.amazonaws.com", "000000000000.dkr.ecr.cn-north-1.amazonaws.com.cn"]
)
def test_a_registry_is_not_its_own_upstream_nor_one_of_another_partition(url: str) -> None:
    """No image could come from there."""
    with pytest.raises(InvalidUpstreamURL):
        check_rule(HERE, "cache", upstream(url, custom_role_arn=ROLE))


def test_a_rule_for_everything_takes_everything() -> None:
    """Only a rule with a prefix of its own can name one upstream."""
    check_rule(HERE, "ROOT", upstream("quay.io"))
    check_rule(HERE, "team", upstream("quay.io", repository_prefix="team"))
    with pytest.raises(InvalidParameter) as refused:
        check_rule(HERE, "ROOT", upstream("quay.io", repository_prefix="team"))

    assert refused.value.parameter == "upstreamRepositoryPrefix"


def upstream(
    url: str,
    *,
    repository_prefix: str = "ROOT",
    credential_arn: str | None = None,
    custom_role_arn: str | None = None,
) -> Upstream:
    """An upstream of whatever kind the URL is of."""
    return Upstream(
        registry=upstream_of(url),
        url=url,
        repository_prefix=repository_prefix,
        credential_arn=credential_arn,
        custom_role_arn=custom_role_arn,
    )
