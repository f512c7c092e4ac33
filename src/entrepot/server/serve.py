"""Starting and ending the registry: claim the folder, bring the schema up to date, run the workers."""

import gc
import hashlib
import os
import resource
import shutil
import signal
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path

from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP2Settings
from granian.log import LogLevels

from entrepot.features.layers.rules import Lifetimes
from entrepot.fronts.oci.profile import PROFILES
from entrepot.server.app import Application
from entrepot.server.data_folder import CannotStart, claim
from entrepot.server.keys import RootKey, load_master_key, load_root_key
from entrepot.server.logs import configure_logs
from entrepot.server.memory import give_large_buffers_back
from entrepot.server.pacing import Pacing
from entrepot.server.processes import Lifeline, kept_running
from entrepot.server.requests import Requests
from entrepot.server.settings import Settings
from entrepot.server.stalled import end_stalled_for_ever
from entrepot.server.tls import Server
from entrepot.server.wiring import prepare_data, wire
from entrepot.server.worker import sweep_for_serve

MIB = 1024 * 1024
#: Seconds that requests in flight are given after SIGTERM.
GRACE = 30
#: Connections that a worker serves at once, if the system allows; others wait. Slow clients keep theirs for long.
CONNECTIONS = 4096
#: Files and sockets that one may need: a download in a crowd has a socket, the socket again, and a file. The last
#: two are closed a little after the first, when another connection may already be in its place.
FOR_EACH = 5
#: What all else takes: the databases, the log, the storage's own connections.
FOR_THE_REST = 128
#: Fewer would serve nobody, whatever the limit.
FEWEST = 16
DESCRIPTORS = FOR_THE_REST + FOR_EACH * CONNECTIONS
#: Objects that are made and not yet gone when cycles are looked for; Python's own number is 700.
GARBAGE = 20_000

_MEMORY = Path("/dev/shm")  # noqa: S108 (the folder in it is made for its owner alone)

#: Frames and windows that let one HTTP/2 upload run at full speed; granian's own make it four times slower.
HTTP2 = HTTP2Settings(
    max_frame_size=MIB,
    initial_stream_window_size=8 * MIB,
    initial_connection_window_size=16 * MIB,
    max_send_buffer_size=4 * MIB,
    max_concurrent_streams=100,
    max_headers_size=64 * 1024,
)


def serve(settings: Settings, announce: Callable[[RootKey], None], lifetimes: Lifetimes | None = None) -> None:
    """Run a registry until SIGTERM or SIGINT; raises CannotStart, and EntrepotError for a schema too new.

    ``announce`` is called with the root key once everything is in place and before the first request.
    """
    with claim(settings.data, settings.host, settings.port), _metrics_folder(settings.data):
        master = load_master_key(settings)
        root_key = load_root_key(settings)
        prepare_data(settings, master)
        _leave_alone_what_is_there()
        gc.enable()
        connections = connections_within(_allow_descriptors())
        lifeline = Lifeline()
        server = Server(
            settings,
            address=settings.host,
            port=settings.port,
            interface=Interfaces.ASGI,
            workers=settings.workers,
            loop=Loops.uvloop,
            http=HTTPModes.auto,
            http2_settings=HTTP2,
            websockets=False,
            backlog=1024,
            backpressure=connections,
            log_level=LogLevels.warning,
            respawn_failed_workers=True,
            workers_kill_timeout=GRACE,
        )

        def load(_target: str) -> Application:
            # Until granian has handlers of its own here, those of the parent would only swallow the signal.
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            lifeline.hold()
            return _make_application(settings, root_key, lifetimes)

        announce(root_key)
        with _background_worker(settings, lifeline, lifetimes):
            server.serve(target_loader=load)


def connections_within(descriptors: int) -> int:
    """How many connections a worker with so many descriptors can serve at once."""
    return max(FEWEST, min(CONNECTIONS, (descriptors - FOR_THE_REST) // FOR_EACH))


def _allow_descriptors() -> int:
    """Ask the system for what the connections may need, since a shell allows a fraction; gives what it allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def _background_worker(
    settings: Settings, lifeline: Lifeline, lifetimes: Lifetimes | None
) -> AbstractContextManager[None]:
    """A process that sweeps for as long as the block runs, where no other is to do it."""
    if not settings.background_worker:
        return nullcontext()
    return kept_running(lifeline, "background worker", lambda: sweep_for_serve(settings, lifetimes))


def _make_application(settings: Settings, root_key: RootKey, lifetimes: Lifetimes | None) -> Application:
    from entrepot.server.metrics import make_metrics  # noqa: PLC0415 (where it counts is decided at its import)

    configure_logs()
    give_large_buffers_back()
    counters, render = make_metrics()
    wired = wire(settings, root_key, counters, lifetimes)
    requests = Requests()
    application = Application(
        wired.services,
        profile=PROFILES[settings.profile],
        render_metrics=render,
        close=wired.close,
        log_every_request=settings.access_log,
        beside=[partial(end_stalled_for_ever, settings.port, requests)],
        requests=requests,
        pace=Pacing(settings.port).of_download,
    )
    _leave_alone_what_is_there()
    gc.set_threshold(GARBAGE, 20, 20)
    return application


def _leave_alone_what_is_there() -> None:
    """Look for reference cycles only among what comes later: requests make next to none.

    What is there at the start stays to the end, and to walk over it again and again costs each call a twentieth. A
    hundredth of it is garbage, and to find that takes a tenth of the start.
    """
    gc.freeze()


@contextmanager
def _metrics_folder(data: Path) -> Generator[None]:
    """An empty folder for the counters that the workers share; they begin at zero with each start.

    In memory where the system offers it: the files are mapped, and a full disk under one is SIGBUS.
    """
    name = f"entrepot-{hashlib.sha256(bytes(data.resolve())).hexdigest()[:16]}"
    folder = _MEMORY / name if _MEMORY.is_dir() else data / "metrics"
    try:
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise CannotStart(f"the folder {folder} cannot be made anew: {error.strerror}") from None
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    try:
        yield
    finally:
        shutil.rmtree(folder)
