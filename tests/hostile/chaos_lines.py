"""Ways to the server for those who behave well, and for those who did up to some point: our client, and a bare one.

Both tell what goes wrong as our client does: with a `ChatError`.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Protocol

import trio
from wsproto.events import AcceptConnection, CloseConnection, Message, Pong, RejectConnection, Request
from wsproto.utilities import ProtocolError

from ric0_trio.client import (
    ChatConnection,
    ChatTimeoutError,
    ConnectionClosedError,
    ConnectRefusedError,
    Identity,
    ServerIdentityError,
    ServerUnreachableError,
    UpgradeRefusedError,
    open_connection,
)
from ric0_trio.protocol import PATH, Codec, available_codecs
from ric0_trio.testing import CHALLENGE, SERVER_KEY, Plain, base64_of, connect_data, request, unpack, user
from tests.hostile.chaos_host import Host
from tests.hostile.chaos_people import User
from tests.server.raw_client import JSON, RawClient

OPEN_S = 10.0
REPLY_S = 10.0
CLOSE_S = 1.0
GONE = 1006


class Line(Protocol):
    """An open connection to a server that has proved itself."""

    async def connect(self, who: User, token: str | None) -> str:
        """Ask to be let in, and return the status."""

    async def stay(self, seconds: float) -> None:
        """Be there for a while. Raises `ChatError` when the connection ends before."""

    async def look_around(self) -> bool:
        """Ask something that only a connected user may ask; False for a client that knows nothing to ask."""

    async def disconnect(self) -> None:
        """Say goodbye, and hear that it was heard."""


class OwnLine:
    """The package's client."""

    def __init__(self, chat: ChatConnection) -> None:
        self._chat = chat

    async def connect(self, who: User, token: str | None) -> str:
        try:
            await self._chat.connect(Identity(who.key, who.name), app=who.app, join_token=token)
        except ConnectRefusedError as refused:
            return refused.status
        return "success"

    async def stay(self, seconds: float) -> None:
        with trio.move_on_after(seconds):
            raise await self._chat.wait_closed()

    async def look_around(self) -> bool:
        return False

    async def disconnect(self) -> None:
        await self._chat.disconnect("enough for now")


class BareLine(RawClient):
    """wsproto and a stream, which can be dropped in any way."""

    _conversation = 2

    async def upgrade(self) -> str | None:
        offer = Request(host="chat.example", target=PATH, subprotocols=[self.codec.subprotocol])
        await self.send_raw(self._wire.send(offer))
        match await self.next_event():
            case AcceptConnection(subprotocol=chosen):
                return chosen
            case RejectConnection(status_code=status):
                raise UpgradeRefusedError(status, "")
            case other:
                raise ConnectionClosedError(GONE, f"{other!r} instead of an answer to the upgrade")

    async def receive(self) -> Plain:
        while True:
            match await self.next_event():
                case Message(data=data):
                    return unpack(self.codec, data if isinstance(data, str) else bytes(data))
                case CloseConnection(code=code, reason=reason):
                    raise ConnectionClosedError(int(code), reason or "")
                case Pong():
                    pass

    async def challenge(self) -> None:
        reply = await self.ask_for(CHALLENGE)
        shown = reply["data"].get("pubkey", {}).get("key")
        if reply["status"] != "success" or shown != base64_of(bytes(SERVER_KEY.public)):
            raise ServerIdentityError(f"the challenge was answered {reply['status']}, by {shown}")

    async def connect(self, who: User, token: str | None, proof: bytes | None = None) -> str:
        identity = user(who.key.public, who.name)
        data = connect_data(who.key, user=identity, client_app=who.app)
        if token is not None:
            data["join_token"] = token
        if proof is not None:
            data["challenge"] = base64_of(proof)
        return str((await self.ask_for(request("connect", data, self._next_number())))["status"])

    async def stay(self, seconds: float) -> None:
        with trio.move_on_after(seconds), telling():
            code, reason = await self.closing()
            raise ConnectionClosedError(code, reason)

    async def look_around(self) -> bool:
        reply = await self.ask_for(request("look_around", {}, self._next_number()))
        return bool(reply["status"] == "invalid_message")

    async def disconnect(self) -> None:
        status = (await self.ask_for(request("disconnect", {}, self._next_number())))["status"]
        if status != "success":
            raise ServerIdentityError(f"a goodbye was answered with {status}")

    async def ask_for(self, plain: Plain) -> Plain:
        """Send a request, and return its reply."""
        with telling(), trio.fail_after(REPLY_S):
            return await self.ask(plain)

    async def hang_up(self) -> None:
        """Close as WebSockets do, if the server has a moment."""
        with trio.move_on_after(CLOSE_S), telling():
            await self.close()
            await self.closing()

    def _next_number(self) -> int:
        self._conversation += 2
        return self._conversation


@asynccontextmanager
async def own_line(host: Host) -> AsyncIterator[OwnLine]:
    """Go to the server with the package's client."""
    async with open_connection(
        host.url, ssl_context=host.tls, open_timeout_s=OPEN_S, reply_timeout_s=REPLY_S
    ) as connection:
        await connection.verify_server(pin=SERVER_KEY.public.fingerprint)
        yield OwnLine(connection)


@asynccontextmanager
async def bare_line(host: Host, codec: Codec = JSON) -> AsyncIterator[BareLine]:
    """Go to the server with a bare client. At the end of the block the connection is cut without a word."""
    with telling(), trio.fail_after(OPEN_S):
        stream = await open_tls(host)
    client = BareLine(stream, codec)
    try:
        with telling(), trio.fail_after(OPEN_S):
            await client.upgrade()
        await client.challenge()
        yield client
    finally:
        await trio.aclose_forcefully(stream)


async def open_tls(host: Host) -> trio.SSLStream[trio.SocketStream]:
    """Connect, and shake hands."""
    stream = trio.SSLStream(await trio.open_tcp_stream("127.0.0.1", host.port), host.tls, server_hostname="localhost")
    try:
        await stream.do_handshake()
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    return stream


@contextmanager
def telling() -> Iterator[None]:
    """Tell what becomes of a connection as the package's client does."""
    try:
        yield
    except (trio.BrokenResourceError, trio.ClosedResourceError, ProtocolError) as error:
        raise ConnectionClosedError(GONE, str(error)) from None
    except trio.TooSlowError:
        raise ChatTimeoutError("no answer in time") from None
    except OSError as error:
        raise ServerUnreachableError(str(error)) from None


CODECS = available_codecs()
