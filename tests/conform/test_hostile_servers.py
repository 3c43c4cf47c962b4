"""The kit survives any server: it ends, in bounded time and space, and says what came."""

import json
from collections.abc import Sequence
from functools import partial

import pytest
import trio
from trio.testing import MockClock

from ric0_trio.client.address import Address
from ric0_trio.conform.frames import make_frame
from ric0_trio.conform.outcomes import NotRunError, Status
from ric0_trio.conform.people import ED25519
from ric0_trio.conform.run import Findings, Plan, run_checks

SOME = ("T1", "T15", "V1", "V11", "M12", "S20-OPEN", "B1", "B12", "C1")
OPENED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: AAAA\r\nSec-WebSocket-Protocol: json\r\n\r\n"
)
EVIL = "evil\x1b[2J"


def reply(**changes: object) -> bytes:
    plain = {"time": EVIL, "type": "reply", "name": "challenge", "conversation": 0, "status": "success", "data": {}}
    return make_frame(1, json.dumps({**plain, **changes}, ensure_ascii=False).encode(), is_masked=False)


NO_SERVERS: dict[str, tuple[bytes, str]] = {
    "hangs up": (b"", "an HTTP answer; came: none"),
    "no HTTP": (b"SSH-2.0-OpenSSH\r\n\r\n", "an HTTP answer; came: b'SSH"),
    "a head without end": (b"HTTP/1.1 101 X\r\n" + b"X: x\r\n" * 50_000, "an HTTP answer; came: b'HTTP/1.1 101 X"),
    "always full": (b"HTTP/1.1 503 X\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n", "exempt this address"),
    "full for long": (b"HTTP/1.1 503 X\r\nRetry-After: 3600\r\n\r\n", "exempt this address"),
    "full for no time": (b"HTTP/1.1 503 X\r\nRetry-After: soon\r\n\r\n", "exempt this address"),
}

SERVERS: dict[str, bytes] = {
    "says no more": b"",
    "garbage": bytes(range(256)) * 10,
    "masked": make_frame(1, b"{}"),
    "reserved bits": make_frame(1, b"{}", is_masked=False, reserved_bits=4),
    "an unknown opcode": make_frame(5, b"{}", is_masked=False),
    "a long ping": make_frame(9, bytes(126), is_masked=False),
    "a huge frame": make_frame(2, b"", is_masked=False, length=2**62),
    "a message without end": make_frame(1, b"x", is_masked=False, is_last=False)
    + make_frame(0, bytes(2**16), is_masked=False, is_last=False) * 20,
    "a message in a message": make_frame(1, b"x", is_masked=False, is_last=False) + reply(),
    "no UTF-8": make_frame(1, b"\xff", is_masked=False),
    "the other kind": make_frame(2, b"{}", is_masked=False),
    "no JSON": make_frame(1, b"{", is_masked=False),
    "NaN": make_frame(1, b'{"a": NaN}', is_masked=False),
    "deep JSON": make_frame(1, b"[" * 100_000, is_masked=False),
    "a list": make_frame(1, b"[]", is_masked=False),
    "no data": reply(),
    "data that is none": reply(data=[EVIL]),
    "a key that is none": reply(data={"pubkey": {"key": EVIL, "format": 1}}),
    "a key of an unknown format": reply(data={"pubkey": {"key": "AAAA", "format": EVIL}, "challenge_response": 1}),
    "a Close of one byte": make_frame(8, b"x", is_masked=False),
    "a Close with nonsense": make_frame(8, b"\x00\x01" + EVIL.encode() + b"\xff", is_masked=False),
    "an empty Close": make_frame(8, b"", is_masked=False),
}


async def serve(answer: bytes, stays: bool, stream: trio.SocketStream) -> None:
    """Answer a head with those bytes, and then hang up, or say and do nothing more."""
    try:
        await stream.receive_some()
        await stream.send_all(answer)
        while stays and await stream.receive_some():
            continue
    except trio.BrokenResourceError:
        pass
    finally:
        await trio.aclose_forcefully(stream)


