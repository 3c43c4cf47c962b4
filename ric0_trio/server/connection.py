"""One client's connection, from the accepted socket to its forced end: every wait under a deadline.

TLS handshake → HTTP head → refusal, or upgrade → conversation → closing handshake → forced end.
"""

import math
import random
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog
import trio

from ric0_trio.access.store import ImmediateAccess
from ric0_trio.protocol import CloseCode, Codec, Kick, State
from ric0_trio.server.adapters import ADAPTERS
from ric0_trio.server.addresses import Peer
from ric0_trio.server.conversation import Conversation
from ric0_trio.server.endings import Cause, Ending, History
from ric0_trio.server.metered_stream import MeteredStream, MeteredTls
from ric0_trio.server.refusals import Refusal
from ric0_trio.server.services import Services
from ric0_trio.server.upgrade import HttpRefusal, Upgrade, check_request, parse_request
from ric0_trio.server.watched import ConnectionInfo, ConnectionState
from ric0_trio.transport.eager import EagerStream
from ric0_trio.transport.head import HeadTooBigError, read_head
from ric0_trio.transport.websocket import ServerWebSocket

_GIVE_WAY: Final = Kick(CloseCode.TRY_AGAIN_LATER, "others wait to connect, and you have not connected yet")
_LOST: Final = Ending(Cause.LOST, "the connection was lost")
_TURN_AWAY_TIMEOUT_S: Final = 1.0
_STATES: Final[dict[State, ConnectionState]] = {
    State.OPEN: "open",
    State.CHALLENGED: "challenged",
    State.CONNECTED: "connected",
    State.DISCONNECTED: "disconnected",
    State.CLOSED: "closing",
}


@dataclass(frozen=True)
class _Opened:
    """A request for a WebSocket that can be answered with 101."""

    stream: EagerStream
    upgrade: Upgrade
    early: bytes
    """What came behind it already."""


