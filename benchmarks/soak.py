"""Let many clients work on three replicas that collect garbage while processes are killed: `scripts/bench soak`.

Three `entrepot serve` and two collectors on one PostgreSQL and one S3 bucket behind HAProxy, with leases of two
seconds and download URLs of half a second. Clients push, pull, check, mount, move tags and delete images and
repositories, and hold the registry to everything that it has acknowledged; random processes are killed by SIGKILL
and started again. In the end all is pulled once more, then deleted and collected. The exit status is 1 when a
promise was broken.
"""

import argparse
import json
import os
import secrets
import sys
import time
from contextlib import redirect_stdout
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.live.soak import Plan, soak
from tests.live.soak_ledger import Findings
from tests.postgresql import CRASH_SAFE, postgresql_server
from tests.s3 import s3_server

#: What each counter of the report is called; those before the pushes have to be 0.
NAMES = {
    "lost": "acknowledged and lost",
    "refused_within_lease": "manifests refused for a layer within its lease",
    "wrong_bytes": "wrong bytes",
    "came_back": "deleted and there again",
    "unexpected": "refused without reason",
    "pushes": "pushes acknowledged",
    "pulls": "images pulled whole",
    "checks": "layers asked for",
    "mounts": "layers mounted",
    "moved_tags": "tags moved",
    "deleted_images": "images deleted",
    "deleted_repositories": "repositories deleted",
    "refused_after_lease": "manifests refused after a lease",
    "empty_uploads": "multipart uploads without a part, begun by a process that was killed",
}


class Progress:
    """A line on standard error now and then."""

    def __init__(self, every: float) -> None:
        self._begun = self._last = time.monotonic()
        self._every = every

    def __call__(self, findings: Findings) -> None:
        """Say how it goes, if it is time to."""
        now = time.monotonic()
        if now - self._last < self._every:
            return
        self._last = now
        sys.stderr.write(
            f"{now - self._begun:5.0f} s: {findings.pushes} pushes, {findings.pulls} pulls, "
            f"{findings.kills.total()} kills, {findings.broken} broken promises\n"
        )


def table(findings: Findings) -> str:
    """The counters, a line each."""
    lines = [f"{getattr(findings, name):>8}  {words}" for name, words in NAMES.items()]
    lines += [f"{number:>8}  kills of a {kind}" for kind, number in sorted(findings.kills.items())]
    lines += [f"{number:>8}  {words}" for words, number in findings.answers.most_common()]
    lines += [f"{number:>8}  left in the end: {what}" for what, number in findings.left.items()]
    if not findings.left:
        lines.append(f"{0:>8}  rows, objects and bytes left in the end")
    return "\n".join([*lines, *findings.faults])


def main() -> int:
    """Parse the options, soak, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300, help="for which the clients work")
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--repositories", type=int, default=4)
    parser.add_argument("--seed", type=int, help="of what clients do and what is killed; a random one is printed")
    parser.add_argument("--output", choices=["text", "json"], default="text")
    options = parser.parse_args()
    seed = secrets.randbelow(2**32) if options.seed is None else options.seed
    sys.stderr.write(f"seed {seed}\n")
    plan = Plan(seconds=options.seconds, clients=options.clients, repositories=options.repositories, seed=seed)
    with (
        TemporaryDirectory(prefix="entrepot-soak-") as home,
        postgresql_server(CRASH_SAFE) as postgresql,
        s3_server() as s3,
    ):
        s3.write_credentials(Path(home))
        os.environ["HOME"] = home  # where boto3 looks, in every process of the registry
        with redirect_stdout(sys.stderr):  # the logs of the replicas
            findings = soak(plan, postgresql, s3, Progress(10))
    if options.output == "json":
        counters = {field.name: getattr(findings, field.name) for field in fields(findings)}
        report = json.dumps({"seed": seed, "seconds": options.seconds, **counters}, indent=2)
    else:
        report = table(findings)
    sys.stdout.write(f"{report}\n")
    return 1 if findings.broken else 0


if __name__ == "__main__":
    sys.exit(main())
