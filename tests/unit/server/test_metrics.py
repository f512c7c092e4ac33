"""What ``/-/metrics`` tells."""

from prometheus_client import CollectorRegistry, generate_latest

from entrepot.core.garbage import Cause
from entrepot.server.metrics import PrometheusCounters


def test_what_was_collected_is_counted_by_cause() -> None:
    """In number and in bytes."""
    registry = CollectorRegistry()
    counters = PrometheusCounters(registry)

    counters.collected(Cause.IMAGE, 2, 30)
    counters.collected(Cause.IMAGE, 1, 10)
    counters.collected(Cause.PUSH, 1, 5)

    lines = generate_latest(registry).decode().splitlines()
    assert {
        'entrepot_garbage_collected_total{cause="image"} 3.0',
        'entrepot_garbage_collected_bytes_total{cause="image"} 40.0',
        'entrepot_garbage_collected_total{cause="push"} 1.0',
        'entrepot_garbage_collected_bytes_total{cause="push"} 5.0',
    } <= set(lines)
