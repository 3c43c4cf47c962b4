"""nginx and Caddy in front of the server, with what docs/operations.md shows for them."""

import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from websockets.exceptions import InvalidStatus

from ric0_trio.config import Config
from tests.daemon.operator_machine import block
from tests.daemon.proxies import PROXIES, Front, front_of, proxied_server
from tests.independent.client import Client
from tests.independent.keys import ED25519, make_key
from tests.independent.operating import wait_until

GOING_AWAY, NO_JSON, TOO_BIG = 1001, 1007, 1009
MAX_MESSAGE_BYTES = Config().limits.max_message_bytes
ENOUGH = 3
LIMITS = f"connections_per_address = {ENOUGH}"
PINGS = "ping_interval_s = 0.1\nping_timeout_s = 4.0"


@pytest.fixture(scope="module", params=PROXIES)
def front(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with proxied_server(tmp_path_factory.mktemp("site"), LIMITS) as site, front_of(request.param, site) as front:
        yield front


def log_in(client: Client) -> None:
    client.challenge()
    assert client.connect(make_key(ED25519))["status"] == "success"


def peers(front: Front) -> list[str]:
    return [each["peer"] for each in front.site.read("who")]


def test_the_client_s_address_is_what_the_operator_sees(front: Front) -> None:
    with front.client("127.0.0.2") as client:
        log_in(client)
        assert peers(front) == ["127.0.0.2"]
        assert client.disconnect()["status"] == "success"
    ended = wait_until(lambda: re.findall(r"connection\.ended.*", front.site.log), lambda lines: lines)
    assert "peer=127.0.0.2 " in ended[-1]


def test_who_says_to_be_someone_else_is_not_believed(front: Front) -> None:
    claims = {"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    with front.client("127.0.0.3", claims) as client:
        log_in(client)
        assert "127.0.0.3" in peers(front)
    assert "203.0.113.9" not in front.site.log


def test_an_address_that_holds_all_it_may_is_told(front: Front) -> None:
    with ExitStack() as stack:
        for _ in range(ENOUGH):
            stack.enter_context(front.client("127.0.0.4"))
        with pytest.raises(InvalidStatus) as refused, front.client("127.0.0.4"):
            pass
        assert refused.value.response.status_code == 503
        assert int(refused.value.response.headers["Retry-After"]) > 0
        log_in(stack.enter_context(front.client("127.0.0.5")))


def test_a_message_may_be_as_large_as_the_server_takes(front: Front) -> None:
    with front.client("127.0.0.6") as client:
        log_in(client)
        client.send_raw("x" * MAX_MESSAGE_BYTES)
        assert client.wait_closed()[0] == NO_JSON
    with front.client("127.0.0.6") as client:
        log_in(client)
        client.send_raw("x" * (MAX_MESSAGE_BYTES + 1))
        assert client.wait_closed()[0] == TOO_BIG


@pytest.mark.parametrize("name", PROXIES)
def test_pings_go_through_both_ways(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """So an idle user stays: the server pings again when it has been answered."""
    with (
        proxied_server(tmp_path_factory.mktemp("site"), PINGS) as site,
        front_of(name, site) as front,
        front.client("127.0.0.7") as client,
    ):
        log_in(client)
        for _ in range(2):
            client.receive_ping()
        assert client.disconnect()["status"] == "success"


def test_nginx_waits_longer_than_it_takes_until_a_ping() -> None:
    (seconds,) = re.findall(r"proxy_read_timeout (\d+)s;", block("nginx"))
    assert int(seconds) > Config().limits.ping_interval_s + Config().limits.ping_timeout_s


@pytest.mark.parametrize("name", PROXIES)
def test_a_restart_behind_the_proxy(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Who is on is told 1001, and may come back through the proxy that has stayed."""
    folder = tmp_path_factory.mktemp("site")
    with proxied_server(folder, LIMITS) as site, front_of(name, site) as front:
        with front.client("127.0.0.8") as client:
            log_in(client)
            site.server.ask_to_stop()
            assert client.wait_closed()[0] == GOING_AWAY
        assert site.server.exit_code() == 0
        with pytest.raises(InvalidStatus) as refused, front.client("127.0.0.8"):
            pass
        assert refused.value.response.status_code == 502
        with proxied_server(folder, LIMITS), front.client("127.0.0.8") as client:
            log_in(client)
