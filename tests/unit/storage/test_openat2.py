"""Opening a file only if nothing has to be waited for."""

import os
import sys
from pathlib import Path

import pytest

from entrepot.storage.openat2 import open_in_memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="openat2 is a call of Linux")


def test_a_file_that_the_system_knows_is_opened_to_be_read(tmp_path: Path) -> None:
    """What was just written is read through the descriptor, which cannot write and is not handed to programs."""
    path = tmp_path / "blob"
    path.write_bytes(b"content")

    descriptor = open_in_memory(str(path))

    assert descriptor is not None
    try:
        assert os.pread(descriptor, 100, 0) == b"content"
        assert not os.get_inheritable(descriptor)
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.pwrite(descriptor, b"other", 0)
    finally:
        os.close(descriptor)


def test_a_file_that_is_not_there_is_left_to_whoever_can_say_so(tmp_path: Path) -> None:
    """An absent file gives no descriptor and no error."""
    assert open_in_memory(str(tmp_path / "absent")) is None


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    """A link in place of a file leads nowhere."""
    (tmp_path / "target").write_bytes(b"content")
    link = tmp_path / "link"
    link.symlink_to("target")

    assert open_in_memory(str(link)) is None
