"""What the server does, in numbers, for Prometheus (docs/operations.md, "Metrics"). Every label has few values."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, get_args

import trio
from prometheus_client import CollectorRegistry, Gauge, Info, ProcessCollector
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ric0_trio import __version__
from ric0_trio.protocol import CloseCode
from ric0_trio.server.endings import Cause, Ending
from ric0_trio.server.instruments import Histogram, HistogramCollector, Tally
from ric0_trio.server.recorder import Outcome
from ric0_trio.server.refusals import LIMITS
from ric0_trio.server.watched import ConnectionState

STATES: Final = get_args(ConnectionState)

_LAG_EVERY_S: Final = 0.25
_SHORT_S: Final = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1)
_LONG_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_BYTES: Final = (64, 256, 1024, 4096, 16384, 65536)
_CODES: Final = {*map(int, CloseCode), 1005, 1006}


class Metrics:
    """One server's instruments, in a registry of its own."""

    def __init__(self) -> None:
        self.registry: Final = CollectorRegistry()
        self._certificate: Gauge | None = None
        self._make_process_metrics()
        self.accepted = self._tally("ric0_connections_accepted", "Connections that were accepted.")
        self._closes = self._tally(
            "ric0_closes",
            "Connections that ended, by the code of the WebSocket's Close frame (none: there was no WebSocket, "
            "other: a code of the client's own) and by cause.",
            "code",
            "cause",
        )
        for code in ("none", "1011"):
            self._closes.begin(code, Cause.FAULT)
        self._http_refusals = self._tally(
            "ric0_http_refusals", "Requests that were answered instead of opening a WebSocket.", "status"
        )
        self._connects = self._tally("ric0_connects", "Answered connect requests.", "status")
        self._transcripts = self._tally(
            "ric0_transcripts",
            "Transcripts of conversations: whole, cut at a bound, or lost, as they could not be written.",
            "outcome",
        )
        for outcome in get_args(Outcome):
            self._transcripts.begin(outcome)
        self.signing, self.verifying = Histogram(_SHORT_S), Histogram(_SHORT_S)
        self.admission, self._lag = Histogram(_LONG_S), Histogram(_LONG_S)
        self.received, self.sent = Histogram(_BYTES), Histogram(_BYTES)
        self._show("ric0_admission_seconds", "Time until the access rules decided.", self.admission)
        self._show(
            "ric0_event_loop_lag_seconds", "How much later than asked for the event loop woke a task.", self._lag
        )
        signatures = {"sign": self.signing, "verify": self.verifying}
        self._show_each("ric0_signature_seconds", "Time to make or check one.", "operation", signatures)
        sizes = {"in": self.received, "out": self.sent}
        self._show_each("ric0_message_bytes", "Size of WebSocket messages.", "direction", sizes)
        self._reloads = self._tally("ric0_reloads", "Times that the configuration was read again.", "outcome")
        for outcome in ("done", "failed"):
            self._reloads.begin(outcome)

    def watch(
        self,
        states: Callable[[], Mapping[str, int]],
        max_connections: Callable[[], int],
        limits_reached: Callable[[], Mapping[str, int]],
    ) -> None:
        """Show what others keep count of."""

        def collect() -> Iterator[Metric]:
            by_state = GaugeMetricFamily("ric0_connections", "Connections that are there.", labels=["state"])
            counts = states()
            for state in STATES:
                by_state.add_metric([state], counts.get(state, 0))
            yield by_state
            yield GaugeMetricFamily("ric0_connections_max", "As many may be there.", max_connections())
            reached = CounterMetricFamily(
                "ric0_limits_reached", "How often a limit was reached (docs/limits.md).", labels=["limit"]
            )
            for limit, times in {**dict.fromkeys(LIMITS, 0), **limits_reached()}.items():
                reached.add_metric([limit], times)
            yield reached

        self.registry.register(_Collected(collect))

    def show_access(self, problem: Callable[[], str | None]) -> None:
        """Show whether anyone can be let in."""
        text = "1 when the access rules cannot be read or written, so that nobody is let in."
        Gauge("ric0_access_failing", text, registry=self.registry).set_function(lambda: problem() is not None)

    def show_certificate(self, expires_at: float | None) -> None:
        """Show when the certificate expires, in seconds since the epoch, if there is one."""
        if expires_at is None:
            return
        if self._certificate is None:
            name, text = "ric0_certificate_expiry_timestamp_seconds", "When the TLS certificate expires."
            self._certificate = Gauge(name, text, registry=self.registry)
        self._certificate.set(expires_at)

    def count_ending(self, ending: Ending) -> None:
        """A connection has ended."""
        code = "none" if ending.code is None else str(ending.code) if ending.code in _CODES else "other"
        self._closes.count(code, ending.cause)
        if ending.http_status is not None:
            self._http_refusals.count(str(ending.http_status))

    def count_connect(self, status: str) -> None:
        """A `connect` was answered."""
        self._connects.count(status)

    def count_reload(self, outcome: str) -> None:
        """The configuration was read again: `done` or `failed`."""
        self._reloads.count(outcome)

    def count_transcript(self, outcome: Outcome) -> None:
        """A transcript has come to its end."""
        self._transcripts.count(outcome)

    async def watch_event_loop(self) -> None:
        """Note now and then how late the event loop is, until cancelled."""
        while True:
            due = trio.current_time() + _LAG_EVERY_S
            await trio.sleep_until(due)
            self._lag.observe(max(0.0, trio.current_time() - due))

    def _tally(self, name: str, text: str, *labels: str) -> Tally:
        tally = Tally(name, text, labels)
        self.registry.register(tally)
        return tally

    def _show(self, name: str, text: str, histogram: Histogram) -> None:
        self.registry.register(HistogramCollector(name, text, (), {(): histogram}))

    def _show_each(self, name: str, text: str, label: str, histograms: dict[str, Histogram]) -> None:
        by_labels: dict[tuple[str, ...], Histogram] = {(value,): histogram for value, histogram in histograms.items()}
        self.registry.register(HistogramCollector(name, text, (label,), by_labels))

    def _make_process_metrics(self) -> None:
        ProcessCollector(registry=self.registry)
        Info("ric0_build", "Which version runs.", registry=self.registry).info({"version": __version__})


class _Collected(Collector):
    def __init__(self, collect: Callable[[], Iterable[Metric]]) -> None:
        self._collect = collect

    def collect(self) -> Iterable[Metric]:
        return self._collect()

    def describe(self) -> Iterable[Metric]:
        return ()
