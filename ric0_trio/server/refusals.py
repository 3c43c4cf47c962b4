"""What is refused for reaching a limit: counted by the limit's name, and told without flooding the log."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

import structlog
import trio

LIMITS: Final = (
    *("opening_timeout_s", "max_head_bytes", "trusted_proxies", "forwarded_for", "allowed_origins"),
    *("auth_timeout_s", "answer_timeout_s", "write_timeout_s", "ping_timeout_s"),
    *("messages_before_auth", "challenges", "messages_per_s", "control_frames_before_auth", "control_frames_per_min"),
    *("max_message_bytes_before_auth", "max_message_bytes", "fragments", "bytes", "reads"),
    *("connections_per_address", "new_connections_per_address_per_min", "unauthenticated_per_address"),
    *("failures_per_address", "unauthenticated_connections", "overload_wait_s", "max_connections"),
)
"""What can be refused, by name: the key in the configuration, or a name of its own (docs/limits.md)."""

_REPORT_EVERY_S: Final = 10.0


@dataclass(frozen=True)
class Refusal:
    """Which limit leaves no room for a client, and when it may come back."""

    limit: str
    text: str
    retry_after_s: float
    is_told: bool = True
    """Whether the client is told, or cut off without a word, as it has been told often enough."""


class Refusals:
    """Counts what each limit refused. The log tells the first at once, and of a flood one in ten seconds."""

    def __init__(self) -> None:
        self.counts = Counter[str]()
        """How often each limit was reached, by its name."""
        self._untold: dict[str, tuple[int, str]] = {}
        self._told_at: dict[str, float] = {}
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    def note(self, limit: str, peer: str) -> None:
        """Someone reached a limit."""
        self.counts[limit] += 1
        count, _ = self._untold.get(limit, (0, ""))
        self._untold[limit] = (count + 1, peer)
        if self._is_due(limit):
            self._tell(limit)

    async def report(self) -> None:
        """Tell what has not been told yet, every ten seconds, until cancelled."""
        while True:
            await trio.sleep(_REPORT_EVERY_S)
            for limit in filter(self._is_due, list(self._untold)):
                self._tell(limit)

    def tell(self) -> None:
        """Tell what has not been told yet."""
        for limit in list(self._untold):
            self._tell(limit)

    def _is_due(self, limit: str) -> bool:
        return trio.current_time() >= self._told_at.get(limit, float("-inf")) + _REPORT_EVERY_S

    def _tell(self, limit: str) -> None:
        count, peer = self._untold.pop(limit)
        self._told_at[limit] = trio.current_time()
        self._log.info("limit.reached", limit=limit, times=count, last_peer=peer)
