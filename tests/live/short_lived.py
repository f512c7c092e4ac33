"""`entrepot serve` and its collectors with promises of seconds, which no setting allows: run as a module.

python -m tests.live.short_lived serve --listen … --data …
python -m tests.live.short_lived worker --config …
python -m tests.live.short_lived collect --data …
"""

import asyncio
from dataclasses import replace

import typer

from entrepot.cli.options import with_settings
from entrepot.core.clock import SECOND
from entrepot.features.layers.rules import Lifetimes
from entrepot.operations.collection import Collected
from entrepot.operations.sweeps import collecting_sweeps, sweep_once
from entrepot.server.serve import serve
from entrepot.server.settings import Settings
from entrepot.server.wiring import opened_for_sweeping
from entrepot.server.worker import work

LEASE_SECONDS = 2
LIFETIMES = Lifetimes(lease=LEASE_SECONDS * SECOND, download=SECOND // 2, clock_skew=SECOND // 20)

app = typer.Typer()


def serve_command(settings: Settings) -> None:
    """As `entrepot serve`."""
    serve(settings, lambda _root_key: None, LIFETIMES)


def worker_command(settings: Settings) -> None:
    """As `entrepot worker`."""
    work(settings, LIFETIMES)


def collect_command(settings: Settings) -> None:
    """Collect again and again until it is killed, beside whatever else does."""

    async def run() -> None:
        async with opened_for_sweeping(settings, Collected()) as services:
            while True:
                await sweep_once(replace(services, lifetimes=LIFETIMES), collecting_sweeps())
                await asyncio.sleep(0.01)

    asyncio.run(run())


app.command("serve")(with_settings(serve_command))
app.command("worker")(with_settings(worker_command))
app.command("collect")(with_settings(collect_command))

if __name__ == "__main__":
    app()
