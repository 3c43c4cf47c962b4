"""`ClientSession`: one connection as the client sees it, the mirror of `ServerSession`.

A client goes `challenge` → (is it the right server?) → `connect` → … → `disconnect`, one request at a time. The
embedder starts each; the session says what to send, what to sign and verify, and what came of it.
"""

from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import Any, Final

import msgspec

from ric0_trio.protocol.codec import Codec
from ric0_trio.protocol.effects import (
    Close,
    CloseCode,
    Connected,
    ConnectRefused,
    Disconnected,
    Effect,
    Send,
    ServerFailed,
    ServerVerified,
    Sign,
    TimedOut,
    Verify,
)
from ric0_trio.protocol.errors import DecodeError, LocalProtocolError
from ric0_trio.protocol.keys import (
    MAX_CHALLENGE_BYTES,
    MIN_CHALLENGE_BYTES,
    PublicKey,
    decode_base64,
    encode_base64,
)
from ric0_trio.protocol.messages import (
    MAX_SENTENCE_CHARS,
    MAX_TOKEN_CHARS,
    AppInfo,
    ChallengeReply,
    ChallengeRequest,
    ConnectReply,
    ConnectRequest,
    DisconnectRequest,
    RefusalReply,
    Reply,
    Request,
    RequestData,
    Status,
    UserIdentity,
)
from ric0_trio.protocol.timeline import Timeline

Effects = tuple[Effect, ...]


class ClientState(Enum):
    """Where a connection stands, for its client."""

    OPEN = "OPEN"
    CHALLENGING = "CHALLENGING"
    VERIFIED = "VERIFIED"
    """The server has proved its identity; no user is connected."""
    CONNECTING = "CONNECTING"
    CONNECTED = "CONNECTED"
    DISCONNECTING = "DISCONNECTING"
    CLOSED = "CLOSED"


_WAITING: Final = frozenset({ClientState.CHALLENGING, ClientState.CONNECTING, ClientState.DISCONNECTING})


class ClientProfile(msgspec.Struct, frozen=True, kw_only=True):
    """Who connects, and with what program. It holds no private key."""

    user: UserIdentity
    app: AppInfo
    join_token: str | None = None

    def __repr__(self) -> str:  # a token must not reach a log by way of a repr
        return f"ClientProfile(user={self.user!r}, app={self.app!r}, …)"


