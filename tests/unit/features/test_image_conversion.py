"""Docker's manifests and OCI's say the same in two ways, and are turned into each other."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.core.manifest import parse_manifest
from entrepot.core.media_types import (
    DOCKER_MANIFEST,
    DOCKER_MANIFEST_LIST,
    DOCKER_MANIFEST_V1,
    MANIFESTS,
    OCI_INDEX,
    OCI_MANIFEST,
)
from entrepot.features.images.conversion import convert_manifest

DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
LAYERS = {
    "application/vnd.docker.image.rootfs.diff.tar": "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip": "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.docker.image.rootfs.diff.tar.zstd": "application/vnd.oci.image.layer.v1.tar+zstd",
    "application/vnd.docker.image.rootfs.foreign.diff.tar": (
        "application/vnd.oci.image.layer.nondistributable.v1.tar"
    ),
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip": (
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
    ),
}
OTHER = {
    DOCKER_MANIFEST: OCI_MANIFEST,
    OCI_MANIFEST: DOCKER_MANIFEST,
    DOCKER_MANIFEST_LIST: OCI_INDEX,
    OCI_INDEX: DOCKER_MANIFEST_LIST,
}

HEX = st.binary(min_size=32, max_size=32).map(bytes.hex)


def descriptors(*media_types: str, **members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Descriptors of these types, with members that they may have."""
    return st.fixed_dictionaries(
        {
            "mediaType": st.sampled_from(media_types),
            "digest": HEX.map("sha256:{}".format),
            "size": st.integers(0, 2**63 - 1),
        },
        optional=members,
    )


URLS = st.lists(st.text(max_size=9), max_size=2)
ANNOTATIONS = st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=2)
PLATFORM = st.fixed_dictionaries(
    {"architecture": st.text(max_size=9), "os": st.text(max_size=9)},
    optional={
        "variant": st.text(max_size=9),
        "os.version": st.text(max_size=9),
        "os.features": URLS,
        "features": URLS,
    },
)


@st.composite
def manifests(draw: st.DrawFn) -> tuple[bytes, str]:
    """Any manifest of a container image, or index of such, in either family; and its type."""
    media_type = draw(st.sampled_from(sorted(OTHER)))
    document: dict[str, Any] = {"schemaVersion": 2, "mediaType": media_type}
    if media_type in {OCI_INDEX, DOCKER_MANIFEST_LIST}:
        child = descriptors(OCI_MANIFEST, DOCKER_MANIFEST, urls=URLS)
        children = st.tuples(child, PLATFORM).map(lambda pair: pair[0] | {"platform": pair[1]})
        document["manifests"] = draw(st.lists(children, max_size=3))
    else:
        layers = [*LAYERS, *LAYERS.values()]  # builders mix the two families
        document["config"] = draw(descriptors(DOCKER_CONFIG, OCI_CONFIG))
        document["layers"] = draw(st.lists(descriptors(*layers, urls=URLS, annotations=ANNOTATIONS), max_size=3))
    if media_type in {OCI_INDEX, OCI_MANIFEST} and draw(st.booleans()):
        document["annotations"] = draw(ANNOTATIONS)
    if draw(st.booleans()) and media_type != DOCKER_MANIFEST_LIST:
        del document["mediaType"]
    return json.dumps(document, indent=draw(st.sampled_from([None, 3]))).encode(), media_type


@given(manifests())
def test_a_converted_manifest_is_one_and_names_the_same(manifest: tuple[bytes, str]) -> None:
    """The same blobs and images of the same sizes, in the same order."""
    content, media_type = manifest
    converted = convert_manifest(content, media_type, [OTHER[media_type]])

    assert converted is not None
    before, after = parse_manifest(content, media_type), parse_manifest(converted[0], None)
    assert (after.media_type, converted[1]) == (OTHER[media_type], OTHER[media_type])
    assert after.references == before.references


