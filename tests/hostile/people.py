"""Who is at a server besides plain attackers: a user who lives there, and clients that come through a proxy."""

import trio
from wsproto.events import AcceptConnection, CloseConnection, Message, Ping, Request

from ric0_trio.protocol import PATH, Codec
from ric0_trio.testing import CONNECT
from tests.server.raw_client import JSON, PONG, RawClient, frame

PATIENCE_S = 10.0  # for what has no bound of its own, on a busy machine


class Resident:
    """A user who is on before the attack, answers pings, and shall notice nothing of it."""

    def __init__(self, client: RawClient) -> None:
        self._client = client
        self._say, self._heard = trio.open_memory_channel[str](100)

    async def live(self) -> None:
        """Answer pings, until the end or until cancelled."""
        while True:
            match await self._client.next_event():
                case Ping(payload=payload):
                    await self._client.send_raw(frame(PONG, bytes(payload)))
                case CloseConnection(code=code, reason=reason):
                    await self._say.send(f"put out with {int(code)}: {reason}")
                    return
                case Message():
                    await self._say.send("answered")

    async def check_is_on(self) -> None:
        await self._client.send_raw(self._client.request(CONNECT))
        with trio.fail_after(PATIENCE_S):
            assert await self._heard.receive() == "answered"


class ForwardedClient(RawClient):
    """A client whose request says through whom it came."""

    def __init__(self, stream: trio.abc.Stream, forwarded_for: str, codec: Codec = JSON) -> None:
        super().__init__(stream, codec)
        self._header = (b"X-Forwarded-For", forwarded_for.encode())

    async def upgrade(self) -> str | None:
        offer = [self.codec.subprotocol]
        request = Request(host="chat.example", target=PATH, subprotocols=offer, extra_headers=[self._header])
        await self.send_raw(self._wire.send(request))
        accepted = await self.next_event()
        assert isinstance(accepted, AcceptConnection), accepted
        return accepted.subprotocol
