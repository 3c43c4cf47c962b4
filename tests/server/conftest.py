import gc
from collections.abc import Iterator
from pathlib import Path
from ssl import PROTOCOL_TLS_CLIENT, SSLContext

import pytest
import structlog
import trustme
from trio.testing import MockClock

from ric0_trio.server import make_server_context
from tests.server.site import Tls

DESCRIPTORS = Path("/proc/self/fd")


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    """A certificate for `localhost`, and a client that trusts it."""
    authority, folder = trustme.CA(), tmp_path_factory.mktemp("tls")
    issued = authority.issue_cert("localhost")
    issued.cert_chain_pems[0].write_to_path(folder / "certificate.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    client = SSLContext(PROTOCOL_TLS_CLIENT)
    client.set_alpn_protocols(["http/1.1"])
    authority.configure_trust(client)
    return Tls(make_server_context(folder / "certificate.pem", folder / "key.pem"), client)


@pytest.fixture
def loopback_clock() -> MockClock:
    """Virtual time for a test with both ends of its sockets: it passes when nothing has come for 20 ms.

    So what takes no time by the clock takes none on a slow machine either, and deadlines are exact.
    """
    return MockClock(autojump_threshold=0.02)


@pytest.fixture(scope="module")
def no_descriptor_leaks() -> Iterator[None]:
    """Whatever a module's tests open, they have closed when they are over."""
    if not DESCRIPTORS.is_dir():
        pytest.skip("open descriptors cannot be counted here")
    before = _count_descriptors()
    yield
    assert _count_descriptors() <= before


@pytest.fixture(autouse=True)
def fresh_structlog() -> Iterator[None]:
    """Tests that configure the log leave it as they found it."""
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


def _count_descriptors() -> int:
    gc.collect()
    return len(list(DESCRIPTORS.iterdir()))
