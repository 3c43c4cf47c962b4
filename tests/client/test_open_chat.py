"""`open_chat` against the real server, over real TLS: how a visit goes, and every way in which it ends."""

import pytest
import trio

from ric0_trio.client import (
    Chat,
    ChatError,
    ConnectionClosedError,
    ConnectRefusedError,
    Identity,
    MemoryKnownServers,
    ServerIdentityError,
    ServerUnreachableError,
    UpgradeRefusedError,
)
from ric0_trio.protocol import (
    CloseCode,
    Codec,
    Fingerprint,
    JsonCodec,
    Kick,
    LocalProtocolError,
    PrivateKey,
    PublicKey,
    Refused,
    Status,
)
from ric0_trio.testing import HOME_KEY, SERVER_KEY, USER_KEY, rsa_key
from tests.client.stage import ME, PATIENCE_S, go_in, start_server, visit
from tests.protocol.pair import CODECS

KEYS = {"ed25519": SERVER_KEY, "rsa": rsa_key()}
TOKEN = "a token"  # noqa: S105 - no secret
USERS = {"ed25519": USER_KEY, "rsa": rsa_key()}


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
@pytest.mark.parametrize("server", ["ed25519", "rsa"])
@pytest.mark.parametrize("user", ["ed25519", "rsa"])
async def test_a_whole_visit(codec: Codec, server: str, user: str, nursery: trio.Nursery) -> None:
    server_key, user_key = KEYS[server], PrivateKey.generate(USERS[user].public.format)
    house = await start_server(nursery, server_key)
    identity = Identity(user_key, "Zoë", "bot", home_server=HOME_KEY.public, home_server_url="wss://home.example")
    with trio.fail_after(PATIENCE_S):
        async with visit(house.url, identity=identity, codecs=[codec], join_token=TOKEN) as chat:
            assert chat.server_identity.pubkey == server_key.public
            assert chat.server_identity.name == "Example"
            assert (chat.server_app.name, str(chat.server_app.version)) == ("server", "1.2.0")
            assert chat.server_app.capabilities == ["files", "history"]
            assert chat.server_app.extensions == {"org.example.poll": [3]}
            await chat.disconnect("good night")
    (asked,) = house.store.requests
    assert asked.user == identity.on_wire(server_key.public)
    assert asked.join_token == TOKEN
    assert house.store.farewells == ["said: good night"]


async def test_the_user_calls_the_server_home_unless_they_say_otherwise(nursery: trio.Nursery) -> None:
    house = await start_server(nursery)
    await go_in(house.url)
    assert house.store.requests[0].user.home_server == SERVER_KEY.public


async def test_a_server_with_json_alone_is_understood(nursery: trio.Nursery) -> None:
    house = await start_server(nursery, codecs=[JsonCodec()])
    await go_in(house.url)


class Notebook(dict[str, PublicKey]):
    """A store of one's own, which is false as long as it is empty."""

    def check(self, host: str, key: PublicKey) -> None:
        self[host] = key


async def test_a_store_of_ones_own_is_asked(nursery: trio.Nursery) -> None:
    house = await start_server(nursery)
    notebook = Notebook()
    await go_in(house.url, known_servers=notebook)
    assert notebook == {house.url.removeprefix("wss://"): SERVER_KEY.public}


async def test_one_user_visits_twice(nursery: trio.Nursery) -> None:
    house = await start_server(nursery)
    known = MemoryKnownServers()
    await go_in(house.url, known_servers=known)
    await go_in(house.url, known_servers=known)


# Refusals

REFUSALS = [
    (Status.DISALLOWED_USER, "no trolls"),
    (Status.DISALLOWED_USER, None),
    (Status.DISALLOWED_CLIENT, "too old"),
    (Status.UNRECOGNISED_USER, None),
    (Status.JOIN_TOKEN_REQUIRED, None),
    (Status.INVALID_JOIN_TOKEN, None),
    (Status.ALREADY_CONNECTED, None),
    (Status.UNKNOWN_ERROR, None),
]


@pytest.mark.parametrize(("status", "reason"), REFUSALS)
async def test_a_refusal_has_its_status_and_reason(status: Status, reason: str | None, nursery: trio.Nursery) -> None:
    house = await start_server(nursery, verdict=Refused(status, reason))
    with pytest.raises(ConnectRefusedError) as caught:
        await go_in(house.url)
    assert (caught.value.status, caught.value.reason) == (status, reason)
    assert str(caught.value) == f"connect was refused: {status}" + (f" ({reason})" if reason else "")


# Servers that are not the right ones


async def test_a_certificate_of_another_authority(nursery: trio.Nursery) -> None:
    house = await start_server(nursery)
    with pytest.raises(ServerIdentityError, match=r"certificate of 127.0.0.1:\d+ does not verify: unable to get local"):
        await go_in(house.url, ssl_context=None)


async def test_a_certificate_of_another_host(nursery: trio.Nursery) -> None:
    house = await start_server(nursery, names=("chat.example",))
    with pytest.raises(ServerIdentityError, match="does not verify: IP address mismatch"):
        await go_in(house.url)


async def test_a_host_that_has_another_key_than_before(nursery: trio.Nursery) -> None:
    house = await start_server(nursery)
    known = MemoryKnownServers()
    known.check(house.url.removeprefix("wss://"), HOME_KEY.public)
    with pytest.raises(ServerIdentityError, match=f"had the key {HOME_KEY.public.fingerprint} and now shows"):
        await go_in(house.url, known_servers=known)
    assert not house.store.requests


