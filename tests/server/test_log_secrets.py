"""What the log never shows, in either format: proofs, tokens, private keys, and raw control characters."""

import base64
import json
from collections.abc import Awaitable, Callable

import pytest
from trio.testing import MockClock

from ric0_trio.protocol import Codec, PrivateKey, State
from ric0_trio.server.logs import configure_logging
from ric0_trio.testing import CHALLENGE, CONNECT, SERVER_KEY, USER_KEY, Plain, connect_data, request
from ric0_trio.testing.store import FakeStore
from tests.protocol.pair import CODECS
from tests.server.raw_client import JSON, RawClient
from tests.server.stage import make_server, memory_client

TOKEN = "join-token-that-nobody-may-see"  # noqa: S105
FALSE_PROOF = base64.b64encode(bytes(range(100, 164))).decode()
PROOF = str(connect_data()["challenge"])
FORMATS = ("console", "json")

SESSION: list[Plain] = [
    CHALLENGE,
    request("connect", connect_data(challenge=FALSE_PROOF, join_token=TOKEN), 2),
    request("connect", connect_data(challenge=FALSE_PROOF + "?"), 4),
    request("connect", connect_data(challenge=FALSE_PROOF, user=None), 6),
    request("connect", connect_data(join_token=TOKEN), 7),  # an odd id: bad, but whole
    request("connect", connect_data(join_token=TOKEN), 8),
    request("connect", connect_data(join_token=TOKEN), 10),
    request("disconnect", {"reason": "enough"}, 12),
]


def secrets_of(key: PrivateKey) -> list[str]:
    pem = key.to_pem().decode()
    seed = key._stored.private_bytes_raw()  # type: ignore[union-attr]
    return ["PRIVATE KEY", *pem.splitlines()[1:-1], base64.b64encode(seed).decode(), seed.hex(), repr(seed)[2:-1]]


def spellings(proof: str) -> list[str]:
    raw = base64.b64decode(proof)
    return [proof, raw.hex(), repr(raw)[2:-1]]


SECRETS = [TOKEN, *spellings(PROOF), *spellings(FALSE_PROOF), *secrets_of(SERVER_KEY), *secrets_of(USER_KEY)]


async def hold_a_session(client: RawClient) -> list[str]:
    await client.upgrade()
    statuses = [str((await client.ask(plain))["status"]) for plain in SESSION]
    await client.close(4000, "enough")
    await client.gone()
    return statuses


def check_no_secret(log: str) -> None:
    assert [secret for secret in SECRETS if secret in log] == []


@pytest.mark.parametrize("log_format", FORMATS)
@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
async def test_a_session_logs_no_secret(
    codec: Codec, log_format: str, capsys: pytest.CaptureFixture[str], autojump_clock: MockClock
) -> None:
    configure_logging(log_format, "debug")
    async with memory_client(make_server(), codec) as client:
        statuses = await hold_a_session(client)
    assert statuses == [
        "success",
        "invalid_challenge",
        "invalid_challenge",
        "invalid_message",
        "invalid_message",
        "success",
        "already_connected",
        "success",
    ]
    log = capsys.readouterr().err
    assert log.count("connect.admitted") == 1
    assert log.count("connect.refused") == 5
    check_no_secret(log)


@pytest.mark.parametrize("log_format", FORMATS)
async def test_a_traceback_shows_no_secret(
    log_format: str, capsys: pytest.CaptureFixture[str], autojump_clock: MockClock
) -> None:
    """A fault is logged with its traceback, and not with the values of variables, whatever is installed."""
    configure_logging(log_format, "debug")
    access = FakeStore()
    access.fault = OSError("the disk is full")
    async with memory_client(make_server(access)) as client:
        await client.reach(State.CHALLENGED)
        await client.send_raw(client.request(request("connect", connect_data(join_token=TOKEN), 2)))
        await client.gone()
    log = capsys.readouterr().err
    assert "connection.failed" in log
    assert "the disk is full" in log
    check_no_secret(log)


EVENTS = {
    "challenge.answered",
    "disconnect.answered",
    "request.answered",
    "connect.admitted",
    "session.left",
    "connection.ended",
}
CONTROL = "\x1b[2J\r\n\x07forged\u202e"


async def leave_with_a_reason(client: RawClient) -> None:
    await client.ask(request("disconnect", {"reason": CONTROL}, 4))


async def close_with_a_reason(client: RawClient) -> None:
    await client.close(4000, CONTROL)


async def ask_by_a_name(client: RawClient) -> None:
    await client.ask(request(CONTROL, {}, 4))


async def ask_badly_by_a_name(client: RawClient) -> None:
    await client.ask(request(CONTROL, {}, 5))


async def ask_by_a_forged_name(client: RawClient) -> None:
    await client.ask(request("connect.admitted user=root forged", {}, 4))


@pytest.mark.parametrize("log_format", FORMATS)
@pytest.mark.parametrize(
    "say",
    [leave_with_a_reason, close_with_a_reason, ask_by_a_name, ask_badly_by_a_name, ask_by_a_forged_name],
)
async def test_what_a_client_says_forges_no_line(
    say: Callable[[RawClient], Awaitable[None]],
    log_format: str,
    capsys: pytest.CaptureFixture[str],
    autojump_clock: MockClock,
) -> None:
    configure_logging(log_format, "debug")
    async with memory_client(make_server(), JSON) as client:
        await client.reach(State.CONNECTED)
        await say(client)
        await client.reset()
    log = capsys.readouterr().err
    assert all(char.isprintable() for line in log.split("\n") for char in line)
    events = [json.loads(line)["event"] if log_format == "json" else line.split()[3] for line in log.splitlines()]
    assert set(events) <= EVENTS
    assert events.count("connect.admitted") == 1


async def test_a_level_hides_what_is_below_it(capsys: pytest.CaptureFixture[str], autojump_clock: MockClock) -> None:
    configure_logging("json", "warning")
    async with memory_client(make_server()) as client:
        await client.reach(State.CONNECTED)
        assert (await client.ask(CONNECT))["status"] == "already_connected"
    assert capsys.readouterr().err == ""
