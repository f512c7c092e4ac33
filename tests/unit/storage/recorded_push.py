"""The pushes whose system calls are recorded: every promise, once it is given, is told on stdout.

Run as a program with the storage's root. ``promise: synced KEY SIZE`` and ``promise: sealed KEY SIZE``.
"""

import asyncio
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from entrepot.core.digest import hasher
from entrepot.storage.filesystem import FilesystemStorage


async def push(storage: FilesystemStorage, key: str, parts: list[bytes]) -> None:
    """Upload the parts, each as a request of its own with garbage after it, and complete."""
    size = 0
    for epoch, part in enumerate(parts):
        async with storage.writer(key, offset=size, epoch=epoch, hasher=hasher("sha256")) as writer:
            await writer.write([part[:10], part[10:]])
            await writer.sync()
            size += len(part)
            promise("synced", key, size)
            await writer.write([b"garbage of a request that breaks off"])
    await storage.seal(key, size=size, epoch=len(parts))
    promise("sealed", key, size)


def promise(word: str, key: str, size: int) -> None:
    """From here on ``size`` bytes of ``key`` may be told to a client."""
    os.write(1, f"promise: {word} {key} {size}".encode())


async def main(root: Path) -> None:
    """Push into a new folder and into one that exists, a blob of parts, of one part, and of none."""
    with ThreadPoolExecutor(1) as threads:
        storage = FilesystemStorage(root, threads=threads)
        await push(storage, "aa" + "0" * 30, [b"x" * 100_000, b"y" * 50, b"z" * 70_000])
        await push(storage, "aa" + "1" * 30, [b"x" * 100])
        await push(storage, "bb" + "2" * 30, [])
        await storage.seal("aa" + "1" * 30, size=100, epoch=1)
        promise("sealed", "aa" + "1" * 30, 100)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
