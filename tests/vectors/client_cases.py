"""What a client does with what a server sends: what it has to refuse before it proves anything, and what after."""

from dataclasses import dataclass, field
from typing import Any

from tests.vectors import ed25519
from tests.vectors.cases import ED25519, Vector, as_received, b64, with_trailing_bits
from tests.vectors.conversation_cases import (
    AGREED,
    CLIENT_APP,
    ED25519_SERVER,
    ED25519_USER,
    NONCE,
    RSA_SERVER,
    URL,
    Key,
    public,
)

ABOUT = (
    "What a client does with what a server sends, step by step, on one connection. Before the first step the client "
    "has sent `challenge` with `nonce`, in conversation 0. `does`: `connect`, it sends that with `proof`, in "
    "conversation 2; `disconnect`, it is connected, and sends that, in conversation 4; `refused`, it is not let in; "
    "`done`, it has left; `ignore`, nothing; `close`, it closes with the code `close`. `expected_key`, where it is "
    "there, is the only key that the client was told to accept."
)
USER = {"name": "Ada", "type": "user", "pubkey": public(ED25519_USER), "home_server": public(ED25519_SERVER)}
SETTING = {"client": {"private_key": ED25519_USER.pem, "user": USER, "app": CLIENT_APP}, "nonce": b64(NONCE)}

TIME = "2026-01-02T03:04:05.000000Z"
POLICY, NOT_DECODABLE, WRONG_KIND = 1008, 1007, 1003
REFUSALS = (
    "invalid_message",
    "unknown_error",
    "invalid_challenge",
    "already_connected",
    "disallowed_client",
    "disallowed_user",
    "unrecognised_user",
    "join_token_required",
    "invalid_join_token",
    "a_status_that_nobody_knows",
)


def vectors() -> list[Vector]:
    return [
        vector
        for encoding in ("json", "bson")
        for make in (_proved, _unproved, _keys, _answers, _beside, _connected, _left)
        for vector in make(encoding)
    ]


def reply(name: str, conversation: int, status: str, data: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "time": TIME,
        "type": "reply",
        "name": name,
        "conversation": conversation,
        "status": status,
        "data": data,
    } | changes


def answer(key: Key = ED25519_SERVER, **changes: Any) -> dict[str, Any]:
    """The data of a reply to `challenge`: a right one, but for the changes."""
    return {"pubkey": public(key), "challenge_response": b64(key.sign(NONCE))} | changes


