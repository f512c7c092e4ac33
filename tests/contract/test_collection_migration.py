"""What releases without a collector left behind is found by the migration, on both databases."""

from alembic import command
from sqlalchemy import Connection, select, text

from entrepot.metadata import tables
from entrepot.metadata.migrations import config
from entrepot.metadata.port import Metadata
from entrepot.metadata.schema import migrate


def digest(number: int) -> str:
    """A digest that differs by its number alone."""
    return f"sha256:{number:064x}"


def fill(connection: Connection) -> None:
    """Version 5: of three layers one is named, one is not, one is unlinked; of two manifests one has an image."""
    command.upgrade(config(connection), "0005")
    execute = connection.exec_driver_sql
    execute(
        "INSERT INTO repositories (id, account, region, name, created_at, tag_mutability, tag_mutability_exclusions,"
        " scan_on_push, encryption_type) VALUES (1, '0', 'us-east-1', 'app', 0, 'MUTABLE', '[]', false, 'AES256')"
    )
    for number in (1, 2, 3):
        execute(
            "INSERT INTO blobs (id, digest, encryption_key, size, storage_key, stored_at)"
            f" VALUES ({number}, '{digest(number)}', '', {number}, 'k{number}', 0)"
        )
    for number in (1, 2):
        execute(f"INSERT INTO repository_layers VALUES (1, {number}, 0, {number})")
    for name in ("named", "orphan"):
        connection.execute(
            text("INSERT INTO manifests VALUES (:name, '', :content)"), {"name": name, "content": b"{}"}
        )
    execute(
        "INSERT INTO images (id, repository_id, digest, encryption_key, media_type, size, manifest_size, pushed_at,"
        " tag_count) VALUES (1, 1, 'named', '', 'x/y', 0, 2, 0, 0)"
    )
    execute(f"INSERT INTO image_references VALUES (1, 0, 1, 'layer', '{digest(1)}', 1)")
    for upload, key, completed in (("open", "k9", None), ("first", "k1", digest(1)), ("second", "k8", digest(1))):
        connection.execute(
            text(
                "INSERT INTO uploads VALUES (:id, 1, :key, 7, 0, 1, 7, false, 0, 0, :completed)",
            ),
            {"id": upload, "key": key, "completed": completed},
        )


async def test_what_older_releases_left_is_queued(metadata: Metadata) -> None:
    """A layer that no image names, a blob that no repository has, bytes of a needless upload, a manifest."""
    await metadata.write(fill)

    await metadata.write(migrate)

    links, stones = tables.repository_layers.c, tables.tombstones.c

    def found(connection: Connection) -> list[list[tuple[object, ...]]]:
        queries = (
            select(links.blob_id, links.due_at, links.due_cause).order_by(links.blob_id),
            select(stones.storage_key, stones.size, stones.cause).order_by(stones.storage_key),
            select(tables.blobs.c.id).order_by(tables.blobs.c.id),
            select(tables.manifests.c.digest),
        )
        return [[tuple(row) for row in connection.execute(query)] for query in queries]

    assert await metadata.read(found) == [
        [(1, None, None), (2, 2, "push")],
        [("k3", 3, "unlink"), ("k8", 7, "upload")],
        [(1,), (2,)],
        [("named",)],
    ]
