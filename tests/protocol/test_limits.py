"""The bounds of a connection have defaults, and bounds of their own where they are read from a configuration."""

import msgspec
import pytest

from ric0_trio.protocol import KEY_FORMATS, SessionLimits
from ric0_trio.testing import server_profile

Bounds = list[tuple[float, float]]

SECONDS: Bounds = [(0.001, 0), (86_400, 86_400.5)]
NUMBERS: Bounds = [(1, 0), (1_000_000_000, 1_000_000_001)]
RATES: Bounds = [(0.001, 0), (1_000_000, 1_000_000.5)]

BOUNDS: dict[str, Bounds] = {
    "auth_timeout_s": SECONDS,
    "answer_timeout_s": SECONDS,
    "messages_before_auth": NUMBERS,
    "challenges": NUMBERS,
    "messages_per_s": RATES,
    "messages_burst": NUMBERS,
    "max_message_bytes_before_auth": NUMBERS,
    "max_message_bytes": NUMBERS,
}
"""For each limit: what just fits, and what just does not, at either end."""


@pytest.mark.parametrize("name", BOUNDS)
def test_the_bounds_of_a_limit(name: str) -> None:
    for fits, breaks in BOUNDS[name]:
        assert getattr(msgspec.convert({name: fits}, SessionLimits), name) == fits
        with pytest.raises(msgspec.ValidationError, match=name):
            msgspec.convert({name: breaks}, SessionLimits)


def test_every_limit_has_its_bounds() -> None:
    assert list(BOUNDS) == list(SessionLimits.__struct_fields__)


def test_the_defaults() -> None:
    assert SessionLimits() == SessionLimits(
        auth_timeout_s=10.0,
        answer_timeout_s=5.0,
        messages_before_auth=8,
        challenges=3,
        messages_per_s=20.0,
        messages_burst=40,
        max_message_bytes_before_auth=16_384,
        max_message_bytes=65_536,
    )
    assert server_profile().accepted_key_formats == KEY_FORMATS.keys()