async def test_a_key_that_is_known_from_another_host(nursery: trio.Nursery) -> None:
    house = await start_server(nursery)
    known = MemoryKnownServers()
    known.check("chat.example:443", SERVER_KEY.public)
    with pytest.raises(ServerIdentityError, match=r"known from chat\.example:443"):
        await go_in(house.url, known_servers=known)
    assert not house.store.requests


async def test_a_pin_stands_in_for_the_known_servers(nursery: trio.Nursery) -> None:
    house = await start_server(nursery)
    known = MemoryKnownServers()
    known.check("chat.example:443", SERVER_KEY.public)
    await go_in(house.url, known_servers=known, pin=SERVER_KEY.public.fingerprint)
    wrong = Fingerprint("ed25519:" + "0" * 64)
    with pytest.raises(ServerIdentityError, match=f"{SERVER_KEY.public.fingerprint}, not the pinned {wrong}"):
        await go_in(house.url, pin=wrong)
    assert len(house.store.requests) == 1


async def test_a_server_that_shows_the_users_own_key_gets_no_proof(nursery: trio.Nursery) -> None:
    house = await start_server(nursery)
    with pytest.raises(ServerIdentityError, match="shows the user's own key"):
        await go_in(house.url, identity=Identity(SERVER_KEY, "Zoë"))
    assert not house.store.requests


# No server, or none that speaks to us


async def test_a_port_where_nobody_listens() -> None:
    with trio.socket.socket() as reserved:
        await reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        with pytest.raises(ServerUnreachableError, match=rf"nothing answers at 127.0.0.1:{port}: Connection refused"):
            await go_in(f"wss://127.0.0.1:{port}")


async def test_another_path_is_refused_by_http(nursery: trio.Nursery) -> None:
    house = await start_server(nursery)
    with pytest.raises(UpgradeRefusedError) as caught:
        await go_in(f"{house.url}/elsewhere")
    assert caught.value.status == 404
    assert str(caught.value) == "the server answered HTTP 404: nothing here; the chat is at /ric0_chat"


# The end of a visit


async def test_a_user_who_is_kicked_does_not_come_back(nursery: trio.Nursery) -> None:
    house = await start_server(nursery)
    with trio.fail_after(PATIENCE_S):
        async with visit(house.url) as chat:
            house.connections[0].kick(Kick(CloseCode.KICKED, "enough"))
            error = await chat.wait_closed()
            check_closed(error, 4002, "enough", may_return=False)
            with pytest.raises(ConnectionClosedError) as caught:
                await chat.disconnect()
            assert caught.value is error


async def test_a_server_that_stops_may_be_visited_again(nursery: trio.Nursery) -> None:
    house = await start_server(nursery)
    with trio.fail_after(PATIENCE_S):
        async with visit(house.url) as chat:
            house.connections[0].shutdown(trio.current_time())
            check_closed(await chat.wait_closed(), 1001, None, may_return=True)


def check_closed(error: ChatError, code: int, reason: str | None, *, may_return: bool) -> None:
    assert isinstance(error, ConnectionClosedError)
    assert (error.code, error.may_return) == (code, may_return)
    assert reason is None or error.reason == reason
    assert str(error) == f"the server closed the connection with {code}: {error.reason}"


class OwnError(Exception):
    """The user's program failed."""


ERRORS = (OwnError("as it was"), KeyboardInterrupt(), GeneratorExit())


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_what_the_block_raises_comes_out_as_it_is(error: BaseException, nursery: trio.Nursery) -> None:
    house = await start_server(nursery)
    with pytest.raises(type(error)) as caught:
        async with visit(house.url):
            raise error
    assert caught.value is error
    with trio.fail_after(PATIENCE_S):
        await house.store.released.wait()


async def test_a_group_that_the_block_raises_keeps_its_form(nursery: trio.Nursery) -> None:
    house = await start_server(nursery)
    error = OwnError()
    with pytest.raises(ExceptionGroup, match="the user's group") as caught:
        async with visit(house.url):
            raise ExceptionGroup("the user's group", [error])
    assert caught.value.exceptions == (error,)


async def test_a_visit_can_be_cancelled_from_outside(nursery: trio.Nursery) -> None:
    house = await start_server(nursery)
    with trio.fail_after(PATIENCE_S):
        with trio.CancelScope() as scope:
            async with visit(house.url):
                scope.cancel()
                await trio.sleep_forever()
        assert scope.cancelled_caught
        await house.store.released.wait()


async def test_several_visits_at_once_do_not_mix(nursery: trio.Nursery) -> None:
    house = await start_server(nursery)
    inside: list[Chat] = []
    together = trio.Event()

    async def come(number: int) -> None:
        async with visit(house.url, identity=Identity(PrivateKey.generate(), f"user {number}")) as chat:
            inside.append(chat)
            if len(inside) == 5:
                together.set()
            await together.wait()
            await chat.disconnect(str(number))

    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as visitors:
            for number in range(5):
                visitors.start_soon(come, number)
    assert sorted(house.store.farewells) == [f"said: {number}" for number in range(5)]


# Misuse


async def test_a_malformed_name_is_found_before_a_proof_is_sent(nursery: trio.Nursery) -> None:
    house = await start_server(nursery)
    with pytest.raises(ValueError, match="at least one letter"):
        await go_in(house.url, identity=Identity(USER_KEY, "!"))
    assert not house.store.requests


async def test_a_reason_that_is_too_long_is_not_sent(nursery: trio.Nursery) -> None:
    house = await start_server(nursery)
    async with visit(house.url, identity=ME) as chat:
        with pytest.raises(LocalProtocolError, match="at most 512"):
            await chat.disconnect("x" * 513)
        await chat.disconnect("x" * 512)
