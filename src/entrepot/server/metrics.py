"""Prometheus metrics, summed over the worker processes.

prometheus_client decides at its import whether it counts in memory or in files that all workers share: in files
when PROMETHEUS_MULTIPROC_DIR is set. So ``serve`` sets it before the workers start, and this module is imported
by them only.
"""

import os
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from entrepot.core.garbage import Cause

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


class PrometheusCounters:
    """Counts operations, bytes of layers in both directions, and what is collected."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._operations = Counter(
            "entrepot_operations",
            "ECR operations, called through the API or by way of /v2/.",
            ["operation", "outcome"],
            registry=registry,
        )
        #: Kept by labels, for to look one up in the family costs as much as to count.
        self._by_outcome: dict[tuple[str, str], Counter] = {}
        self._received = Counter(
            "entrepot_layer_bytes_received", "Bytes of layers that arrived and were kept.", registry=registry
        )
        self._blobs_collected = Counter(
            "entrepot_garbage_collected", "Blobs and manifests removed as garbage.", ["cause"], registry=registry
        )
        self._bytes_collected = Counter(
            "entrepot_garbage_collected_bytes",
            "Bytes of blobs and manifests removed as garbage.",
            ["cause"],
            registry=registry,
        )
        self._sent = Counter("entrepot_layer_bytes_sent", "Bytes of layers that were sent.", registry=registry)

    def operation(self, name: str, outcome: str) -> None:
        """See Counters."""
        counter = self._by_outcome.get((name, outcome))
        if counter is None:
            counter = self._by_outcome[name, outcome] = self._operations.labels(name, outcome)
        counter.inc()

    def layer_bytes_received(self, count: int) -> None:
        """See Counters."""
        self._received.inc(count)

    def layer_bytes_sent(self, count: int) -> None:
        """See Counters."""
        self._sent.inc(count)

    def collected(self, cause: Cause, count: int, size: int) -> None:
        """See Counters."""
        self._blobs_collected.labels(cause).inc(count)
        self._bytes_collected.labels(cause).inc(size)


def make_metrics() -> tuple[PrometheusCounters, Callable[[], bytes]]:
    """The counters of this process, and a function that renders those of all processes."""
    registry = CollectorRegistry()
    counters = PrometheusCounters(registry)
    if FOLDER_VARIABLE not in os.environ:
        return counters, lambda: generate_latest(registry)

    def render() -> bytes:
        everyone = CollectorRegistry()
        MultiProcessCollector(everyone)
        return generate_latest(everyone)

    return counters, render
