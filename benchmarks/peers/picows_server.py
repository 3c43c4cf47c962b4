"""The core with picows on uvloop: callbacks from a parser in C, and no task for a connection."""

import asyncio
from typing import Final, cast

import uvloop
from picows import (
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
    ws_create_server,
)

from benchmarks.peers.site import BACKLOG, CODECS, Site, open_site, parse_options
from benchmarks.peers.stopping import told_to_stop
from benchmarks.peers.talk import Talk, ToDo
from ric0_trio.protocol import PATH, Close, Send, Sign

_READ_BYTES: Final = 4 * 1024  # each connection has so much: messages are smaller


class Conversation(WSListener):
    """One connection. A slow signature is made here and now, as a callback cannot wait."""

    def __init__(self, site: Site, subprotocol: str | None) -> None:
        super().__init__()
        self._site = site
        self._subprotocol = subprotocol
        self._loop = asyncio.get_running_loop()
        self._parts: list[bytes] = []
        self._kind = WSMsgType.TEXT
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Begin."""
        self._transport = transport
        self._talk = Talk(self._site, self._subprotocol)
        self._watch_deadline()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take a frame, and what it completes."""
        kind = frame.msg_type
        if kind is WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        elif kind is WSMsgType.TEXT and frame.fin:
            self._take(frame.get_payload_as_utf8_text())
        elif kind is WSMsgType.BINARY and frame.fin:
            self._take(frame.get_payload_as_bytes())
        elif kind in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION):
            self._take_part(kind, frame)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """End."""
        for timer in (self._timer, self._stalled):
            if timer is not None:
                timer.cancel()
        self._talk.end()

    def pause_writing(self) -> None:
        """The client does not read what it is sent: it has so long to begin again."""
        self._stalled = self._loop.call_later(self._site.limits.write_timeout_s, self._transport.disconnect, False)

    def resume_writing(self) -> None:
        """The client reads again."""
        if self._stalled is not None:
            self._stalled.cancel()

    def _take_part(self, kind: WSMsgType, frame: WSFrame) -> None:
        self._kind = self._kind if kind is WSMsgType.CONTINUATION else kind
        self._parts.append(frame.get_payload_as_bytes())
        if sum(map(len, self._parts)) > self._site.limits.max_message_bytes:
            self._transport.send_close(WSCloseCode.MESSAGE_TOO_BIG)
            self._transport.disconnect()
        elif frame.fin:
            message, self._parts = b"".join(self._parts), []
            self._take(message.decode() if self._kind is WSMsgType.TEXT else message)

    def _take(self, payload: str | bytes) -> None:
        self._carry_out(self._talk.receive(payload))
        if self._talk.deadline != self._deadline:  # rarely: a user has come, or left
            self._watch_deadline()

    def _carry_out(self, todo: ToDo) -> None:
        for effect in todo:
            match effect:
                case Send(str() as text):
                    self._transport.send(WSMsgType.TEXT, text.encode())
                case Send(payload):
                    self._transport.send(WSMsgType.BINARY, payload)
                case Sign():
                    todo += self._talk.signed(self._talk.sign(effect))
                case Close(code, reason):
                    self._transport.send_close(cast(WSCloseCode, code), reason.encode())  # it takes any number
                    self._transport.disconnect()

    def _watch_deadline(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._deadline = self._talk.deadline
        self._timer = None if self._deadline is None else self._loop.call_at(self._deadline, self._time_out)

    def _time_out(self) -> None:
        self._carry_out(self._talk.time_out())


async def main(site: Site) -> None:
    def answer(request: WSUpgradeRequest) -> WSUpgradeResponseWithListener | None:
        if request.path != PATH.encode():
            return None
        offered = [name.strip() for name in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        subprotocol = next((name for name in CODECS if name in offered), None)
        chosen = {"Sec-WebSocket-Protocol": subprotocol} if subprotocol else None
        response = WSUpgradeResponse.create_101_response(extra_headers=chosen)
        return WSUpgradeResponseWithListener(response, Conversation(site, subprotocol))

    server = await ws_create_server(
        answer,
        "127.0.0.1",
        0,
        ssl=site.tls,
        websocket_handshake_timeout=site.limits.opening_timeout_s,
        enable_auto_ping=True,
        auto_ping_idle_timeout=site.limits.ping_interval_s,
        auto_ping_reply_timeout=site.limits.ping_timeout_s,
        max_frame_size=site.limits.max_message_bytes,
        read_buffer_init_size=_READ_BYTES,
        backlog=BACKLOG,
    )
    async with server:
        site.announce(server.sockets[0].getsockname()[1])
        await told_to_stop()


if __name__ == "__main__":
    with open_site(parse_options()) as opened:
        uvloop.run(main(opened))
