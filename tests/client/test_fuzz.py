"""Whatever a server sends, `open_chat` raises a `ChatError`, and soon."""

import random
from functools import partial

import pytest
import trio

from ric0_trio.client import ChatError, connection
from tests.client.fake_server import FakeServer, Peer
from tests.client.stage import PATIENCE_S, go_in

FIRST_BYTES = (0x00, 0x01, 0x80, 0x81, 0x82, 0x83, 0x88, 0x89, 0x8A, 0xC1)
PAYLOADS = (b"", b"{}", b"\x03\xe8", b"\x03\xe8ok", b"\x0f\xa1\xff", b"\xff", b"nonsense", b'{"type": "reply"}')
TRIES = 25


def frames(chance: random.Random) -> bytes:
    """Some frames, good or bad, and maybe a piece of nothing."""
    some = [(chance.choice(FIRST_BYTES), chance.choice(PAYLOADS)) for _ in range(chance.randrange(6))]
    whole = b"".join(bytes([first, len(payload)]) + payload for first, payload in some)
    return whole + chance.randbytes(chance.choice((0, 0, 1, 40)))


def damaged(data: bytes, chance: random.Random) -> bytes:
    """The same but for up to three bytes."""
    changed = bytearray(data)
    for _ in range(chance.randrange(1, 4)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


async def play_at_random(peer: Peer, chance: random.Random) -> None:
    await peer.read_head()
    match chance.randrange(4):
        case 0:
            await peer.send_bytes(damaged(peer.answer(), chance))
        case 1:
            await peer.send_bytes(peer.answer() + frames(chance))
        case 2:
            await peer.send_bytes(peer.answer())
            await peer.send_bytes(frames(chance))
        case _:
            await peer.send_bytes(peer.answer())
            await peer.prove()
            await peer.send_bytes(frames(chance))
    await peer.hang_up()


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_a_server_sends(seed: int, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CLOSE_TIMEOUT_S", 0.05)
    chance = random.Random(seed)  # noqa: S311 - a fuzzer's, to be repeated
    fake = await FakeServer.start(nursery, partial(play_at_random, chance=chance))
    for _ in range(TRIES):
        with trio.fail_after(PATIENCE_S), pytest.raises(ChatError):
            await go_in(fake.url)
