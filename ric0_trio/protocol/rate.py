"""`TokenBucket`: so many at once, and so many more each second."""


class TokenBucket:
    """A budget that earns its tokens back. `now` is in seconds, on any clock that does not step back."""

    __slots__ = ("_burst", "_counted_at", "_per_s", "_tokens")

    def __init__(self, burst: float, per_s: float, now: float) -> None:
        """Begin full, with `burst` tokens; `per_s` come back each second (0: none ever)."""
        self._burst = burst
        self._per_s = per_s
        self._tokens = burst
        self._counted_at = now

    def take(self, now: float, count: float = 1) -> bool:
        """Take `count` tokens, and say so; or take none, when there are not as many."""
        tokens = self._tokens + (now - self._counted_at) * self._per_s  # as `_earn` has it; this is called most
        if tokens > self._burst:
            tokens = self._burst
        self._counted_at = now
        is_enough = tokens >= count
        self._tokens = tokens - count if is_enough else tokens
        return is_enough

    def give_back(self, count: float) -> None:
        """Take back what `take` took, if it was not spent in the end."""
        self._tokens = min(self._burst, self._tokens + count)

    def wait_s(self, now: float) -> float:
        """How long from `now` until there is a token."""
        self._earn(now)
        return max(0.0, (1 - self._tokens) / self._per_s)

    def is_full(self, now: float) -> bool:
        """Whether nothing is missing: a full bucket need not be kept."""
        self._earn(now)
        return self._tokens >= self._burst

    def _earn(self, now: float) -> None:
        self._tokens = min(self._burst, self._tokens + (now - self._counted_at) * self._per_s)
        self._counted_at = now
