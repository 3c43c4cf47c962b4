"""Real servers that stand by for all loads of a session."""

from collections.abc import Iterator

import pytest

from tests.independent.serving import Server, running_server
from tests.load.benching import OPEN_TO_LOADS


@pytest.fixture(scope="session")
def plain_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One without TLS, which lets a load do what it likes."""
    with running_server(tmp_path_factory.mktemp("plain"), "--plaintext", environment=OPEN_TO_LOADS) as server:
        yield server


@pytest.fixture(scope="session")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The same with TLS."""
    with running_server(tmp_path_factory.mktemp("tls"), environment=OPEN_TO_LOADS) as server:
        yield server
