"""``entrepot history``, ``undelete``, ``deleted`` and ``purge``: what they take and what they say."""

import asyncio
import json
from pathlib import Path

import pytest
from tests.api.clients import ECR
from tests.api.images import Image, image, push
from tests.unit.cli.test_cli import run

from entrepot.core.clock import system_clock
from entrepot.metadata.blob_store import adopt_identity
from entrepot.metadata.schema import migrate
from entrepot.metadata.sqlite import SQLiteMetadata
from entrepot.testing.registry import registry

ROOT = "arn:aws:iam::000000000000:root"
PUSHED, OTHER = image("pushed"), image("other")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a data folder: app:v1 has moved from PUSHED to OTHER, PUSHED is deleted, and "gone" too."""
    folder = tmp_path_factory.mktemp("filled")
    (folder / "data").mkdir()
    asyncio.run(_fill(folder / "data" / "metadata.db"))
    return folder


async def _fill(path: Path) -> None:
    metadata = SQLiteMetadata(path)
    await metadata.write(migrate)
    await metadata.write(lambda connection: adopt_identity(connection, "ours"))
    async with registry(metadata) as running:
        running.clock.now = system_clock()
        ecr = ECR(running)
        await ecr("CreateRepository", repositoryName="app")
        await push(ecr, "app", PUSHED, "v1", "old")
        await push(ecr, "app", OTHER, "v1")
        await ecr("BatchDeleteImage", repositoryName="app", imageIds=[{"imageDigest": PUSHED.digest}])
        await ecr("CreateRepository", repositoryName="gone")
        await ecr("DeleteRepository", repositoryName="gone")
    await metadata.close()


@pytest.fixture
def folder(filled: Path, tmp_path: Path) -> Path:
    """The same, of a test's own."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "metadata.db").write_bytes((filled / "data" / "metadata.db").read_bytes())
    return tmp_path


def named(repository: str, pushed: Image) -> str:
    """An image by its digest."""
    return f"{repository}@{pushed.digest}"


def test_the_history_is_told_the_newest_first(folder: Path) -> None:
    """In lines, and as JSON."""
    moves = json.loads(run("history", "app:v1", "--output", "json", cwd=folder).stdout)["moves"]
    line = run("history", "app:v1", "--limit", "1", cwd=folder).stdout
    older = run("history", "app", "--before", str(moves[0]["id"]), "--output", "json", cwd=folder)

    assert [(move["from"], move["to"], move["movedBy"]) for move in moves] == [
        (PUSHED.digest, OTHER.digest, ROOT),
        (None, PUSHED.digest, ROOT),
    ]
    assert line == f"{moves[0]['id']}  {moves[0]['movedAt']}  v1  {PUSHED.digest} -> {OTHER.digest}  by {ROOT}\n"
    assert moves[1] in json.loads(older.stdout)["moves"]


def test_what_is_kept_is_listed(folder: Path) -> None:
    """With the end that the setting gives it; what has passed its end is not."""
    listed = json.loads(run("deleted", "--undelete-days", "2", "--output", "json", cwd=folder).stdout)["deleted"]
    lines = run("deleted", cwd=folder).stdout.splitlines()

    assert [(each["repository"], each["digest"], each["tags"]) for each in listed] == [
        ("gone", None, []),
        ("app", PUSHED.digest, ["old"]),
    ]
    assert listed[0]["keptUntil"][:10] > listed[0]["deletedAt"][:10]
    assert [line.split("  ")[0] for line in lines] == ["gone", named("app", PUSHED)]
    assert run("deleted", "--undelete-days", "0", cwd=folder).stdout == ""


def test_an_image_comes_back(folder: Path) -> None:
    """By its digest, by a tag, and once."""
    by_digest = run("undelete", named("app", PUSHED), cwd=folder)
    by_tag = json.loads(run("undelete", "app:v1", "--output", "json", cwd=folder).stdout)
    again = run("undelete", named("app", PUSHED), cwd=folder)

    assert by_digest.stdout == f"{named('app', PUSHED)} is back, tags that came back: old\n"
    assert by_tag == {
        "repository": "app",
        "digest": PUSHED.digest,
        "tags": ["v1"],
        "children": [],
        "elsewhere": [],
        "wasThere": True,
    }
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr.startswith("entrepot: No deleted image with digest")


def test_a_repository_comes_back(folder: Path) -> None:
    """Under another name if it is to."""
    ended = run("undelete", "gone", "--as", "here", cwd=folder)

    assert ended.stdout == "here is back\n"
    assert run("history", "here", cwd=folder).returncode == 0


@pytest.mark.parametrize("purged", [["app"], [named("app", PUSHED)], ["--all"]])
def test_what_is_purged_is_gone(folder: Path, purged: list[str]) -> None:
    """An image, all of a name, or everything."""
    ended = run("purge", *purged, cwd=folder)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("Purged: ")
    assert run("undelete", named("app", PUSHED), cwd=folder).returncode == 1
    assert run("undelete", "gone", cwd=folder).returncode == (1 if purged == ["--all"] else 0)


@pytest.mark.parametrize(
    "arguments",
    [
        ["undelete"],
        ["undelete", "App"],
        ["undelete", "app:v1@sha256:00"],
        ["undelete", "app@sha256:00"],
        ["undelete", "app:"],
        ["undelete", "app:v1", "--as", "other"],
        ["history", "app@sha256:" + "0" * 64],
        ["history", "app", "--limit", "0"],
        ["purge"],
        ["purge", "app", "--all"],
        ["purge", "app:v1"],
    ],
)
def test_what_names_nothing_ends_with_2(folder: Path, arguments: list[str]) -> None:
    """Before anything is looked for."""
    ended = run(*arguments, cwd=folder)

    assert (ended.returncode, ended.stdout) == (2, "")


def test_a_window_beyond_the_history_is_refused(folder: Path) -> None:
    """Tags come back by their history."""
    ended = run("deleted", "--undelete-days", "2", cwd=folder, ENTREPOT_HISTORY_DAYS="1")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert "undelete_days" in ended.stderr


def test_status_tells_what_is_kept(folder: Path) -> None:
    """And until when."""
    shown = json.loads(run("gc", "status", "--output", "json", cwd=folder).stdout)
    line = run("gc", "status", cwd=folder).stdout.splitlines()[0]

    assert (shown["kept"]["repositories"], shown["kept"]["images"], shown["images"]) == (1, 1, 0)
    assert line.startswith("Deleted and kept for undelete: 1 repositories, 1 images, the first until 20")


@pytest.mark.parametrize("words", [["history", "app"], ["deleted"], ["undelete", "gone"], ["purge", "--all"]])
def test_the_storage_is_not_asked(folder: Path, words: list[str]) -> None:
    """Rows are all that these commands look at and change, and the settings of a storage may be wrong or absent."""
    away = {"ENTREPOT_STORAGE": "s3://bucket", "ENTREPOT_S3_ENDPOINT": "http://127.0.0.1:1"}

    ended = run(*words, cwd=folder, **away)

    assert (ended.returncode, ended.stderr) == (0, "")
