"""Servers that lie, break the rules or fall silent: each ends in its own error, soon, and none gets a proof."""

from functools import partial
from typing import Any

import pytest
import trio

from ric0_trio.client import (
    ChatTimeoutError,
    ConnectionClosedError,
    MemoryKnownServers,
    ServerIdentityError,
    connection,
)
from ric0_trio.testing import HOME_KEY, SERVER_KEY, base64_of
from tests.client.fake_server import FakeServer, Part, Peer
from tests.client.hostile import Case, breaker, liar, play
from tests.client.stage import PATIENCE_S, go_in
from tests.protocol.pair import CODECS

SHORT_S = 0.05


# Instead of the answer to the challenge


async def end_at_once(peer: Peer) -> None:
    await peer.upgrade()
    await peer.next_request()
    await peer.hang_up()


async def close_at_once(peer: Peer, code: int) -> None:
    await peer.upgrade()
    await peer.next_request()
    await peer.send_close(code, "not now")


async def refuse_challenge(peer: Peer) -> None:
    await peer.upgrade()
    await peer.reply(await peer.next_request(), {}, "invalid_challenge")


async def sign_something_else(peer: Peer) -> None:
    await peer.upgrade()
    request = await peer.next_request()
    signature = SERVER_KEY.sign(b"the challenge of another client")
    await peer.reply(request, {"pubkey": SERVER_KEY.public, "challenge_response": base64_of(signature)})


async def show_the_key_of_another(peer: Peer) -> None:
    await peer.upgrade()
    await peer.prove(SERVER_KEY, shown=HOME_KEY.public)


async def answer_data(peer: Peer, **changes: Any) -> None:
    await peer.upgrade()
    data = {"pubkey": SERVER_KEY.public, "challenge_response": base64_of(bytes(64))}
    await peer.reply(await peer.next_request(), data | changes)


async def answer_in_another_conversation(peer: Peer) -> None:
    await peer.upgrade()
    await peer.reply(await peer.next_request(), {}, "invalid_challenge", conversation=2)


async def answer_another_name(peer: Peer) -> None:
    await peer.upgrade()
    await peer.reply(await peer.next_request(), {}, "invalid_challenge", name="connect")


async def speak_unasked(peer: Peer) -> None:
    await peer.upgrade()
    await peer.reply({"name": "challenge", "conversation": 8}, {}, "invalid_challenge")


async def send_payload(peer: Peer, payload: str | bytes, subprotocol: str = "json") -> None:
    await peer.upgrade(CODECS[subprotocol])
    await peer.next_request()
    await peer.send_payload(payload)


async def send_frame(peer: Peer, frame: bytes) -> None:
    await peer.upgrade()
    await peer.next_request()
    await peer.send_bytes(frame)


async def stay_silent(peer: Peer) -> None:
    await peer.upgrade()


def closer(part: Part, code: int, why: str = "") -> Case:
    return Case(part, ConnectionClosedError, f"^the server closed the connection with {code}{why}$", code)


