"""Measure what authorisation costs small requests: `scripts/bench access`.

GET of a manifest and BatchGetImage ("call") by the root; by a user with one policy; by 1,000 users in turns, each
with a policy of 20 statements and a repository with another of 20; and by as many whose statements all have
conditions ("if"). One worker of Entrepot, beside one that asks nobody whether they may, on the same data.
Everybody has asked once before: to read and parse a policy for the first time is not measured.
"""

import argparse
import json
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, create_engine, insert
from tests.live.images import INDEX, digest_of
from tests.live.server import ACCESS_KEY_ID, ACCOUNT_ID, REGION, SECRET_ACCESS_KEY
from tests.live.wire import request_head, signed_request

from benchmarks.filling import FAR_OFF, LONG_AGO
from benchmarks.latency import Line
from benchmarks.load import request_rate
from benchmarks.report import Figure, comparison, measured, series
from benchmarks.subjects import OURS, Subject, authorization, entrepot
from entrepot.core.partitions import RegistryId
from entrepot.features.identity import store as identities
from entrepot.features.identity.access_keys import AccessKeySecrets
from entrepot.features.identity.principal import PrincipalKind
from entrepot.features.identity.rows import AccessKeyRow, PrincipalRow
from entrepot.features.repositories import store as repositories
from entrepot.features.repositories.repository import RepositorySettings
from entrepot.metadata import tables
from entrepot.metadata.schema import migrate
from entrepot.server.keys import load_master_key
from entrepot.server.settings import Settings
from entrepot.server.wiring import database_path

REGISTRY = RegistryId(ACCOUNT_ID, REGION)
READ_ONLY = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly"
STATEMENTS = 20
TAG = "first"

#: The command that is measured, and its peer that asks nobody.
PROGRAMS = {OURS: "entrepot", "unasked": "benchmarks.unauthorised"}


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with an access key, and the repository that they read."""

    access_key_id: str
    secret: str
    repository: str


ROOT = User(ACCESS_KEY_ID, SECRET_ACCESS_KEY, "bench/plain")
ONE_POLICY = User("AKIAPLAIN00000000000", "plain", "bench/plain")


def of_group(group: str, count: int) -> list[User]:
    """Users with a repository each."""
    return [
        User(f"AKIA{group.upper():0<6}{number:010}", f"secret-{number}", f"bench/{group}-{number:05}")
        for number in range(count)
    ]


def groups(count: int) -> dict[str, Sequence[User]]:
    """Who is measured."""
    return {
        "root": [ROOT],
        "one policy": [ONE_POLICY],
        f"{count} x {STATEMENTS}": of_group("many", count),
        f"{count} x {STATEMENTS}, if": of_group("if", count),
    }


def policy(repository: str, *, principal: str | None, with_conditions: bool) -> str:
    """An identity policy, or with a principal a repository's; the last statement lets the repository be read."""
    arn = REGISTRY.repository_arn(repository)
    statements: list[dict[str, object]] = []
    for number in range(STATEMENTS):
        is_last = number == STATEMENTS - 1
        statement: dict[str, object] = {
            "Sid": f"S{number}",
            "Effect": "Allow",
            "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        }
        if principal is None and number == 0:
            statement |= {"Action": "ecr:GetAuthorizationToken", "Resource": "*"}
        elif principal is None:
            statement["Resource"] = arn if is_last else f"{arn}-not-{number}/*"
        else:
            statement["Principal"] = {"AWS": principal if is_last else f"{principal}-not-{number}"}
        if with_conditions:
            statement["Condition"] = {
                "IpAddress": {"aws:SourceIp": ["127.0.0.0/8", "10.0.0.0/8"]},
                "StringLike": {"aws:userid": "*"},
            }
        statements.append(statement)
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def fill(data: Path, count: int) -> None:
    """Make the database of a data folder, with all the users, repositories and policies."""
    data.mkdir(parents=True, mode=0o700)
    secrets = AccessKeySecrets(load_master_key(Settings(data=data)))
    engine = create_engine(f"sqlite:///{database_path(data)}")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA synchronous = OFF")
        migrate(connection)
        _make_repository(connection, ROOT.repository, None)
        identities.attach(connection, _make_user(connection, secrets, ONE_POLICY), READ_ONLY)
        for group in ("many", "if"):
            for user in of_group(group, count):
                with_conditions = group == "if"
                row = _make_user(connection, secrets, user)
                document = policy(user.repository, principal=None, with_conditions=with_conditions)
                identities.put_inline_policy(connection, row.id, "own", document)
                document = policy(user.repository, principal=row.arn("aws"), with_conditions=with_conditions)
                _make_repository(connection, user.repository, document)
        connection.commit()
    engine.dispose()


def _make_user(connection: Connection, secrets: AccessKeySecrets, user: User) -> PrincipalRow:
    name = user.repository.replace("/", "-")
    row = PrincipalRow(
        id=f"AIDA{user.access_key_id[4:]}",
        account=ACCOUNT_ID,
        kind=PrincipalKind.USER,
        path="/",
        name=name,
        created_at=LONG_AGO,
    )
    identities.create_principal(connection, row)
    identities.create_access_key(
        connection,
        AccessKeyRow(
            id=user.access_key_id,
            principal_id=row.id,
            account=ACCOUNT_ID,
            sealed_secret=secrets.seal(user.access_key_id, user.secret),
            status="Active",
            created_at=LONG_AGO,
        ),
    )
    return row


def _make_repository(connection: Connection, name: str, document: str | None) -> None:
    """A repository with one image, an index of nothing, whose last pull need not be recorded."""
    repository = repositories.create(connection, REGISTRY, name, RepositorySettings(), {}, LONG_AGO)
    if document is not None:
        repositories.put_document(connection, repository.id, "policy", document, LONG_AGO)
    content = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [], "annotations": {"of": name}})
    key = {"digest": digest_of(content.encode()), "encryption_key": ""}
    image = {
        **key,
        "id": repository.id,
        "repository_id": repository.id,
        "media_type": INDEX,
        "size": len(content),
        "manifest_size": len(content),
        "pushed_at": LONG_AGO,
        "pulled_at": FAR_OFF,
        "tag_count": 1,
    }
    tag = {"repository_id": repository.id, "tag": TAG, "image_id": repository.id, "moved_at": LONG_AGO}
    connection.execute(insert(tables.manifests).values(**key, content=content.encode()))
    connection.execute(insert(tables.images).values(image))
    connection.execute(insert(tables.image_tags).values(tag))


