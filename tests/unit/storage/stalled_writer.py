"""A worker process whose client stalls: it writes, says so, waits for a line, and tries to go on.

Run as a program with the storage's root and a key.
"""

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from entrepot.core.digest import hasher
from entrepot.storage.filesystem import FilesystemStorage
from entrepot.storage.port import Fenced


async def push(root: Path, key: str) -> None:
    """Write ``old old old``, wait, write ``late``; tell on stdout how each went."""
    with ThreadPoolExecutor(1) as threads:
        storage = FilesystemStorage(root, threads=threads)
        async with storage.writer(key, offset=0, epoch=1, hasher=hasher("sha256")) as writer:
            await writer.write([b"old old old"])
            say("written")
            sys.stdin.readline()
            try:
                await writer.write([b"late"])
            except Fenced:
                say("fenced")
            else:
                say("written")


def say(word: str) -> None:
    """Tell the test."""
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(push(Path(sys.argv[1]), sys.argv[2]))