def challenged(data: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return reply("challenge", 0, "success", data, **changes)


def welcome(key: Key = ED25519_SERVER) -> dict[str, Any]:
    identity = {"pubkey": public(key), "url": URL, "name": "Example"}
    return reply("connect", 2, "success", {"server_app": AGREED, "server_identity": identity})


@dataclass
class _Script:
    encoding: str
    expected_key: dict[str, str] | None = None
    steps: list[dict[str, Any]] = field(default_factory=list)

    def vector(self, shows: str) -> Vector:
        told = {} if self.expected_key is None else {"expected_key": self.expected_key}
        return {"shows": shows, "encoding": self.encoding, "steps": self.steps} | told

    def prove(self, envelope: dict[str, Any], key: Key = ED25519_SERVER) -> "_Script":
        """The server has proved itself: the client proves the user to it."""
        return self._receive(envelope, does="connect", proof=b64(ED25519_USER.sign(key.public_bytes)))

    def go_on(self, envelope: dict[str, Any], does: str) -> "_Script":
        return self._receive(envelope, does=does)

    def fail(self, envelope: dict[str, Any], code: int = POLICY) -> "_Script":
        return self._receive(envelope, does="close", close=code)

    def fail_at(self, received: dict[str, str], code: int) -> "_Script":
        self.steps.append({"receive": received, "does": "close", "close": code})
        return self

    def _receive(self, envelope: dict[str, Any], **outcome: Any) -> "_Script":
        self.steps.append({"receive": as_received(self.encoding, envelope)} | outcome)
        return self


def _proved(encoding: str) -> list[Vector]:
    right = challenged(answer())
    past, future = (challenged(answer(), time=f"{year}-01-01T00:00:00Z") for year in (1970, 2999))
    more = right | {"x": [1], "data": answer() | {"x": None, "pubkey": public(ED25519_SERVER) | {"x": 1}}}
    return [
        _Script(encoding).prove(right).vector("A server with an Ed25519 key proves itself."),
        _Script(encoding)
        .prove(challenged(answer(RSA_SERVER)), RSA_SERVER)
        .vector("A server with an RSA key proves itself."),
        _Script(encoding, public(ED25519_SERVER)).prove(right).vector("A server with the very key that was expected."),
        _Script(encoding).prove(past).vector("A server whose clock is in the past."),
        _Script(encoding).prove(future).vector("A server whose clock is in the future."),
        _Script(encoding).prove(more).vector("Unknown keys in the answer are ignored."),
    ]


def _unproved(encoding: str) -> list[Vector]:
    """Signatures that show nothing: the client closes, and has not sent its proof."""
    key, right = ED25519_SERVER, answer()["challenge_response"]
    wrong = {
        "A signature over another nonce.": b64(key.sign(bytes(32))),
        "A signature over the base64 of the nonce.": b64(key.sign(b64(NONCE).encode())),
        "A signature over the nonce itself, not its SHA-512.": b64(key.sign_unhashed(NONCE)),
        "A signature over the server's own key.": b64(key.sign(key.public_bytes)),
        "A signature by another key.": b64(ed25519.Key("a").sign(NONCE)),
        "A signature of another format.": b64(RSA_SERVER.sign(NONCE)),
        "S + L for S in the signature.": b64(ed25519.add_order(key.sign(NONCE))),
        "No signature.": "",
        "A signature in base64 with a line break.": right + "\n",
        "A signature in base64 with unused bits set.": with_trailing_bits(right),
        "A signature without its padding.": right.rstrip("="),
        "The nonce for a signature.": b64(NONCE),
    }
    return [
        _Script(encoding).fail(challenged(answer(challenge_response=text))).vector(shows)
        for shows, text in wrong.items()
    ]


def _keys(encoding: str) -> list[Vector]:
    """Keys that a client must not accept, whatever is signed with them."""
    zero = {"key": b64(ed25519.PREFIX + ed25519.IDENTITY), "format": ED25519}
    forged = {"pubkey": zero, "challenge_response": b64(ed25519.IDENTITY + bytes(32))}
    key = public(ED25519_SERVER)
    unknown = challenged(answer(pubkey=key | {"format": "x25519-future"}))
    return [
        _Script(encoding)
        .fail(challenged(forged))
        .vector("A key of small order, with a signature that anyone can make."),
        _Script(encoding).fail(unknown).vector("A key of a format that nobody knows."),
        _Script(encoding).fail(challenged(answer(ED25519_USER))).vector("The user's own key as the server's."),
        _Script(encoding, public(RSA_SERVER))
        .fail(challenged(answer()))
        .vector("Another key than the expected one, with a right signature."),
        *(
            _Script(encoding).fail(challenged(answer(pubkey=spelled)), NOT_DECODABLE).vector(shows)
            for shows, spelled in {
                "The key in a second spelling: unused bits.": key | {"key": with_trailing_bits(key["key"])},
                "The key in a second spelling: a line break.": key | {"key": key["key"] + "\n"},
                "The key without its DER.": key | {"key": b64(ED25519_SERVER.point)},
                "No key.": {},
            }.items()
        ),
    ]


def _answers(encoding: str) -> list[Vector]:
    """Replies that are none to what was asked, or no success."""
    right = challenged(answer())
    return [
        *(
            _Script(encoding)
            .fail(reply("challenge", 0, status, {}))
            .vector(f"The challenge is answered with {status}.")
            for status in ("invalid_challenge", "invalid_message", "unknown_error", "a_status_that_nobody_knows")
        ),
        _Script(encoding).fail(right | {"conversation": 2}).vector("A right answer in another conversation."),
        _Script(encoding).fail(right | {"conversation": 1}).vector("A right answer in a conversation of the server's."),
        _Script(encoding).fail(right | {"name": "note"}).vector("A right answer under another name."),
        _Script(encoding).fail(welcome()).vector("The reply to a `connect` that was not sent."),
        _Script(encoding).prove(right).fail(right).vector("The right answer twice."),
        _Script(encoding).fail(challenged({}), NOT_DECODABLE).vector("Success without data."),
    ]


def _beside(encoding: str) -> list[Vector]:
    """What a server sends of itself, and what is no envelope."""
    note = {"time": TIME, "type": "message", "name": "note", "data": {"x": 1}}
    request = note | {"type": "request", "name": "no_such_request", "conversation": 1}
    right, good = challenged(answer()), {"text": "{}"} if encoding == "bson" else {"binary": b64(b"{}")}
    nonsense = {"binary": b64(b"nonsense")} if encoding == "bson" else {"text": "nonsense"}
    return [
        _Script(encoding).go_on(note, "ignore").prove(right).vector("A message that the client does not know, first."),
        _Script(encoding).go_on(request, "ignore").prove(right).vector("A request of the server's, first."),
        _Script(encoding).fail_at(good, WRONG_KIND).vector("Text where binary is due, or the reverse."),
        _Script(encoding).fail_at(nonsense, NOT_DECODABLE).vector("Nonsense."),
        _Script(encoding).fail(right | {"time": "now"}, NOT_DECODABLE).vector("A reply without a right time."),
        _Script(encoding).fail(right | {"conversation": -2}, NOT_DECODABLE).vector("A reply with a negative id."),
    ]


def _connected(encoding: str) -> list[Vector]:
    right = challenged(answer())
    return [
        _Script(encoding).prove(right).go_on(welcome(), "disconnect").vector("The user is let in."),
        _Script(encoding)
        .prove(right)
        .fail(welcome(RSA_SERVER))
        .vector("`server_identity` has another key than the one that was proved."),
        _Script(encoding)
        .prove(right)
        .fail(reply("connect", 2, "success", {}), NOT_DECODABLE)
        .vector("The user is let in, without data."),
        _Script(encoding).prove(right).fail(welcome() | {"conversation": 0}).vector("An old conversation."),
        *(
            _Script(encoding)
            .prove(right)
            .go_on(reply("connect", 2, status, {}), "refused")
            .vector(f"The user is not let in: {status}.")
            for status in REFUSALS
        ),
    ]


def _left(encoding: str) -> list[Vector]:
    def connected() -> _Script:
        return _Script(encoding).prove(challenged(answer())).go_on(welcome(), "disconnect")

    return [
        connected().go_on(reply("disconnect", 4, "success", {}), "done").vector("The user has left."),
        connected()
        .go_on(reply("disconnect", 4, "not_connected", {}), "done")
        .vector("The user has left, and the server says that nobody was there."),
        connected().fail(reply("disconnect", 6, "success", {})).vector("A reply to another `disconnect`."),
    ]
