"""What Prometheus is shown: every metric that the page names, and labels of few values."""

import re
from pathlib import Path

import trio
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from trio.testing import MockClock, wait_all_tasks_blocked

from ric0_trio.protocol import State
from ric0_trio.server.metrics import Metrics
from ric0_trio.testing import CHALLENGE, CONNECT, connect_data, request
from tests.server.labels import find_unbounded
from tests.server.listener import MemoryListener, as_sockets
from tests.server.raw_client import HEAD, RawClient
from tests.server.stage import make_server, memory_client

Values = dict[str, float]
PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()


def read(metrics: Metrics) -> dict[str, Values]:
    """What the page says: for each sample its labels, in short, and its value, unless that is 0."""
    found: dict[str, Values] = {}
    for family in text_string_to_metric_families(generate_latest(metrics.registry).decode()):
        for sample in family.samples:
            values = found.setdefault(sample.name, {})
            if sample.value:
                values[" ".join(sample.labels.values())] = sample.value
    return found


async def test_a_session_in_numbers(autojump_clock: MockClock) -> None:
    server = make_server()
    async with memory_client(server) as client:
        await wait_all_tasks_blocked()
        assert read(server.metrics)["ric0_connections"] == {"opening": 1}
        await client.upgrade()
        assert read(server.metrics)["ric0_connections"] == {"open": 1}
        await client.ask(CHALLENGE)
        assert read(server.metrics)["ric0_connections"] == {"challenged": 1}
        await client.ask(CONNECT)
        assert read(server.metrics)["ric0_connections"] == {"connected": 1}
        await client.ask(CONNECT)
        await client.close(4321, "had enough")
        await client.gone()
    told = read(server.metrics)
    assert told["ric0_connections"] == {}
    assert told["ric0_connections_accepted_total"] == {"": 1}
    assert told["ric0_connects_total"] == {"success": 1, "already_connected": 1}
    assert told["ric0_closes_total"] == {"client other": 1}
    assert told["ric0_signature_seconds_count"] == {"sign": 1, "verify": 1}
    assert told["ric0_admission_seconds_count"] == {"": 1}
    assert told["ric0_message_bytes_count"] == {"in": 3, "out": 3}
    assert list(find_unbounded(server.metrics)) == []


async def test_bytes_are_bytes(autojump_clock: MockClock) -> None:
    server = make_server()
    async with memory_client(server) as client:
        await client.upgrade()
        await client.send("ü" * 1000)
        await client.closing()
    assert read(server.metrics)["ric0_message_bytes_sum"]["in"] == 2000


async def test_strangers_in_numbers(autojump_clock: MockClock) -> None:
    server = make_server(challenges=1)
    async with memory_client(server) as nonsense:
        await nonsense.send_raw(HEAD.replace(b"GET", b"POST"))
        await nonsense.gone()
    async with memory_client(server):
        await trio.sleep(11)
    async with memory_client(server) as forger:
        await forger.reach(State.CHALLENGED)
        await forger.ask(request("connect", connect_data(challenge="AAAA"), 2))
        await forger.send_raw(forger.request(CHALLENGE))
        await forger.closing()
    async with memory_client(server) as mute:
        await mute.reach(State.CONNECTED)
        await trio.sleep(40)
    told = read(server.metrics)
    assert told["ric0_http_refusals_total"] == {"405": 1}
    assert told["ric0_closes_total"] == {"refused none": 1, "limit none": 1, "limit 1008": 1, "silent 1006": 1}
    assert told["ric0_connects_total"] == {"invalid_challenge": 1, "success": 1}
    assert told["ric0_limits_reached_total"] == {"opening_timeout_s": 1, "challenges": 1, "ping_timeout_s": 1}
    assert list(find_unbounded(server.metrics)) == []


async def test_who_is_cut_off_counts(autojump_clock: MockClock) -> None:
    listener, server = MemoryListener(), make_server(max_connections=1)
    async with trio.open_nursery() as nursery:
        await nursery.start(server.serve, as_sockets(listener))
        await RawClient(listener.connect()).reach(State.CONNECTED)
        for _ in range(100):
            listener.connect()
        await wait_all_tasks_blocked()
        told = read(server.metrics)
        assert told["ric0_connections_accepted_total"] == {"": 101}
        assert told["ric0_limits_reached_total"] == {"max_connections": 100}
        await trio.sleep(2)
        assert read(server.metrics)["ric0_closes_total"] == {"limit none": 100}
        nursery.cancel_scope.cancel()


async def test_how_late_the_event_loop_is(autojump_clock: MockClock) -> None:
    server = make_server()
    async with trio.open_nursery() as nursery:
        await nursery.start(server.serve, [])
        await trio.sleep(10.1)
        nursery.cancel_scope.cancel()
    told = read(server.metrics)
    assert told["ric0_event_loop_lag_seconds_count"] == {"": 40}
    assert told["ric0_event_loop_lag_seconds_sum"] == {}


def test_what_is_told_from_outside() -> None:
    metrics, problems = Metrics(), [None, "the disk is full"]
    metrics.show_access(lambda: problems[0])
    assert read(metrics)["ric0_access_failing"] == {}
    problems.reverse()
    assert read(metrics)["ric0_access_failing"] == {"": 1}
    metrics.show_certificate(None)
    assert "ric0_certificate_expiry_timestamp_seconds" not in read(metrics)
    for at in (2e9, 2.1e9):
        metrics.show_certificate(at)
        assert read(metrics)["ric0_certificate_expiry_timestamp_seconds"] == {"": at}
    metrics.count_reload("failed")
    assert read(metrics)["ric0_reloads_total"] == {"failed": 1}


def test_the_page_names_every_metric_and_no_other() -> None:
    metrics = make_server().metrics
    metrics.show_access(lambda: None)
    metrics.show_certificate(2e9)
    families = text_string_to_metric_families(generate_latest(metrics.registry).decode())
    shown = {f"{family.name}_total" if family.type == "counter" else family.name for family in families}
    shown = {name for name in shown if not name.endswith("_created")}
    named = set(re.findall(r"^\| `((?:ric0|process)_[a-z_]+)", PAGE, re.MULTILINE))
    assert named == shown