@given(manifests())
def test_a_converted_manifest_is_all_of_one_family(manifest: tuple[bytes, str]) -> None:
    """Config and layers have the types that go with it, whichever they had before."""
    content, media_type = manifest

    converted = convert_manifest(content, media_type, [OTHER[media_type]])

    assert converted is not None
    document = json.loads(converted[0])
    blobs = [document["config"], *document["layers"]] if "config" in document else []
    family = {DOCKER_CONFIG, *LAYERS} if converted[1] == DOCKER_MANIFEST else {OCI_CONFIG, *LAYERS.values()}
    assert {blob["mediaType"] for blob in blobs} <= family


@given(manifests())
def test_there_and_back_and_there_again_are_the_same_bytes(manifest: tuple[bytes, str]) -> None:
    """So the digest of what is answered never changes."""
    content, media_type = manifest
    other = OTHER[media_type]

    once = convert_manifest(content, media_type, [other])
    assert once is not None
    back = convert_manifest(once[0], other, [media_type])
    assert back is not None
    again = convert_manifest(back[0], media_type, [other])

    assert convert_manifest(content, media_type, [other]) == once == again


@given(manifests(), st.sets(st.sampled_from(sorted(MANIFESTS))))
def test_it_is_converted_only_when_that_helps(manifest: tuple[bytes, str], accepted: set[str]) -> None:
    """Not if the client takes it as it is, nor if it does not take the other either."""
    content, media_type = manifest
    is_wanted = media_type not in accepted and OTHER[media_type] in accepted

    assert (convert_manifest(content, media_type, accepted) is not None) == is_wanted


CONFIG: dict[str, Any] = {"mediaType": OCI_CONFIG, "digest": f"sha256:{'a' * 64}", "size": 1}
LAYER: dict[str, Any] = {
    "mediaType": LAYERS["application/vnd.docker.image.rootfs.diff.tar"],
    "digest": f"sha256:{'b' * 64}",
    "size": 2,
}
IMAGE: dict[str, Any] = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": CONFIG, "layers": [LAYER]}
INDEX: dict[str, Any] = {
    "schemaVersion": 2,
    "mediaType": OCI_INDEX,
    "manifests": [{**CONFIG, "mediaType": OCI_MANIFEST}],
}


#: An artifact of every kind, an index without platforms.
NOT_DOCKERS: list[dict[str, Any]] = [
    IMAGE | {"artifactType": "application/vnd.example.sbom"},
    IMAGE | {"subject": CONFIG},
    IMAGE | {"config": CONFIG | {"mediaType": "application/vnd.cncf.helm.config.v1+json"}},
    IMAGE | {"layers": [LAYER | {"mediaType": "application/vnd.example.layer"}]},
    IMAGE | {"layers": [LAYER | {"urls": "no list"}]},
    INDEX,
    INDEX | {"manifests": [], "subject": CONFIG},
]


@pytest.mark.parametrize("document", NOT_DOCKERS)
def test_what_docker_cannot_say_stays_as_it_is(document: dict[str, Any]) -> None:
    """Artifacts, and indexes without platforms."""
    media_type = document["mediaType"]

    assert convert_manifest(json.dumps(document).encode(), media_type, [OTHER[media_type]]) is None


def test_the_bytes_are_compact_and_in_the_order_of_the_specification() -> None:
    """Written down once, that no later version answers with another digest."""
    content = json.dumps(IMAGE | {"annotations": {"a": "b"}}).encode()

    assert convert_manifest(content, OCI_MANIFEST, [DOCKER_MANIFEST]) == (
        b'{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json",'
        b'"config":{"mediaType":"application/vnd.docker.container.image.v1+json","size":1,"digest":"sha256:'
        + b"a" * 64
        + b'"},"layers":[{"mediaType":"application/vnd.docker.image.rootfs.diff.tar","size":2,"digest":"sha256:'
        + b"b" * 64
        + b'"}]}',
        DOCKER_MANIFEST,
    )


def test_schema_1_is_neither_read_nor_written() -> None:
    """It is served as it was pushed."""
    content = json.dumps(IMAGE).encode()

    assert convert_manifest(content, OCI_MANIFEST, [DOCKER_MANIFEST_V1]) is None
    assert convert_manifest(content, DOCKER_MANIFEST_V1, [OCI_MANIFEST]) is None