CLOSE_1013 = b"\x88\x02\x03\xf5"
CHALLENGES = {
    "a signature over something else": liar(sign_something_else, "its signature does not verify"),
    "a relayed key": liar(show_the_key_of_another, "its signature does not verify"),
    "a signature that is not base64": liar(partial(answer_data, challenge_response="*"), "its signature is not strict"),
    "no signature": liar(partial(answer_data, challenge_response=""), "its signature does not verify"),
    "a key of an unknown format": liar(
        partial(answer_data, pubkey={"key": "AAAA", "format": "rot13"}), "its signature does not verify"
    ),
    "a refusal to be challenged": liar(refuse_challenge, "it answered the challenge with invalid_challenge"),
    "a key that is none": breaker(
        partial(answer_data, pubkey={"key": "AAAA", "format": "ed25519-sha512"}), "a message that is no valid", 1007
    ),
    "no key": breaker(partial(answer_data, pubkey=None), "a message that is no valid envelope", 1007),
    "another conversation": breaker(answer_in_another_conversation, "a reply to nothing that was asked", 1008),
    "another name": breaker(answer_another_name, "a reply to nothing that was asked", 1008),
    "a reply before the request": breaker(speak_unasked, "a reply to nothing that was asked", 1008),
    "no JSON": breaker(partial(send_payload, payload="}{"), "a message that is no valid envelope: no valid JSON", 1007),
    "no envelope": breaker(partial(send_payload, payload="[]"), "a message that is no valid envelope", 1007),
    "JSON that is too deep": breaker(partial(send_payload, payload="[" * 20_000), "a message that is no valid", 1007),
    "binary in json": breaker(partial(send_payload, payload=b"{}"), "a message of the wrong kind", 1003),
    "text in bson": breaker(partial(send_payload, payload="{}", subprotocol="bson"), "a message of the wrong", 1003),
    "no BSON": breaker(partial(send_payload, payload=b"\0", subprotocol="bson"), "a message that is no valid", 1007),
    "too big a message": breaker(partial(send_payload, payload="x" * 65_537), "the message is too big", 1009),
    "a promise of too big a message": breaker(
        partial(send_frame, frame=b"\x81\x7f" + (2**40).to_bytes(8)), "the message is too big", 1009
    ),
    "endless fragments": breaker(
        partial(send_frame, frame=b"\x01\x00" + b"\x00\x00" * 100), "the message has too many fragments", 1009
    ),
    "text that is not UTF-8": breaker(partial(send_frame, frame=b"\x81\x02\xff\xff"), "", 1007),
    "a masked frame": breaker(partial(send_frame, frame=b"\x81\x82\0\0\0\0{}"), "", 1002),
    "a reserved bit": breaker(partial(send_frame, frame=b"\xc1\x02{}"), "", 1002),
    "a reserved opcode": breaker(partial(send_frame, frame=b"\x83\x00"), "", 1002),
    "a close and a ping in one": closer(partial(send_frame, frame=CLOSE_1013 + b"\x89\x00"), 1013),
    "a close and nonsense in one": closer(partial(send_frame, frame=CLOSE_1013 + b"\xff\xff"), 1013),
    "the end, without a word": Case(end_at_once, ConnectionClosedError, "^the connection broke$"),
    "a close": closer(partial(close_at_once, code=1013), 1013, ": not now"),
    "a ban": closer(partial(close_at_once, code=4001), 4001, ": not now"),
    "silence": Case(
        stay_silent, ChatTimeoutError, "did not answer `challenge` in time", 1008, {"reply_timeout_s": SHORT_S}
    ),
}


# A server that proves its key, which is not the one for this address


async def be_honest(peer: Peer) -> None:
    await peer.upgrade()
    await peer.prove()
    await peer.welcome()


def knowing(host: str) -> MemoryKnownServers:
    known = MemoryKnownServers()
    known.check(host, SERVER_KEY.public)
    return known


class NoServer:
    """A store of one's own, that trusts nobody."""

    def check(self, host: str, key: object) -> None:
        raise ServerIdentityError(f"{host} is not trusted")


def stranger(text: str, **options: Any) -> Case:
    return Case(be_honest, ServerIdentityError, text, 1008, options)


STRANGERS = {
    "not the pinned one": stranger("not the pinned", pin=HOME_KEY.public.fingerprint),
    "known from elsewhere": stranger("known from chat.example:443", known_servers=knowing("chat.example:443")),
    "refused by a store of one's own": stranger("is not trusted", known_servers=NoServer()),
}


ALL = {**CHALLENGES, **STRANGERS}


@pytest.mark.parametrize("case", ALL.values(), ids=ALL)
async def test_it_gets_no_proof(case: Case, nursery: trio.Nursery) -> None:
    assert await play(case, nursery) == ["challenge"]


@pytest.mark.parametrize("part", [stay_silent, sign_something_else, be_honest], ids=lambda part: part.__name__)
async def test_a_server_that_does_not_close_is_left(
    part: Part, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "CLOSE_TIMEOUT_S", SHORT_S)
    fake = await FakeServer.start(nursery, part, answers_close=False)
    with trio.fail_after(PATIENCE_S):
        if part is be_honest:
            await go_in(fake.url)
        else:
            with pytest.raises((ServerIdentityError, ChatTimeoutError)):
                await go_in(fake.url, reply_timeout_s=SHORT_S)


async def test_the_end_of_the_block_closes_with_1000(nursery: trio.Nursery) -> None:
    fake = await FakeServer.start(nursery, be_honest)
    with trio.fail_after(PATIENCE_S):
        await go_in(fake.url)
        peer = await fake.seen()
    assert peer.closed == (1000, "")
    assert [message["name"] for message in peer.asked] == ["challenge", "connect"]
