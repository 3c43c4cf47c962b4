"""What the floors answer: replies of a real session, made before, so that the load's checks pass."""

from datetime import UTC, datetime

from benchmarks.bench_core import NONCE, NOW, USER_KEY
from benchmarks.peers.site import Site
from benchmarks.peers.talk import Talk
from ric0_trio.client import OWN_APP
from ric0_trio.protocol import (
    ChallengeRequest,
    ConnectRequest,
    DisconnectRequest,
    Request,
    Send,
    Sign,
    UserIdentity,
)
from ric0_trio.protocol.keys import encode_base64

Payload = str | bytes


class Canned:
    """Replies by what a client asks for. What is not always the same, a real session answers, once."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._others: dict[Payload, Payload] = {}
        self.proof = USER_KEY.sign(bytes(site.key.public))
        """What a user proves themselves with here."""
        user = UserIdentity(name="Ann Example", type="user", pubkey=USER_KEY.public, home_server=site.key.public)
        connect = ConnectRequest(client_app=OWN_APP, user=user, challenge=encode_base64(self.proof))
        talk = Talk(site, site.codec.subprotocol)
        at = datetime.fromtimestamp(NOW, UTC)

        def ask(*request: object) -> Payload:
            return _only_reply(talk, site.codec.encode(Request(at, *request)))  # type: ignore[arg-type]

        self._challenge = site.codec.encode(Request(at, "challenge", 0, ChallengeRequest(encode_base64(NONCE))))
        _only_reply(talk, self._challenge)
        self._welcome, self._again = ask("connect", 2, connect), ask("connect", 2, connect)
        self._goodbye = ask("disconnect", 4, DisconnectRequest())

    def answer(self, request: Payload, *, is_connected: bool) -> tuple[Payload, bool]:
        """Give the reply, and whether the client is a connected user from then on."""
        marks = _TEXT_MARKS if isinstance(request, str) else _BINARY_MARKS
        if marks[0] in request:  # type: ignore[operator]
            return (self._again if is_connected else self._welcome), True
        if is_connected and marks[1] in request:  # type: ignore[operator]
            return self._goodbye, False
        reply = self._others.get(request)
        if reply is None:
            talk = Talk(self._site, self._site.codec.subprotocol)
            _only_reply(talk, self._challenge)
            reply = self._others[request] = _only_reply(talk, request)
        return reply, is_connected


_TEXT_MARKS = ("client_app", "disconnect")
_BINARY_MARKS = (b"client_app", b"disconnect")


def _only_reply(talk: Talk, request: Payload) -> Payload:
    (sent,) = talk.receive(request)
    if isinstance(sent, Sign):
        (sent,) = talk.signed(talk.sign(sent))
    if not isinstance(sent, Send):
        raise TypeError(f"the session did not answer, but: {sent!r}")
    return sent.payload
