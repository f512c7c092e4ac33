"""Stores of any size, filled by SQL: pushing a hundred thousand images would take longer than measuring them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection, Table, create_engine, insert
from tests.live.images import CONFIG, IMAGE, LAYER
from tests.live.server import ACCOUNT_ID, REGION

from entrepot.metadata import tables
from entrepot.metadata.schema import migrate
from entrepot.server.wiring import database_path

#: The repository that holds the images, and one that has only the layers of the first of them; others are empty.
FILLED, BESIDE = "bench/filled", "bench/beside"
LAYERS = 3
BATCH = 5_000
LONG_AGO = 1_700_000_000_000_000
FAR_OFF = 4_000_000_000_000_000

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Contents:
    """What a store holds: images in one repository, some of them untagged, and repositories beside it."""

    tagged: int
    untagged: int
    repositories: int

    @property
    def images(self) -> int:
        """All images."""
        return self.tagged + self.untagged

    def tags(self, number: int) -> list[str]:
        """The tags of an image: one or two; the untagged ones lie evenly between the others."""
        if number % (self.images // self.untagged) == 0:
            return []
        return [f"v{number:06}", f"w{number:06}"][: 1 + number % 2]


def fill(data: Path, contents: Contents) -> None:
    """Make the database of a data folder and fill it; no bytes of layers are stored."""
    data.mkdir(parents=True, mode=0o700)
    engine = create_engine(f"sqlite:///{database_path(data)}")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA synchronous = OFF")
        migrate(connection)
        for table, rows in _everything(contents):
            _insert(connection, table, rows)
        connection.commit()
    engine.dispose()


def manifest(number: int) -> bytes:
    """The manifest of an image: a config and a layer of its own, and layers that all images share."""
    layers = ",".join(_descriptor(LAYER, layer) for layer in _layers(number)[1:])
    config = _descriptor(CONFIG, _layers(number)[0])
    head = f'{{"schemaVersion":2,"mediaType":"{IMAGE}","config":{config}'
    return f'{head},"layers":[{layers}]}}'.encode()


def layer_digests(number: int) -> list[str]:
    """What an image is made of, its config first."""
    return [_blob_digest(layer) for layer in _layers(number)]


def _layers(number: int) -> list[int]:
    """Blobs by id: two of the image's own, and the shared ones."""
    return [2 * number + LAYERS, 2 * number + LAYERS + 1, *range(1, LAYERS)]


def _blob_digest(blob: int) -> str:
    return f"sha256:{blob:064x}"


def _descriptor(media_type: str, blob: int) -> str:
    return f'{{"mediaType":"{media_type}","digest":"{_blob_digest(blob)}","size":1000}}'


def _digest(number: int) -> str:
    return f"sha256:{sha256(manifest(number)).hexdigest()}"


def _insert(connection: Connection, table: Table, rows: Iterator[Row]) -> None:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            connection.execute(insert(table), batch)
            batch.clear()
    if batch:
        connection.execute(insert(table), batch)


def _everything(contents: Contents) -> Iterator[tuple[Table, Iterator[Row]]]:
    numbers = range(1, contents.images + 1)
    blobs = range(1, 2 * contents.images + LAYERS + 2)
    in_filled = [(1, blob) for blob in blobs]
    links = [*in_filled, *((2, blob) for blob in _layers(1))]
    yield tables.repositories, (_repository(number) for number in range(1, contents.repositories + 1))
    yield tables.blobs, (_blob(blob) for blob in blobs)
    yield tables.repository_layers, (_link(repository, blob) for repository, blob in links)
    yield (
        tables.manifests,
        ({"digest": _digest(number), "encryption_key": "", "content": manifest(number)} for number in numbers),
    )
    yield tables.images, (_image(number, len(contents.tags(number))) for number in numbers)
    yield tables.image_references, (row for number in numbers for row in _references(number))
    yield (
        tables.image_tags,
        (
            {"repository_id": 1, "tag": tag, "image_id": number, "moved_at": LONG_AGO}
            for number in numbers
            for tag in contents.tags(number)
        ),
    )


def _repository(number: int) -> Row:
    return {
        "id": number,
        "account": ACCOUNT_ID,
        "region": REGION,
        "name": {1: FILLED, 2: BESIDE}.get(number, f"bench/r{number:06}"),
        "created_at": LONG_AGO,
        "tag_mutability": "MUTABLE",
        "tag_mutability_exclusions": "[]",
        "scan_on_push": False,
        "encryption_type": "AES256",
    }


def _blob(blob: int) -> Row:
    key: Row = {"id": blob, "digest": _blob_digest(blob), "encryption_key": ""}
    return {**key, "size": 1000, "storage_key": f"{blob:032x}", "stored_at": LONG_AGO}


def _link(repository: int, blob: int) -> Row:
    return {"repository_id": repository, "blob_id": blob, "linked_at": LONG_AGO, "lease_until": FAR_OFF}


def _image(number: int, tag_count: int) -> Row:
    return {
        "id": number,
        "repository_id": 1,
        "digest": _digest(number),
        "encryption_key": "",
        "media_type": IMAGE,
        "artifact_type": CONFIG,
        "config_media_type": CONFIG,
        "size": 1000 * (LAYERS + 1),
        "manifest_size": len(manifest(number)),
        "pushed_at": LONG_AGO + number,
        "pulled_at": FAR_OFF,
        "tag_count": tag_count,
    }


def _references(number: int) -> Iterator[Row]:
    for position, blob in enumerate(_layers(number)):
        key: Row = {"image_id": number, "position": position, "repository_id": 1}
        yield {**key, "kind": "layer" if position else "config", "digest": _blob_digest(blob), "size": 1000}
