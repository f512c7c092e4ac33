"""Logs tell what went wrong, and no secret."""

import json
import subprocess
import sys

SECRET = "a-secret-that-nobody-may-see"

PROGRAM = f"""
import structlog
from entrepot.server.keys import RootKey
from entrepot.server.logs import configure_logs
from entrepot.server.settings import Settings

configure_logs()

def fail(settings, key, secret):
    raise RuntimeError("it failed")

try:
    settings = Settings(access_key_id="A" * 20, secret_access_key="{SECRET}")
    fail(settings, RootKey("A" * 20, "{SECRET}"), "{SECRET}")
except RuntimeError:
    structlog.get_logger().exception("a sweep failed", settings=repr(settings))
"""


def test_a_traceback_shows_where_and_not_with_what() -> None:
    """Settings and keys are among the variables of nearly every function that can fail."""
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)

    logged = json.loads(ended.stderr)
    assert logged["exception"][0]["exc_value"] == "it failed"
    assert [frame["name"] for frame in logged["exception"][0]["frames"]] == ["<module>", "fail"]
    assert SECRET not in ended.stderr
