"""What one address may do: how many connections, how many new ones, how many failures."""

from collections import OrderedDict, deque
from typing import Final

from ric0_trio.protocol.rate import TokenBucket
from ric0_trio.server.limits import ServerLimits
from ric0_trio.server.refusals import Refusal

MAX_REMEMBERED: Final = 32_768
"""How many addresses are kept in mind at once. Past it, those that were heard of least recently are forgotten."""

_MANY_OPEN_WAIT_S: Final = 10.0
_TOLD_AT_ONCE: Final = 5
_TOLD_PER_S: Final = 1


class _Address:
    def __init__(self, limits: ServerLimits, now: float) -> None:
        per_min = limits.new_connections_per_address_per_min
        self.open = 0
        self.newcomers = TokenBucket(per_min, per_min / 60, now)
        self.failures: deque[float] | None = None
        self.barred_until = 0.0
        self.courtesy: TokenBucket | None = None

    def refuse(self, limit: str, text: str, retry_after_s: float, now: float) -> Refusal:
        """Say so a few times, and then once a second: each time costs as much as two fifths of a login."""
        self.courtesy = self.courtesy or TokenBucket(_TOLD_AT_ONCE, _TOLD_PER_S, now)
        return Refusal(limit, text, retry_after_s, is_told=self.courtesy.take(now))


class AddressLimits:
    """Keeps count by address. `now`, everywhere, is in seconds, on a clock that does not step back.

    A `group` is what `Peer.group` says; None is let through everywhere.
    """

    def __init__(self, limits: ServerLimits) -> None:
        self.limits = limits
        """May be changed: an address that is in mind keeps its rate of newcomers."""
        self._addresses: OrderedDict[str, _Address] = OrderedDict()

    def __len__(self) -> int:
        """How many addresses are kept in mind."""
        return len(self._addresses)

    def enter(self, group: str | None, now: float) -> Refusal | None:
        """Count a new connection, to be taken back with `leave`; or say why there is no room for it."""
        if group is None:
            return None
        address = self._recall(group, now)
        if now < address.barred_until:
            return _barred(address, now)
        if address.open >= self.limits.connections_per_address:
            text = "too many connections from your address"
            return address.refuse("connections_per_address", text, _MANY_OPEN_WAIT_S, now)
        full = self._take_newcomer(address, now)
        if full is None:
            address.open += 1
        return full

    def leave(self, group: str | None) -> None:
        """Take back what `enter` counted."""
        if group is not None:
            self._addresses[group].open -= 1

    def enter_again(self, group: str | None, now: float) -> Refusal | None:
        """Count an open connection as a new one: its user has left it, and it may have another."""
        return None if group is None else self._take_newcomer(self._recall(group, now), now)

    def note_failure(self, group: str | None, now: float) -> Refusal | None:
        """Count a forged proof or a bad join token; say whether it was one too many."""
        if group is None:
            return None
        limits, address = self.limits, self._recall(group, now)
        if now >= address.barred_until:
            failures = address.failures or deque[float]()
            if failures.maxlen != limits.failures_per_address:  # it is new, or the limit has changed
                failures = deque(failures, maxlen=limits.failures_per_address)
            address.failures = failures
            failures.append(now)
            if len(failures) < limits.failures_per_address or now - failures[0] > limits.failure_window_s:
                return None
            address.failures = None
            address.barred_until = now + limits.failure_bar_s
        return _barred(address, now)

    def _take_newcomer(self, address: _Address, now: float) -> Refusal | None:
        if address.newcomers.take(now):
            return None
        text = "too many new connections from your address"
        return address.refuse("new_connections_per_address_per_min", text, address.newcomers.wait_s(now), now)

    def _recall(self, group: str, now: float) -> _Address:
        address = self._addresses.get(group)
        if address is None:
            self._forget(now)
            address = self._addresses[group] = _Address(self.limits, now)
        self._addresses.move_to_end(group)
        return address

    def _forget(self, now: float) -> None:
        """Make room: of the two that were heard of least recently, those of which there is nothing to remember."""
        for group in [group for group, _ in zip(self._addresses, range(2), strict=False)]:
            address = self._addresses[group]
            if address.open:
                self._addresses.move_to_end(group)
            elif len(self._addresses) >= MAX_REMEMBERED or self._is_forgettable(address, now):
                del self._addresses[group]

    def _is_forgettable(self, address: _Address, now: float) -> bool:
        last_failure = address.failures[-1] if address.failures else float("-inf")
        is_quiet = now >= address.barred_until and now - last_failure > self.limits.failure_window_s
        return is_quiet and address.newcomers.is_full(now)


def _barred(address: _Address, now: float) -> Refusal:
    text = "too many failed attempts from your address"
    return address.refuse("failures_per_address", text, address.barred_until - now, now)
