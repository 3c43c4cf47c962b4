import ssl
from dataclasses import dataclass

import pytest
import trustme
from trio.testing import MockClock

from tests.independent.keys import FORMATS, UserKey, make_key


@dataclass(frozen=True)
class Tls:
    server: ssl.SSLContext
    client: ssl.SSLContext


@pytest.fixture(scope="session")
def tls() -> Tls:
    """A certificate for this machine, and a client that trusts it."""
    authority = trustme.CA()
    tls = Tls(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    authority.issue_cert("127.0.0.1").configure_cert(tls.server)
    authority.configure_trust(tls.client)
    return tls


@pytest.fixture(scope="session")
def server_keys() -> dict[str, UserKey]:
    """A key of each format, which takes a while to make."""
    return {key_format: make_key(key_format) for key_format in FORMATS}


@pytest.fixture
def loopback_clock() -> MockClock:
    """Virtual time, as both ends of the sockets are here: it passes when nothing has come for 20 ms."""
    return MockClock(autojump_threshold=0.02)
