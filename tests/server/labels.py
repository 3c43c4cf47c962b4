"""Which values a label of a metric can have: few, whoever comes and whatever they send."""

from collections.abc import Collection, Iterator

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from ric0_trio import __version__
from ric0_trio.protocol import CloseCode, Status
from ric0_trio.server.endings import Cause
from ric0_trio.server.metrics import STATES, Metrics
from ric0_trio.server.refusals import LIMITS

VALUES: dict[str, Collection[str]] = {
    "state": STATES,
    "code": [*(str(int(code)) for code in CloseCode), "1005", "1006", "none", "other"],
    "cause": [str(cause) for cause in Cause],
    "status": [*(str(status) for status in Status), *map(str, (400, 403, 404, 405, 426, 431, 503))],
    "limit": LIMITS,
    "operation": ["sign", "verify"],
    "direction": ["in", "out"],
    "outcome": ["done", "failed", "whole", "cut", "lost"],
    "version": [__version__],
}


def find_unbounded(metrics: Metrics) -> Iterator[str]:
    """Find labels with values that nobody listed. (`le` is of histograms: their buckets are fixed.)"""
    for family in text_string_to_metric_families(generate_latest(metrics.registry).decode()):
        for sample in family.samples:
            for label, value in sample.labels.items():
                if label != "le" and value not in VALUES[label]:
                    yield f"{sample.name}: {label}={value!r}"
