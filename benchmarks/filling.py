"""Stores of any size, filled by SQL: pushing a hundred thousand images would take longer than measuring them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from itertools import chain
from pathlib import Path
from random import SystemRandom
from typing import Any

from sqlalchemy import Connection, Table, create_engine, func, insert, select, text
from tests.live.images import CONFIG, IMAGE, LAYER
from tests.live.server import ACCOUNT_ID, REGION

from entrepot.metadata import tables
from entrepot.metadata.postgresql import PostgreSQLMetadata
from entrepot.metadata.schema import migrate
from entrepot.server.wiring import database_path

#: The repository that holds the images, and one that has only the layers of the first of them; others are empty.
FILLED, BESIDE = "bench/filled", "bench/beside"
#: Layers that all images have, beside those of their own.
SHARED = 2
BATCH = 5_000
FILL_SECONDS = 3600.0
LONG_AGO = 1_700_000_000_000_000
FAR_OFF = 4_000_000_000_000_000

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Contents:
    """What a store holds: images in one repository, some of them untagged, and repositories beside it.

    ``own`` is how many blobs an image has to itself: its config and all its layers but the shared ones.
    """

    tagged: int
    untagged: int
    repositories: int
    own: int = 2

    @property
    def images(self) -> int:
        """All images."""
        return self.tagged + self.untagged

    def tags(self, number: int) -> list[str]:
        """The tags of an image: one or two; the untagged ones lie evenly between the others."""
        if number % (self.images // self.untagged) == 0:
            return []
        return [f"v{number:07}", f"w{number:07}"][: 1 + number % 2]

    def manifest(self, number: int) -> bytes:
        """The manifest of an image: its config, layers of its own, and layers that all images share."""
        config, *layers = self._blobs(number)
        descriptors = ",".join(_descriptor(LAYER, layer) for layer in layers)
        head = f'{{"schemaVersion":2,"mediaType":"{IMAGE}","config":{_descriptor(CONFIG, config)}'
        return f'{head},"layers":[{descriptors}]}}'.encode()

    def digest(self, number: int) -> str:
        """The digest of an image."""
        return f"sha256:{sha256(self.manifest(number)).hexdigest()}"

    def layer_digests(self, number: int) -> list[str]:
        """What an image is made of, its config first."""
        return [_blob_digest(blob) for blob in self._blobs(number)]

    def rows(self) -> Iterator[tuple[Table, Iterator[Row]]]:
        """The rows of every table that has any; a table comes after all that it refers to."""
        numbers = range(1, self.images + 1)
        blobs = range(1, SHARED + self.own * self.images + 1)
        links = chain(((1, blob) for blob in blobs), ((2, blob) for blob in self._blobs(1)))
        yield tables.repositories, (_repository(number) for number in range(1, self.repositories + 1))
        yield tables.blobs, (_blob(blob) for blob in blobs)
        yield tables.repository_layers, (_link(repository, blob) for repository, blob in links)
        yield tables.manifests, (self._manifest(number) for number in numbers)
        yield tables.images, (self._image(number) for number in numbers)
        yield tables.image_references, (row for number in numbers for row in self._references(number))
        yield tables.image_tags, (_tag(number, tag) for number in numbers for tag in self.tags(number))

    def _blobs(self, number: int) -> Iterable[int]:
        """The ids of an image's blobs: its own, and the shared ones."""
        first = SHARED + self.own * (number - 1) + 1
        return [*range(first, first + self.own), *range(1, SHARED + 1)]

    def _manifest(self, number: int) -> Row:
        return {"digest": self.digest(number), "encryption_key": "", "content": self.manifest(number)}

    def _image(self, number: int) -> Row:
        return {
            "id": number,
            "repository_id": 1,
            "digest": self.digest(number),
            "encryption_key": "",
            "media_type": IMAGE,
            "artifact_type": CONFIG,
            "config_media_type": CONFIG,
            "size": 1000 * (self.own + SHARED),
            "manifest_size": len(self.manifest(number)),
            "pushed_at": LONG_AGO + number,
            "pulled_at": FAR_OFF,
            "tag_count": len(self.tags(number)),
        }

    def _references(self, number: int) -> Iterator[Row]:
        for position, blob in enumerate(self._blobs(number)):
            key: Row = {"image_id": number, "position": position, "repository_id": 1}
            yield {**key, "kind": "layer" if position else "config", "digest": _blob_digest(blob), "size": 1000}


def fill_sqlite(data: Path, contents: Contents) -> None:
    """Make the database of a data folder and fill it; no bytes of layers are stored."""
    data.mkdir(parents=True, mode=0o700)
    engine = create_engine(f"sqlite:///{database_path(data)}")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA synchronous = OFF")
        migrate(connection)
        for table, rows in contents.rows():
            _insert(connection, table, rows)
        connection.commit()
    engine.dispose()


async def fill_postgresql(url: str, contents: Contents) -> None:
    """Fill a database that has the tables and no rows, by COPY."""
    metadata = PostgreSQLMetadata(url, random=SystemRandom(), statement_timeout=FILL_SECONDS)
    for table, rows in contents.rows():
        first = next(rows)
        records = (tuple(row.values()) for row in chain([first], rows))
        await metadata.write(partial(_copy, table=table, columns=[*first], records=records))
    await metadata.write(lambda connection: connection.execute(text("ANALYZE")))
    await metadata.close()


def _copy(connection: Connection, table: Table, columns: list[str], records: Iterator[tuple[object, ...]]) -> None:
    driver: Any = connection.connection.dbapi_connection

    def copy(raw: Any) -> Any:
        return raw.copy_records_to_table(table.name, columns=columns, records=records)

    connection.execute(text("SET LOCAL session_replication_role = replica"))  # each reference is not looked up
    driver.run_async(copy)
    numbered = table.autoincrement_column
    if numbered is not None:  # the database's own numbers go on behind these
        sequence = func.pg_get_serial_sequence(table.name, numbered.name)
        connection.execute(select(func.setval(sequence, func.max(numbered))))


def _blob_digest(blob: int) -> str:
    """Spread as digests are."""
    return f"sha256:{sha256(blob.to_bytes(8)).hexdigest()}"


def _descriptor(media_type: str, blob: int) -> str:
    return f'{{"mediaType":"{media_type}","digest":"{_blob_digest(blob)}","size":1000}}'


def _insert(connection: Connection, table: Table, rows: Iterator[Row]) -> None:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            connection.execute(insert(table), batch)
            batch.clear()
    if batch:
        connection.execute(insert(table), batch)


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


def _tag(number: int, tag: str) -> Row:
    return {"repository_id": 1, "tag": tag, "image_id": number, "moved_at": LONG_AGO}