async def check(
    answer: bytes, stays: bool, nursery: trio.Nursery, checks: Sequence[str] = SOME, encoding: str = "json"
) -> Findings:
    start = partial(trio.serve_tcp, partial(serve, answer, stays), 0, host="127.0.0.1")
    listeners: list[trio.SocketListener] = await nursery.start(start)
    address = Address.parse(f"ws://127.0.0.1:{listeners[0].socket.getsockname()[1]}")
    with trio.fail_after(600):
        return await run_checks(Plan(address, encodings=(encoding,), checks=checks))


OTHER_SERVERS: dict[str, tuple[bytes, str]] = {
    "a web site": (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhi!\n", "expected HTTP 101; came: HTTP 200: hi!"),
    "not found": (b"HTTP/1.1 404 Not Found\r\n\r\n" + EVIL.encode(), r"expected HTTP 101; came: HTTP 404: evil\x1b[2J"),
    "another subprotocol": (OPENED.replace(b"json", b"chat"), "expected the subprotocol json; came: ['chat']"),
}


@pytest.mark.parametrize("name", OTHER_SERVERS)
async def test_a_server_of_another_kind_fails(name: str, nursery: trio.Nursery, loopback_clock: MockClock) -> None:
    answer, text = OTHER_SERVERS[name]
    findings = await check(answer, False, nursery)
    assert findings.encodings == {"json": text}
    statuses = {result.rule: result.status for result in findings.results}
    assert statuses.pop("T1") is Status.FAILED
    assert statuses.pop("B12") is Status.FAILED
    assert set(statuses.values()) == {Status.NOT_RUN}


@pytest.mark.parametrize("name", NO_SERVERS)
async def test_what_is_no_server_is_told_from_one(name: str, nursery: trio.Nursery, loopback_clock: MockClock) -> None:
    answer, text = NO_SERVERS[name]
    with pytest.raises(NotRunError) as caught:
        await check(answer, False, nursery)
    assert text in str(caught.value)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize("stays", [True, False])
async def test_no_server_ends_the_kit(name: str, stays: bool, nursery: trio.Nursery, loopback_clock: MockClock) -> None:
    findings = await check(OPENED + SERVERS[name], stays, nursery)
    assert {result.rule for result in findings.results} == set(SOME)
    for result in findings.results:
        assert result.status in (Status.FAILED, Status.NOT_RUN) or result.rule in ("B12", "S20-OPEN", "V11")
        assert result.status is Status.PASSED or result.reason.isprintable()
        assert all(line.isprintable() for line in result.evidence)
        assert len(result.evidence) <= 61
        assert all(len(line) < 1000 for line in result.evidence)


async def test_what_makes_no_sense_could_not_be_checked(nursery: trio.Nursery, loopback_clock: MockClock) -> None:
    """The server lets everybody in, and says nonsense of itself; two requests are answered before they are made."""
    proved = reply(data={"pubkey": {"key": "AAAA", "format": ED25519}, "challenge_response": "AAAA"})
    joined = reply(name="connect", conversation=2, data={"server_identity": []})
    findings = await check(OPENED + proved + joined, True, nursery, ("M33", "M31"))
    results = {result.rule: (result.status, result.reason) for result in findings.results}
    assert results["M33"][0] is Status.NOT_RUN
    assert results["M33"][1].startswith("the kit cannot make sense of the server: AttributeError(")
    assert results["M31"][0] is Status.FAILED


async def test_what_can_just_be_read(nursery: trio.Nursery, loopback_clock: MockClock) -> None:
    """There is a depth of BSON that can be read, but not shown; and it is the first message that the kit gets."""
    for depth in range(850, 1000):
        deep = b"\5\0\0\0\0"
        for _ in range(depth):
            deep = (len(deep) + 8).to_bytes(4, "little") + b"\3a\0" + deep + b"\0"
        answer = OPENED.replace(b"json", b"bson") + make_frame(2, deep, is_masked=False)
        findings = await check(answer, True, nursery, ("V1",), "bson")
        assert None not in findings.admissions.values()


async def test_nobody_there(nursery: trio.Nursery) -> None:
    with trio.socket.socket() as bound:
        await bound.bind(("127.0.0.1", 0))
        address = Address.parse(f"ws://127.0.0.1:{bound.getsockname()[1]}")
        with pytest.raises(NotRunError, match="nothing answers at"):
            await run_checks(Plan(address))
