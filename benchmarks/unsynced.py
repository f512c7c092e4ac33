"""`entrepot`, but nothing is synced to the disk: what `scripts/bench compare` calls "no fsync".

A power cut may take what it has acknowledged. It exists nowhere but here: no setting gives up durability.
"""

from collections.abc import Callable

from entrepot.cli import main
from entrepot.metadata.sqlite import SQLiteMetadata
from entrepot.storage.filesystem import FilesystemStorage


def _leave_to_the_kernel(constructor: Callable[..., None]) -> None:
    """Let the argument `sync` be False where nobody gives it."""
    defaults = constructor.__kwdefaults__
    assert defaults is not None
    assert defaults["sync"] is True
    defaults["sync"] = False


if __name__ == "__main__":
    _leave_to_the_kernel(SQLiteMetadata.__init__)
    _leave_to_the_kernel(FilesystemStorage.__init__)
    main()