@contextmanager
def serving(name: str, count: int) -> Generator[Subject]:
    """One worker on data of its own."""
    with TemporaryDirectory(prefix="entrepot-access-") as folder:
        fill(Path(folder) / "data", count)
        with entrepot(Path(folder), "--workers", "1", program=PROGRAMS[name], name=name) as subject:
            yield subject


def calls_of(users: Sequence[User], host: str) -> list[bytes]:
    """BatchGetImage of each user in turn."""
    return [
        _signed(user, host, "BatchGetImage", {"repositoryName": user.repository, "imageIds": [{"imageTag": TAG}]})
        for user in users
    ]


def gets_of(users: Sequence[User], host: str, port: int) -> list[bytes]:
    """GET of the manifest of each user in turn; each has been answered once."""
    found: list[bytes] = []
    with Line(port) as line:
        for user in users:
            token = authorization(port, user.access_key_id, user.secret)
            headers = {"Host": host, "Authorization": token, "Accept": INDEX}
            found.append(request_head("GET", f"/v2/{user.repository}/manifests/{TAG}", headers))
            line.ask(found[-1])
    return found


def _signed(user: User, host: str, operation: str, body: Mapping[str, object]) -> bytes:
    head, data = signed_request(host, operation, body, access_key_id=user.access_key_id, secret=user.secret)
    return head + data


def figures_of(subject: Subject, phases: Mapping[str, Sequence[bytes]], seconds: float) -> list[Figure]:
    """Each phase for so many seconds, its requests in turns."""
    found: list[Figure] = []
    for phase, requests in phases.items():
        turn = cycle(requests)
        found.append(
            measured(
                subject,
                phase,
                "/s",
                lambda turn=turn: request_rate("127.0.0.1", subject.port, turn.__next__, seconds),
            )
        )
    return found


def main() -> int:
    """Parse the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=2, help="length of each phase")
    parser.add_argument("--users", type=int, default=1_000, help="of each kind, and as many repositories")
    parser.add_argument("--output", choices=["table", "json"], default="table")
    options = parser.parse_args()

    figures: list[Figure] = []
    with ExitStack() as stack:
        subjects = [stack.enter_context(serving(name, options.users)) for name in PROGRAMS]
        gets = {
            (subject.name, group): gets_of(users, f"127.0.0.1:{subject.port}", subject.port)
            for subject in subjects
            for group, users in groups(options.users).items()
        }
        for _ in range(options.rounds):
            for group, users in groups(options.users).items():
                for subject in subjects:
                    phases = {
                        f"GET, {group}": gets[subject.name, group],
                        # Signed anew: a signature holds for five minutes.
                        f"call, {group}": calls_of(users, f"127.0.0.1:{subject.port}"),
                    }
                    figures += figures_of(subject, phases, options.seconds)

    shown = sorted(series(figures), key=lambda one: one.phase)
    as_json = options.output == "json"
    sys.stdout.write(json.dumps([asdict(each) for each in shown], indent=2) if as_json else comparison(shown))
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