class Connection:
    """One accepted socket, and whoever is behind it."""

    def __init__(self, services: Services, stream: EagerStream, peer: Peer, *, is_proxied: bool = False) -> None:
        """With `is_proxied`, a proxy has ended TLS: nobody else may speak."""
        self.id = f"{random.getrandbits(64):016x}"
        """A name for this connection in logs and in the access store."""
        self.peer = peer
        self.history = History()
        self._services = services
        self._settings = services.settings
        self._limits = self._settings.limits
        self._stream = MeteredStream(stream, self._limits, services.turns)
        self._is_proxied = is_proxied
        self._came_by_proxy = False
        self._opening = trio.CancelScope(deadline=trio.current_time() + self._limits.opening_timeout_s)
        self._is_upgrading = False
        self._stops_at = math.inf
        self._counted: str | None = None
        self._conversation: Conversation | None = None
        self.log: structlog.typing.FilteringBoundLogger = structlog.get_logger().bind(
            connection=self.id, peer=peer.name
        )

    def enter(self) -> Refusal | None:
        """Count the connection, until `leave`; or say why there is no room for it.

        A trusted proxy is counted when it has said for whom it speaks.
        """
        refusal = None if self.peer.is_proxy else self._enter_address()
        if refusal is None:
            self._services.strangers.enter(self)
        return refusal

    def leave(self) -> None:
        """Take back what `enter` counted, as far as it came."""
        self._services.strangers.leave(self)
        self._services.address_limits.leave(self._counted)
        self._counted = None

    def give_way(self, limit: str) -> None:
        """End, soon, for the sake of a newcomer; `limit` says why."""
        self._services.refusals.note(limit, self.peer.name)
        if self._conversation is None:
            self.history.end(Ending(Cause.LIMIT, "gave way to a newcomer", limit=limit))
            self._opening.cancel()
        else:
            self._conversation.put_out_for(limit, _GIVE_WAY)

    def kick(self, cause: Kick) -> None:
        """Put the client out, soon: when what is being done for it is done."""
        if self._conversation is not None:
            self._conversation.kick(cause)

    @property
    def state(self) -> ConnectionState:
        """Where it stands."""
        if self.history.ending is not None:
            return "closing"
        return "opening" if self._conversation is None else _STATES[self._conversation.state]

    @property
    def is_user(self) -> bool:
        """Whether a connected user is there."""
        return self._conversation is not None and self._conversation.is_user

    def describe(self) -> ConnectionInfo:
        """Tell how it stands, for the operator."""
        history, stream, talk = self.history, self._stream, self._conversation
        user = None if talk is None else talk.user
        return ConnectionInfo(
            connection=self.id,
            peer=self.peer.name,
            state=self.state,
            age_s=round(trio.current_time() - history.begun_at, 3),
            bytes_in=stream.bytes_in,
            bytes_out=stream.bytes_out,
            messages_in=history.messages_in,
            messages_out=history.messages_out,
            user=None if user is None else user.pubkey.fingerprint,
            name=None if user is None else user.name,
            client=None if user is None else history.client,
        )

    def shutdown(self, at: float) -> None:
        """End the connection, because the server is going away: at `at`, on Trio's clock, if it has a WebSocket."""
        if self._conversation is not None:
            self._conversation.shutdown(at)
        elif self._is_upgrading:  # the 101 may be out already: who has that is told in a Close frame
            self._stops_at = at
        else:
            self.history.end(Ending(Cause.STOPPING, "the server is going away"))
            self._opening.cancel()

    async def run(self) -> None:
        """Serve the client until either side ends it."""
        try:
            if isinstance(self._services.access, ImmediateAccess):
                await self._run(None)
            else:
                # What is asked of the store outlives the client, and keeps the connection counted: a place that comes
                # late is given back.
                async with trio.open_nursery() as admissions:
                    await self._run(admissions)
        finally:
            await self.end()

    async def turn_away(self, refusal: Refusal) -> None:
        """Tell the client that there is no room, if it is to be told and has a moment, and end."""
        try:
            with self._opening:
                self._opening.deadline = trio.current_time() + _TURN_AWAY_TIMEOUT_S
                if self._may_tell(refusal):
                    await self._refuse(await self._shake_hands(), _as_http(refusal))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    def tell(self) -> None:
        """Tell what became of it, now that it has ended."""
        stream, services = self._stream, self._services
        ending = self.history.end(_LOST)
        services.metrics.count_ending(ending)
        services.endings.write(ending, self.history, stream.bytes_in, stream.bytes_out, self.log)

    async def end(self) -> None:
        """Close the stream by force, and let go of what would keep this connection in memory."""
        self._conversation = None  # what refers to itself would wait for the garbage collector
        await self._stream.abort()

    def _enter_address(self) -> Refusal | None:
        refusal = self._services.address_limits.enter(self.peer.group, trio.current_time())
        if refusal is None:
            self._counted = self.peer.group
        return refusal

    def _may_tell(self, refusal: Refusal) -> bool:
        """Take note of a refusal, and say whether there is time to tell it."""
        self.history.end(Ending(Cause.LIMIT, refusal.text, limit=refusal.limit))
        self._services.refusals.note(refusal.limit, self.peer.name)
        if self._came_by_proxy:  # which would take silence for a fault of ours, and stop asking for anyone
            return True
        return refusal.is_told and self._services.courtesy.take(trio.current_time())

    async def _run(self, admissions: trio.Nursery | None) -> None:
        opened: _Opened | None = None
        with self._opening:
            opened = await self._open()
        if opened is not None and not self._opening.cancel_called:  # which can come too late to interrupt it
            self._is_upgrading = True
            serve = ADAPTERS[self._settings.adapter]
            await serve(opened.stream, opened.upgrade, opened.early, self._limits, partial(self._begin, admissions))
        elif self._opening.cancel_called and self.history.ending is None:
            self.history.end(Ending(Cause.LIMIT, "no WebSocket in time", limit="opening_timeout_s"))
            self._services.refusals.note("opening_timeout_s", self.peer.name)
        self._note_loss()
        await self._stream.abort()  # now, not when the last admission is known

    async def _open(self) -> "_Opened | None":
        """Come as far as a request for a WebSocket that is good; or say what there is to say instead."""
        try:
            stream = await self._shake_hands()
            answer, early = await self._read_request(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            cause = str(error.__cause__ or error).partition(" (_ssl.c")[0]
            self.history.end(Ending(Cause.LOST, "no TLS handshake or HTTP head", detail=cause))
            return None
        if isinstance(answer, Upgrade):
            return _Opened(stream, answer, early)
        if isinstance(answer, HttpRefusal):
            if answer.limit is not None:
                self._services.refusals.note(answer.limit, self.peer.name)
            await self._refuse(stream, answer)
        elif self._may_tell(answer):
            await self._refuse(stream, _as_http(answer))
        return None

    def _note_loss(self) -> None:
        """Say why the connection was lost, if the client has sent too much."""
        if self.history.ending is not None and self.history.ending.cause is not Cause.LOST:
            return
        if self._stream.exhausted is not None:
            self.history.ending = Ending(Cause.LIMIT, "sent too much", limit=self._stream.exhausted)
            self._services.refusals.note(self._stream.exhausted, self.peer.name)

    async def _shake_hands(self) -> EagerStream:
        if self._is_proxied or self._settings.ssl_context is None:
            return self._stream
        tls = MeteredTls(self._stream, self._settings.ssl_context)
        await tls.do_handshake()
        return tls

    async def _read_request(self, stream: trio.abc.Stream) -> tuple[Upgrade | HttpRefusal | Refusal, bytes]:
        limits = self._limits
        try:
            head, early = await read_head(stream, limits.max_head_bytes)
        except HeadTooBigError:
            return HttpRefusal(431, f"the HTTP head is over {limits.max_head_bytes} bytes", limit="max_head_bytes"), b""
        if self._is_proxied and not self.peer.is_proxy:
            return HttpRefusal(403, "only a trusted proxy speaks plain ws:// here", limit="trusted_proxies"), b""
        request = parse_request(head)
        if isinstance(request, HttpRefusal):
            return request, b""
        refusal = self._take_over(request.forwarded_for) if self.peer.is_proxy else None
        return refusal or check_request(request, self._settings.codecs, self._services.allowed_origins), early

    def _take_over(self, forwarded_for: list[str]) -> HttpRefusal | Refusal | None:
        """Count the client that a proxy speaks for instead of the proxy."""
        self._came_by_proxy = True
        self._services.see_proxy(self.peer, names_clients=bool(forwarded_for))
        client = self._services.addresses.client_of(self.peer, forwarded_for)
        if client is None:
            return HttpRefusal(400, "the last of X-Forwarded-For is no address", limit="forwarded_for")
        self._services.strangers.leave(self)
        self.peer = client
        self.log = self.log.bind(peer=client.name)
        refusal = self._enter_address()
        if refusal is None:
            self._services.strangers.enter(self)
        return refusal

    async def _refuse(self, stream: trio.abc.Stream, refusal: HttpRefusal) -> None:
        cause = Cause.REFUSED if refusal.limit is None else Cause.LIMIT
        self.history.ending = Ending(cause, refusal.text, http_status=refusal.status, limit=refusal.limit)
        with trio.move_on_after(self._limits.close_timeout_before_auth_s):
            try:
                await stream.send_all(refusal.response())
                while await stream.receive_some():  # a reset on unread data could take the answer with it
                    pass
                await stream.aclose()
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass

    def _begin(self, admissions: trio.Nursery | None, websocket: ServerWebSocket, codec: Codec) -> Conversation:
        self._conversation = Conversation(
            self._services,
            self._settings,
            websocket,
            codec,
            admissions,
            self.id,
            self.peer,
            self.log,
            self.history,
            self._change_standing,
        )
        self._conversation.shutdown(self._stops_at)
        return self._conversation

    def _change_standing(self, is_user: bool) -> Refusal | None:
        """Count the client as a connected user, or as a stranger again, for which there may be no room."""
        self._stream.trust(is_user)
        if is_user:
            self._services.strangers.leave(self)
            return None
        self._services.strangers.enter(self)
        return self._services.address_limits.enter_again(self.peer.group, trio.current_time())


def _as_http(refusal: Refusal) -> HttpRefusal:
    wait = str(math.ceil(refusal.retry_after_s))
    return HttpRefusal(503, f"{refusal.text}; try again later", [("Retry-After", wait)], limit=refusal.limit)