class ClientSession:
    """The states and deadlines of one connection.

    `now`, everywhere, is in seconds since the epoch, on a clock that does not step back. `LocalProtocolError` is
    raised for misuse, never for what the server sends.
    """

    def __init__(
        self,
        codec: Codec,
        nonce: bytes,
        expected_key: PublicKey | None = None,
        reply_timeout_s: float = 10.0,
    ) -> None:
        """Begin an open WebSocket.

        `nonce` is 16 to 128 fresh random bytes, which the server has to sign (`LocalProtocolError` for another
        size). With an `expected_key`, a server that shows another is refused before it is given anything.
        `reply_timeout_s` bounds the wait for each reply, in seconds.
        """
        if not MIN_CHALLENGE_BYTES <= len(nonce) <= MAX_CHALLENGE_BYTES:
            raise LocalProtocolError(f"the nonce has {len(nonce)} bytes; expected 16 to 128")
        self._codec = codec
        self._nonce = nonce
        self._expected_key = expected_key
        self._reply_timeout_s = reply_timeout_s
        self._state = ClientState.OPEN
        self._server_key: PublicKey | None = None
        self._question: Sign | Verify | None = None
        self._then: Callable[[Any], Effects] = lambda _: ()
        self._requested = ""
        self._conversation = -2
        self._asked_at = 0.0
        self._time = Timeline(0.0)

    @property
    def state(self) -> ClientState:
        """Where the connection stands."""
        return self._state

    @property
    def server_key(self) -> PublicKey | None:
        """The key that the server has proved to have; None before."""
        return self._server_key

    @property
    def question(self) -> Sign | Verify | None:
        """The question that waits for `answer`, if any."""
        return self._question

    @property
    def deadline(self) -> float | None:
        """When `handle_timeout` is to be called, if nothing else comes before; None for never."""
        return self._asked_at + self._reply_timeout_s if self._state in _WAITING else None

    def challenge(self, now: float) -> Effects:
        """Ask the server to prove its identity. Ends in `ServerVerified`, or in `ServerFailed` and `Close`."""
        self._begin("challenge", ClientState.OPEN, ClientState.CHALLENGING, now)
        return (self._request(ChallengeRequest(encode_base64(self._nonce))),)

    def connect(self, profile: ClientProfile, now: float) -> Effects:
        """Prove who the user is. Call it when `ServerVerified` has shown the right key for this host.

        Asks `Sign` first. Ends in `Connected` or `ConnectRefused`. Raises `LocalProtocolError` for a join token that
        cannot be sent.
        """
        _check_text("join token", profile.join_token, MAX_TOKEN_CHARS)
        self._begin("connect", ClientState.VERIFIED, ClientState.CONNECTING, now)
        if profile.user.pubkey == self._server_key:
            return self._fail("it shows the user's own key", CloseCode.POLICY, identity=True)
        return self._ask(Sign(bytes(self._server_key or b"")), partial(self._proof_signed, profile))

    def disconnect(self, reason: str | None, now: float) -> Effects:
        """Leave, with a `reason` of at most 512 characters, or none. Ends in `Disconnected`.

        Raises `LocalProtocolError` for a reason that cannot be sent: the server would keep the user connected.
        """
        _check_text("reason", reason, MAX_SENTENCE_CHARS)
        self._begin("disconnect", ClientState.CONNECTED, ClientState.DISCONNECTING, now)
        return (self._request(DisconnectRequest(reason)),)

    def receive(self, payload: str | bytes, now: float) -> Effects:
        """Take one whole WebSocket message from the server. Nothing in it raises.

        Raises `LocalProtocolError` while a question is open.
        """
        self._time.advance(now)
        if self._state is ClientState.CLOSED:
            return ()
        if self._question is not None:
            raise LocalProtocolError(f"received a message while {type(self._question).__name__} waits for its answer")
        if not isinstance(payload, self._codec.payload_type):
            return self._fail("a message of the wrong kind (text or binary)", CloseCode.WRONG_KIND)
        try:
            envelope = self._codec.decode(payload)
        except DecodeError as error:
            return self._fail(f"a message that is no valid envelope: {error}", CloseCode.NOT_DECODABLE)
        if not isinstance(envelope, Reply):
            return ()  # nothing that a server sends of itself has a meaning yet
        if self._state not in _WAITING or (envelope.name, envelope.conversation) != (
            self._requested,
            self._conversation,
        ):
            return self._fail("a reply to nothing that was asked", CloseCode.POLICY)
        return self._take_reply(envelope)

    def answer(self, result: bytes | bool, now: float) -> Effects:
        """Take the answer to the open question: bytes to `Sign`, a bool to `Verify`.

        Raises `LocalProtocolError` when no question is open, or the answer is of another kind.
        """
        self._time.advance(now)
        match self._question, result:
            case (Verify(), bool()) | (Sign(), bytes()):
                self._question = None
                return () if self._state is ClientState.CLOSED else self._then(result)
            case None, _:
                raise LocalProtocolError("answered, but no question is open")
            case _:
                raise LocalProtocolError(f"{type(result).__name__} is no answer to {type(self._question).__name__}")

    def handle_timeout(self, now: float) -> Effects:
        """Act on a deadline that has passed. Called too early or too late, it gives nothing."""
        self._time.advance(now)
        if self.deadline is None or now < self.deadline:
            return ()
        self._state = ClientState.CLOSED
        return TimedOut(self._requested), Close(CloseCode.POLICY, "the server did not answer in time")

    def connection_lost(self, now: float) -> Effects:
        """Take note that the server is gone, whichever way."""
        self._time.advance(now)
        self._state = ClientState.CLOSED
        return ()

    def _take_reply(self, reply: Reply) -> Effects:
        match reply.data:
            case ChallengeReply() as data:
                return self._check_server(data)
            case ConnectReply() as data:
                return self._check_welcome(data)
            case RefusalReply() as data if self._state is ClientState.CONNECTING:
                self._state = ClientState.VERIFIED
                reason = data.disallowed_user_reason or data.disallowed_client_reason
                return (ConnectRefused(reply.status, reason),)
            case RefusalReply() if self._state is ClientState.CHALLENGING:
                return self._fail(f"it answered the challenge with {reply.status}", CloseCode.POLICY, identity=True)
            case RefusalReply() if reply.status != Status.NOT_CONNECTED:
                return self._fail(f"it answered the disconnect with {reply.status}", CloseCode.POLICY)
            case _:  # the answer to `disconnect`; `not_connected` means that nobody is connected as well
                self._state = ClientState.VERIFIED
                return (Disconnected(),)

    def _check_server(self, data: ChallengeReply) -> Effects:
        signature = decode_base64(data.challenge_response)
        if self._expected_key is not None and data.pubkey != self._expected_key:
            return self._fail("it has another key than the expected one", CloseCode.POLICY, identity=True)
        if signature is None:
            return self._fail("its signature is not strict base64", CloseCode.POLICY, identity=True)
        return self._ask(Verify(data.pubkey, self._nonce, signature), partial(self._server_checked, data.pubkey))

    def _server_checked(self, key: PublicKey, verified: bool) -> Effects:
        if not verified:
            return self._fail("its signature does not verify", CloseCode.POLICY, identity=True)
        self._state, self._server_key = ClientState.VERIFIED, key
        return (ServerVerified(key),)

    def _proof_signed(self, profile: ClientProfile, proof: bytes) -> Effects:
        data = ConnectRequest(
            client_app=profile.app,
            user=profile.user,
            challenge=encode_base64(proof),
            join_token=profile.join_token,
        )
        return (self._request(data),)

    def _check_welcome(self, data: ConnectReply) -> Effects:
        if data.server_identity.pubkey != self._server_key:
            return self._fail("it names another key than the one it proved", CloseCode.POLICY, identity=True)
        self._state = ClientState.CONNECTED
        return (Connected(data),)

    def _begin(self, name: str, needed: ClientState, then: ClientState, now: float) -> None:
        self._time.advance(now)
        if self._state is not needed:
            raise LocalProtocolError(f"{name} is for the state {needed.value}, and this is {self._state.value}")
        self._state, self._requested, self._asked_at = then, name, now
        self._conversation += 2

    def _ask(self, question: Sign | Verify, then: Callable[[Any], Effects]) -> Effects:
        self._question, self._then = question, then
        return (question,)

    def _request(self, data: RequestData) -> Send:
        request = Request(self._time.stamp(), self._requested, self._conversation, data)
        return Send(self._codec.encode(request), self._requested)

    def _fail(self, problem: str, code: CloseCode, *, identity: bool = False) -> Effects:
        self._state = ClientState.CLOSED
        return ServerFailed(problem, identity), Close(code, "the server could not prove itself or broke the protocol")


def _check_text(what: str, text: str | None, max_chars: int) -> None:
    if text is not None and len(text) > max_chars:
        raise LocalProtocolError(f"the {what} has {len(text)} characters; expected at most {max_chars}")
    if text is not None and any("\ud800" <= char <= "\udfff" for char in text):
        raise LocalProtocolError(f"the {what} has a lone surrogate, which cannot be sent")
