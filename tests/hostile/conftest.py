import logging
import socket
from collections.abc import Iterator
from typing import get_args

import pytest

from ric0_trio.server import Adapter
from tests.hostile.site import ADAPTER
from tests.server.conftest import fresh_structlog, loopback_clock, tls

__all__ = ["fresh_structlog", "loopback_clock", "tls"]


@pytest.fixture(autouse=True)
def many_addresses() -> None:
    """Attackers come from all over 127.0.0.0/8, which not every system has."""
    with socket.socket() as bound:
        try:
            bound.bind(("127.0.0.2", 0))
        except OSError:
            pytest.skip("this system has one loopback address")


@pytest.fixture(params=get_args(Adapter), autouse=True)
def adapter(request: pytest.FixtureRequest) -> Iterator[Adapter]:
    """What carries the WebSockets of `under_attack`: each attack is tried on both."""
    token = ADAPTER.set(request.param)
    yield request.param
    ADAPTER.reset(token)


@pytest.fixture(autouse=True)
def libraries_log_nothing(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """What is beneath the server has nothing to complain of either."""
    yield
    assert [each.getMessage() for each in caplog.get_records("call") if each.levelno >= logging.WARNING] == []
