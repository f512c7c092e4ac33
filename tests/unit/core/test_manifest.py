"""Reading manifests: what they refer to, and that no bytes do harm."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from entrepot.core.digest import ALGORITHMS, Digest
from entrepot.core.manifest import Manifest, ManifestInvalid, annotations_of, parse_manifest
from entrepot.core.media_types import (
    DOCKER_MANIFEST,
    DOCKER_MANIFEST_LIST,
    DOCKER_MANIFEST_V1_SIGNED,
    INDEXES,
    MANIFESTS,
    OCI_INDEX,
    OCI_MANIFEST,
)

media_types = st.sampled_from(sorted(MANIFESTS))
digests = st.binary().map(lambda content: str(Digest.of(content)))
printable = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=30)
descriptors = st.fixed_dictionaries({"mediaType": printable, "digest": digests, "size": st.integers(0, 2**63 - 1)})
#: Documents that are nearly manifests: the right members with the right or the wrong values.
nearly = st.dictionaries(
    st.sampled_from(
        ["schemaVersion", "mediaType", "config", "layers", "manifests", "subject", "artifactType", "annotations",
         "fsLayers", "signatures"]
    ),
    st.one_of(
        st.none(),
        st.integers(),
        st.floats(),
        st.text(max_size=5),
        media_types,
        descriptors,
        st.lists(descriptors, max_size=3),
        st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
        st.lists(st.fixed_dictionaries({"protected": st.text(max_size=40)}), max_size=2),
    ),
)  # fmt: skip


@given(st.binary(), st.none() | media_types)
@example(b"[" * 100_000, OCI_MANIFEST)
@example(b'{"a": "\xff"}', OCI_MANIFEST)
@example(b'{"schemaVersion": 1e999}', OCI_MANIFEST)
@example(b'\xef\xbb\xbf{"schemaVersion": 2}', OCI_MANIFEST)
@example(b'{"schemaVersion":1,"fsLayers":[{"blobSum":"sha256:ab"}]}', DOCKER_MANIFEST_V1_SIGNED)
def test_no_bytes_raise_anything_but_manifest_invalid(content: bytes, media_type: str | None) -> None:
    """Whatever a client sends."""
    parse(content, media_type)


@given(nearly, st.none() | media_types | st.text(), st.sampled_from(ALGORITHMS))
def test_no_document_raises_anything_but_manifest_invalid(
    document: dict[str, Any], media_type: str | None, algorithm: str
) -> None:
    """Also one that is nearly right; and what is accepted can be told of later."""
    content = json.dumps(document).encode()

    found = parse(content, media_type, algorithm)

    if found is not None:
        assert found.media_type in MANIFESTS
        annotations_of(content)
        content.decode()


def parse(content: bytes, media_type: str | None, algorithm: str = "sha256") -> Manifest | None:
    """The manifest, or None for one that is refused in the way it should be."""
    try:
        return parse_manifest(content, media_type, algorithm)
    except ManifestInvalid as error:
        message = error.message
    assert message.startswith("Invalid parameter at 'ImageManifest' failed to satisfy constraint: ")
    assert len(message) < 1000
    return None


@given(
    st.sampled_from([OCI_MANIFEST, DOCKER_MANIFEST]),
    descriptors,
    st.lists(descriptors, max_size=5),
    st.none() | descriptors,
    st.none() | printable,
)
def test_an_image_refers_to_its_config_and_layers(
    media_type: str,
    config: dict[str, Any],
    layers: list[dict[str, Any]],
    subject: dict[str, Any] | None,
    artifact_type: str | None,
) -> None:
    """In order; its subject is no reference that has to be there."""
    document = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": config,
        "layers": layers,
        "subject": subject,
        "artifactType": artifact_type,
    }
    content = json.dumps(document).encode()

    found = parse_manifest(content, media_type)

    assert found.digest == Digest.of(content)
    assert [(str(one.digest), one.size) for one in found.references] == [
        (one["digest"], one["size"]) for one in (config, *layers)
    ]
    assert [one.kind for one in found.references[:1]] == ["config"]
    assert (str(found.subject) if found.subject else None) == (subject["digest"] if subject else None)
    assert found.artifact_type == (artifact_type or config["mediaType"])


@given(st.sampled_from([OCI_INDEX, DOCKER_MANIFEST_LIST]), st.lists(descriptors, max_size=5))
def test_an_index_refers_to_its_children(media_type: str, children: list[dict[str, Any]]) -> None:
    """And to nothing else."""
    content = json.dumps({"schemaVersion": 2, "manifests": children}).encode()

    found = parse_manifest(content, media_type)

    assert {one.kind for one in found.references} <= {"child"}
    assert [str(one.digest) for one in found.references] == [one["digest"] for one in children]
    assert found.config_media_type is None


@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    ],
)
def test_a_layer_that_is_not_to_be_distributed_is_foreign(media_type: str) -> None:
    """It need not be in the registry."""
    digest = str(Digest.of(b""))
    config = {"mediaType": "x/y", "digest": digest, "size": 0}
    document = {"schemaVersion": 2, "config": config, "layers": [{**config, "mediaType": media_type}]}

    found = parse_manifest(json.dumps(document).encode(), OCI_MANIFEST)

    assert [one.kind for one in found.references] == ["config", "foreign"]
    assert found.digests("layer") == []


def test_a_digest_that_is_named_twice_is_one() -> None:
    """Images repeat their empty layers."""
    digest = str(Digest.of(b""))
    one = {"mediaType": "x/y", "digest": digest, "size": 0}
    document = {"schemaVersion": 2, "config": one, "layers": [one, one]}

    found = parse_manifest(json.dumps(document).encode(), OCI_MANIFEST)

    assert found.digests("config", "layer") == [Digest.parse(digest)]
    assert len(found.references) == 3


@pytest.mark.parametrize("media_type", sorted(INDEXES))
@pytest.mark.parametrize("size", [-1, 2**63, 1.5, "1", None])
def test_a_size_is_a_number_of_bytes(media_type: str, size: object) -> None:
    """Which fits the database."""
    child = {"mediaType": "x/y", "digest": str(Digest.of(b"")), "size": size}

    with pytest.raises(ManifestInvalid):
        parse_manifest(json.dumps({"schemaVersion": 2, "manifests": [child]}).encode(), media_type)
