"""`open_chat`: a connected, verified session, for as long as a block lasts."""

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from ric0_trio.client.connection import ChatConnection, open_connection
from ric0_trio.client.errors import ChatError
from ric0_trio.client.identity import OWN_APP, Identity
from ric0_trio.client.known_servers import FileKnownServers, KnownServers
from ric0_trio.protocol import AppInfo, Codec, ConnectReply, Fingerprint
from ric0_trio.protocol.keys import parse_fingerprint


class Chat:
    """A user who is connected to a server that has proved itself."""

    def __init__(self, connection: ChatConnection, reply: ConnectReply) -> None:
        self._connection = connection
        self.server_app: Final = reply.server_app
        """The server's program, with the capabilities and extensions that both sides share."""
        self.server_identity: Final = reply.server_identity
        """How the server names itself. Its `pubkey` is proved; the rest is what it says."""

    async def disconnect(self, reason: str | None = None) -> None:
        """Leave politely, with a `reason` of at most 512 characters. Raises `ChatError` when that fails."""
        await self._connection.disconnect(reason)

    async def wait_closed(self) -> ChatError:
        """Wait until the connection is over, and return why. Cancel it to stop waiting."""
        return await self._connection.wait_closed()


@asynccontextmanager
async def open_chat(
    url: str,
    identity: Identity,
    *,
    app: AppInfo = OWN_APP,
    join_token: str | None = None,
    known_servers: KnownServers | None = None,
    pin: Fingerprint | None = None,
    ssl_context: ssl.SSLContext | None = None,
    codecs: Sequence[Codec] | None = None,
    open_timeout_s: float = 10.0,
    reply_timeout_s: float = 10.0,
) -> AsyncIterator[Chat]:
    """Connect to the server at `url` (`wss://host[:port]`), see that it is the right one, and be let in.

    `known_servers` remembers which server has which key: the user's own file by default (`FileKnownServers`). A `pin`
    stands in for it. Raises `ServerUnreachableError`, `ServerIdentityError`, `ConnectRefusedError`,
    `ChatTimeoutError`, `ConnectionClosedError`, all of them `ChatError`; and `ValueError` for a malformed URL, name
    or pin.
    """
    if pin is not None:
        parse_fingerprint(pin)
    async with open_connection(
        url,
        ssl_context=ssl_context,
        codecs=codecs,
        open_timeout_s=open_timeout_s,
        reply_timeout_s=reply_timeout_s,
    ) as connection:
        store = FileKnownServers() if known_servers is None else known_servers
        await connection.verify_server(store, pin)
        reply = await connection.connect(identity, app, join_token)
        yield Chat(connection, reply)
