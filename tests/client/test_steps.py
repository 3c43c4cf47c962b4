"""`open_connection`, one step after the other: out of order, cut short, and met by a server that fails late."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import h11
import pytest
import trio
import wsproto.utilities

from ric0_trio.client import (
    ChatConnection,
    ChatError,
    ChatTimeoutError,
    ConnectionClosedError,
    ConnectRefusedError,
    Identity,
    MemoryKnownServers,
    ServerIdentityError,
    open_connection,
)
from ric0_trio.protocol import LocalProtocolError
from ric0_trio.testing import HOME_KEY, SERVER_KEY, START_TEXT, USER_KEY
from tests.client.fake_server import FakeServer, Part, Peer
from tests.client.stage import ME, PATIENCE_S, start_server, trusting

LONG_ENOUGH_S = 0.5
"""For the steps that are answered, on a busy machine."""
PIN = SERVER_KEY.public.fingerprint


@asynccontextmanager
async def meeting(part: Part, **options: Any) -> AsyncIterator[tuple[FakeServer, ChatConnection]]:
    async with trio.open_nursery() as nursery:
        fake = await FakeServer.start(nursery, part)
        with trio.fail_after(PATIENCE_S):
            async with open_connection(fake.url, **options) as connection:
                yield fake, connection
        nursery.cancel_scope.cancel()


# A server that is honest at first


async def prove(peer: Peer) -> None:
    await peer.upgrade()
    await peer.prove()


async def let_in(peer: Peer) -> None:
    await prove(peer)
    await peer.welcome()


async def name_another_key(peer: Peer) -> None:
    await prove(peer)
    await peer.welcome(HOME_KEY.public)


async def invent_a_status(peer: Peer) -> None:
    await prove(peer)
    await peer.reply(await peer.next_request(), {}, "not_on_mondays")


async def not_let_go(peer: Peer) -> None:
    await let_in(peer)
    await peer.reply(await peer.next_request(), {}, "unknown_error")


async def let_go_who_had_left(peer: Peer) -> None:
    await let_in(peer)
    await peer.reply(await peer.next_request(), {}, "not_connected")


async def chatter(peer: Peer) -> None:
    await peer.upgrade()
    await peer.send({"time": START_TEXT, "type": "message", "name": "news", "data": {}})
    await peer.send({"time": START_TEXT, "type": "request", "name": "dance", "data": {}, "conversation": 1})
    await peer.prove()
    await peer.welcome()
    await peer.reply(await peer.next_request(), {})


async def break_when_all_is_quiet(peer: Peer) -> None:
    await let_in(peer)
    await peer.send_payload("nonsense")


async def go_through(connection: ChatConnection) -> None:
    await connection.verify_server(pin=PIN)
    await connection.connect(ME)
    await connection.disconnect()


LATE = {
    "another key in the welcome": (name_another_key, ServerIdentityError, "names another key than the one it proved"),
    "a status that nobody knows": (invent_a_status, ConnectRefusedError, "connect was refused: not_on_mondays"),
    "no answer to the connect": (prove, ChatTimeoutError, "did not answer `connect` in time"),
    "no answer to the disconnect": (let_in, ChatTimeoutError, "did not answer `disconnect` in time"),
    "a disconnect that is refused": (
        not_let_go,
        ConnectionClosedError,
        "^the server broke the protocol: it answered the disconnect with unknown_error$",
    ),
}


@pytest.mark.parametrize(("part", "error", "text"), LATE.values(), ids=LATE)
async def test_a_server_that_fails_late(part: Part, error: type[ChatError], text: str) -> None:
    patience_s = LONG_ENOUGH_S if error is ChatTimeoutError else PATIENCE_S
    async with meeting(part, reply_timeout_s=patience_s) as (_, connection):
        with pytest.raises(error, match=text) as caught:
            await go_through(connection)
        assert type(caught.value) is error


async def test_to_be_gone_already_is_to_be_gone() -> None:
    async with meeting(let_go_who_had_left) as (_, connection):
        await go_through(connection)


async def test_what_a_server_says_of_itself_is_no_answer() -> None:
    async with meeting(chatter) as (_, connection):
        await go_through(connection)


async def test_a_breach_while_nothing_is_asked_ends_the_connection() -> None:
    async with meeting(break_when_all_is_quiet) as (_, connection):
        await connection.verify_server(pin=PIN)
        await connection.connect(ME)
        error = await connection.wait_closed()
        assert str(error).startswith("the server broke the protocol: a message that is no valid envelope")
        with pytest.raises(ConnectionClosedError):
            await connection.disconnect()


# The steps, out of order


async def test_nothing_is_proved_to_a_server_that_is_not_verified() -> None:
    async with meeting(prove) as (fake, connection):
        with pytest.raises(LocalProtocolError, match="verify the server before"):
            await connection.connect(ME)
    peer = await fake.seen()
    assert peer.asked == []


async def test_nothing_is_proved_to_a_server_that_is_not_the_right_one() -> None:
    """Not even by a program that goes on after the error."""
    known = MemoryKnownServers()
    known.check("chat.example:443", SERVER_KEY.public)
    async with meeting(let_in) as (fake, connection):
        with pytest.raises(ServerIdentityError, match=r"known from chat\.example"):
            await connection.verify_server(known)
        with pytest.raises(ServerIdentityError, match=r"known from chat\.example"):
            await connection.connect(ME)
        assert isinstance(await connection.wait_closed(), ServerIdentityError)
    peer = await fake.seen()
    assert [message["name"] for message in peer.asked] == ["challenge"]
    assert peer.closed == (1008, "not the expected server")


class BrokenStore:
    """A store that fails, as a program's own may."""

    def check(self, host: str, key: object) -> None:
        raise RuntimeError(f"no database for {host}")


