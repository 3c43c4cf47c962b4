"""What the figures of each scenario are called, in what unit they are shown, and in which order."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Column:
    """A figure in a table. The first of a scenario is its headline, and is compared with ours."""

    figure: str
    title: str
    digits: int = 0
    scale: float = 1.0

    def show(self, value: float) -> str:
        """The figure in the table's unit."""
        return f"{value * self.scale:,.{self.digits}f}"


_HALF: Final = (
    Column("p50_ms", "p50, ms", 2),
    Column("p99_ms", "p99, ms", 2),
    Column("p999_ms", "p99.9, ms", 2),
)
COLUMNS: Final[dict[str, tuple[Column, ...]]] = {
    "session": (Column("cpu_us", "CPU, µs a session"), Column("per_second", "sessions/s"), *_HALF),
    "message": (Column("cpu_us", "CPU, µs a message", 1), Column("per_second", "messages/s"), *_HALF),
    "idle": (
        Column("bytes_each", "KiB a connection", 1, 1 / 1024),
        Column("slope_bytes", "KiB each more", 1, 1 / 1024),
        Column("memory_bytes", "MiB in all", 0, 1 / 1024**2),
        Column("cpu_share", "CPU with pings, % of a core", 2, 100),
    ),
    "storm": (
        Column("cpu_us", "CPU, µs a reconnection"),
        Column("all_back_s", "all back, s", 2),
        Column("p50_ms", "p50, ms", 1),
        Column("p99_ms", "p99, ms", 1),
    ),
    "logins": (Column("per_second", "logins/s"), Column("of_peak", "of the peak", 2)),
    "flood": (
        Column("p99_ms", "p99, ms", 2),
        Column("p50_ms", "p50, ms", 2),
        Column("to_quiet", "p99, to quiet", 1),
        Column("strangers_per_s", "strangers/s"),
    ),
    "kept": (
        Column("cpu_us", "CPU, µs a session"),
        Column("message_cpu_us", "CPU, µs a message", 1),
        Column("startup_s", "start-up, s", 2),
    ),
    "live": (Column("cpu_us", "CPU, µs a session"), Column("message_cpu_us", "CPU, µs a message", 1)),
}
"""By the name that rows have in the results."""
