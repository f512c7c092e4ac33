"""A whole registry inside a test: the real application over memory, with a clock that the test sets.

    async with registry() as running:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(running.application))

Nothing of it is replaced but what makes tests slow or fickle: layers are kept in memory, the database does not
wait for the disk, time stands still until it is told to go on, and random names come from a seed.
"""

from collections import Counter
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from entrepot.core.garbage import Cause
from entrepot.features.quotas.quotas import OFF, Quotas
from entrepot.fronts.oci.profile import OCI, Profile
from entrepot.keys.keyring import Keyring
from entrepot.metadata.port import Metadata
from entrepot.metadata.schema import migrate
from entrepot.metadata.sqlite import SQLiteMetadata
from entrepot.operations.services import Services
from entrepot.protocol.tokens import MasterKey
from entrepot.server.app import Application
from entrepot.storage.memory import MemoryStorage
from entrepot.testing.services import ACCESS_KEY_ID, ACCOUNT_ID, REGION, SECRET_ACCESS_KEY, make_services

__all__ = [
    "ACCESS_KEY_ID",
    "ACCOUNT_ID",
    "REGION",
    "SECRET_ACCESS_KEY",
    "START",
    "MemoryCounters",
    "RunningRegistry",
    "SettableClock",
    "registry",
]

#: Where the clock stands at first: 2026-01-01T00:00:00Z, in microseconds.
START = 1_767_225_600_000_000


@dataclass
class SettableClock:
    """A clock that stands still; ``now`` in microseconds since the epoch."""

    now: int = START

    def __call__(self) -> int:
        """Read it."""
        return self.now

    def advance(self, microseconds: int) -> None:
        """Let time pass."""
        self.now += microseconds


@dataclass
class MemoryCounters:
    """What the registry has counted; ``operations`` by name and outcome."""

    operations: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    bytes_received: int = 0
    bytes_sent: int = 0
    collected_count: Counter[Cause] = field(default_factory=Counter[Cause])
    collected_bytes: Counter[Cause] = field(default_factory=Counter[Cause])

    def operation(self, name: str, outcome: str) -> None:
        """See Counters."""
        self.operations[name, outcome] += 1

    def layer_bytes_received(self, count: int) -> None:
        """See Counters."""
        self.bytes_received += count

    def layer_bytes_sent(self, count: int) -> None:
        """See Counters."""
        self.bytes_sent += count

    def collected(self, cause: Cause, count: int, size: int) -> None:
        """See Counters."""
        self.collected_count[cause] += count
        self.collected_bytes[cause] += size


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningRegistry:
    """A registry and what a test wants to see and to turn; ``storage`` keeps what is encrypted as it is stored."""

    application: Application
    services: Services
    storage: MemoryStorage
    clock: SettableClock
    counters: MemoryCounters
    keyring: Keyring
    access_key_id: str = ACCESS_KEY_ID
    secret_access_key: str = field(default=SECRET_ACCESS_KEY, repr=False)


@asynccontextmanager
async def registry(
    metadata: Metadata | None = None,
    *,
    create_on_push: bool = False,
    anonymous_pull: bool = False,
    public_url: str = "http://localhost:5000",
    profile: Profile = OCI,
    quotas: Quotas = OFF,
    catalog: bool = False,
    sparse_manifests: bool = False,
    encrypt_at_rest: bool = False,
    seed: int = 0,
) -> AsyncGenerator[RunningRegistry]:
    """Run an empty registry for as long as the block lasts.

    ``metadata`` is a migrated database that the caller closes; without one there is an SQLite database in a folder
    of its own. The registry has one account, ACCOUNT_ID; clients that name no region are in REGION.
    """
    async with AsyncExitStack() as opened:
        folder = opened.enter_context(TemporaryDirectory(prefix="entrepot-testing-"))
        if metadata is None:
            metadata = SQLiteMetadata(Path(folder) / "metadata.db", sync=False)
            opened.push_async_callback(metadata.close)
            await metadata.write(migrate)
        random = Random(seed)  # noqa: S311 (what it makes is worth nothing outside the test)
        master = MasterKey(random.randbytes(32))
        storage, clock, counters = MemoryStorage(), SettableClock(), MemoryCounters()
        keyring = Keyring(Path(folder) / "keyring.json", clock)
        services = make_services(
            metadata,
            storage,
            master=master,
            keyring=keyring,
            counters=counters,
            clock=clock,
            random=random,
            threads=opened.enter_context(ThreadPoolExecutor(2)),
            create_on_push=create_on_push,
            anonymous_pull=anonymous_pull,
            public_url=public_url,
            quotas=quotas,
            catalog=catalog,
            sparse_manifests=sparse_manifests,
            encrypt_at_rest=encrypt_at_rest,
        )
        application = Application(
            services,
            profile=profile,
            render_metrics=bytes,  # tests read ``counters``
            close=_leave_open,
            log_every_request=False,
        )
        yield RunningRegistry(
            application=application,
            services=services,
            storage=storage,
            clock=clock,
            counters=counters,
            keyring=keyring,
        )


async def _leave_open() -> None:
    """A server that ends does not end the registry: the block does."""
