"""The paths of ``/v2/``, read from their end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.protocol.oci.paths import Base, Blob, Catalog, Manifest, Referrers, Tags, Upload, Uploads, parse_path

DIGEST = f"sha256:{'a' * 64}"
#: Components of names, with the protocol's own words among them.
components = st.sampled_from(["a", "app", "v2", "blobs", "uploads", "manifests", "tags", "list", "referrers"])
names = st.lists(components, min_size=1, max_size=4).map("/".join)
last = st.sampled_from(["x", DIGEST, "latest", "1", "..."])


@given(names, last)
def test_a_path_is_told_by_its_last_words(name: str, end: str) -> None:
    """Even where the name has the same words."""
    assert parse_path(f"/v2/{name}/manifests/{end}") == Manifest(name, end)
    assert parse_path(f"/v2/{name}/referrers/{end}") == Referrers(name, end)
    assert parse_path(f"/v2/{name}/blobs/{end}") == Blob(name, end)
    assert parse_path(f"/v2/{name}/blobs/uploads/{end}") == Upload(name, end)
    assert parse_path(f"/v2/{name}/blobs/uploads/") == Uploads(name)
    assert parse_path(f"/v2/{name}/blobs/uploads") == Uploads(name)
    assert parse_path(f"/v2/{name}/tags/list") == Tags(name)


@pytest.mark.parametrize("path", ["/v2", "/v2/"])
def test_the_base_has_two_spellings(path: str) -> None:
    """With a slash at its end, and without."""
    assert parse_path(path) == Base()


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/v1/",
        "/v2/app",
        "/v2/app/",
        "/v2/app/manifests",
        "/v2/app/tags",
        "/v2/app/tags/list/",
        "/v2/app/blobs/uploads/x/y",
        "/v2/app/blobs/a\0",
        "/v2a/app/tags/list",
    ],
)
def test_any_other_path_is_none_of_the_protocol(path: str) -> None:
    """404, whatever the method."""
    assert parse_path(path) is None


@given(st.text())
def test_no_path_raises(path: str) -> None:
    """And every name that is read is a part of the path."""
    found = parse_path("/v2/" + path)

    assert found is None or isinstance(found, Base | Catalog) or found.name in path