async def test_nothing_is_proved_when_the_store_fails() -> None:
    async with meeting(let_in) as (_, connection):
        with pytest.raises(RuntimeError, match="no database"):
            await connection.verify_server(BrokenStore())
        with pytest.raises(LocalProtocolError, match="verify the server before"):
            await connection.connect(ME)


async def test_a_step_that_is_cancelled_ends_the_connection() -> None:
    """Else its answer, when it comes, would be taken for the next step's."""
    async with meeting(let_in) as (_, connection):
        await connection.verify_server(pin=PIN)
        await connection.connect(ME)
        with trio.CancelScope() as scope:
            scope.cancel()
            await connection.disconnect()
        with pytest.raises(ConnectionClosedError, match="a step was cancelled on this side"):
            await connection.connect(ME)


async def test_a_refused_user_may_try_again(nursery: trio.Nursery) -> None:
    """And so may one who has left."""
    house = await start_server(nursery)
    with trio.fail_after(PATIENCE_S):
        async with open_connection(house.url, ssl_context=trusting()) as connection:
            assert await connection.verify_server() == SERVER_KEY.public
            with pytest.raises(ValueError, match="name"):
                await connection.connect(Identity(USER_KEY, " Zoë"))
            await connection.connect(ME)
            await connection.disconnect()
            reply = await connection.connect(Identity(HOME_KEY, "Ann"))
            assert reply.server_identity.pubkey == SERVER_KEY.public
    assert [asked.user.name for asked in house.store.requests] == ["Zoë", "Ann"]


@pytest.mark.parametrize("error", [h11.RemoteProtocolError("the block's"), wsproto.utilities.ProtocolError("too")])
async def test_errors_of_our_libraries_are_the_blocks_own_when_it_raises_them(error: Exception) -> None:
    """A program may well use h11 for something else."""
    with pytest.raises(ExceptionGroup) as caught:
        async with meeting(prove):
            raise error
    assert caught.value.exceptions == (error,)


async def test_the_context_of_an_error_is_kept() -> None:
    error = ValueError("second")
    error.__context__ = KeyError("first")
    with pytest.raises(ExceptionGroup) as caught:
        async with meeting(prove):
            raise error
    assert caught.value.exceptions == (error,)
    assert isinstance(error.__context__, KeyError)
