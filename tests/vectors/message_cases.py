"""Every message of the protocol with the fewest and the most keys, and the data that a request may not have."""

from typing import Any

from tests.vectors import ed25519, rsa
from tests.vectors.cases import ED25519, RSA, b64
from tests.vectors.envelopes import MISSING, REPLY, REQUEST, Case, bad_request, valid

_SERVER_BYTES = ed25519.Key("server").public_bytes
SERVER_KEY = {"key": b64(_SERVER_BYTES), "format": ED25519}
_UNKNOWN = {"key": b64(b"any bytes"), "format": "x25519-future"}
RSA_KEY = {"key": b64(rsa.Key("2048").public_bytes), "format": RSA}
USER_KEY = {"key": b64(ed25519.Key("a").public_bytes), "format": ED25519}
PROOF = b64(ed25519.Key("a").sign(ed25519.Key("server").public_bytes))
RSA_PROOF = b64(rsa.Key("2048").sign(ed25519.Key("server").public_bytes))
NONCE = b64(bytes(range(32)))
ANSWER = b64(ed25519.Key("server").sign(bytes(range(32))))

VERSION = {"type": "release", "major": 1, "minor": 2}
FULL_VERSION = {"type": "alpha", "major": 3, "minor": 0, "patch": 4, "vcs_id": "0a1b2c3", "display": "3.0.4 (alpha)"}
APP = {"name": "client", "version": VERSION, "capabilities": [], "extensions": {}}
FULL_APP = {
    "name": "client",
    "description": "a client",
    "version": FULL_VERSION,
    "capabilities": ["text", "voice"],
    "extensions": {"one": [1], "none": [], "more": [1, 2, 3]},
}
USER = {"name": "Ada", "type": "user", "pubkey": USER_KEY, "home_server": SERVER_KEY}
FULL_USER = {
    "name": "Ada Lovelace",
    "type": "bot",
    "pubkey": RSA_KEY,
    "home_server": SERVER_KEY,
    "home_server_url": "wss://chat.example/ric0_chat",
}
CONNECT = {"client_app": APP, "user": USER, "challenge": PROOF}
FULL_CONNECT = {"client_app": FULL_APP, "user": FULL_USER, "challenge": RSA_PROOF, "join_token": "a-token"}
IDENTITY = {"pubkey": SERVER_KEY, "url": "wss://chat.example/ric0_chat", "name": "Example"}
FULL_IDENTITY = IDENTITY | {"pubkey": RSA_KEY, "description": "an example"}


def patched(value: Any) -> Any:
    """The data as it is understood: an absent `patch` is 0."""
    if not isinstance(value, dict):
        return value
    inner = {key: patched(item) for key, item in value.items()}
    return {"patch": 0} | inner if {"major", "minor"} <= inner.keys() else inner


def cases() -> list[Case]:
    return [*_requests(), *_replies(), *_nulls(), *_wrong_data()]


def request(shows: str, name: str, data: dict[str, Any]) -> Case:
    envelope = REQUEST.but(name=name, data=data)
    return Case(shows, envelope, valid(envelope, data=patched(data)))


def _requests() -> list[Case]:
    return [
        request("A `challenge` request.", "challenge", {"challenge": NONCE}),
        request("A `challenge` request that will be refused is well-formed.", "challenge", {"challenge": "not base64"}),
        request("A `challenge` request with no text in it is well-formed too.", "challenge", {"challenge": ""}),
        request("A `challenge` request with 16,384 characters, the most.", "challenge", {"challenge": "a" * 16_384}),
        request("A `connect` request with the fewest keys.", "connect", CONNECT),
        request("A `connect` request with all keys, and an RSA key.", "connect", FULL_CONNECT),
        request(
            "A `connect` request whose home server's key is of a format that nobody knows.",
            "connect",
            CONNECT | {"user": USER | {"home_server": _UNKNOWN}},
        ),
        *(
            request(f"A `connect` request by a {kind}.", "connect", CONNECT | {"user": USER | {"type": kind}})
            for kind in ("user", "bot", "log_relay")
        ),
        *(
            request(
                f"A `connect` request by a {kind} of a client.",
                "connect",
                CONNECT | {"client_app": APP | {"version": VERSION | {"type": kind}}},
            )
            for kind in ("release", "beta", "alpha", "dev")
        ),
        request("A `disconnect` request without a reason.", "disconnect", {}),
        request("A `disconnect` request with a reason.", "disconnect", {"reason": "Good night."}),
        request("A reason of 512 characters, the most.", "disconnect", {"reason": "a" * 512}),
        request(
            "Characters are code points: 512 beyond the basic plane.", "disconnect", {"reason": "\U0001f319" * 512}
        ),
    ]


def _replies() -> list[Case]:
    app = FULL_APP | {"extensions": {"more": [3], "one": [1]}}
    welcome = {"server_app": APP, "server_identity": IDENTITY}
    full_welcome = {"server_app": app, "server_identity": FULL_IDENTITY}
    answered = {"pubkey": SERVER_KEY, "challenge_response": ANSWER}
    found: list[tuple[str, str, dict[str, Any]]] = [
        ("challenge", "success", answered),
        ("challenge", "invalid_challenge", {}),
        ("connect", "success", welcome),
        ("connect", "already_connected", {}),
        ("connect", "invalid_challenge", {}),
        ("connect", "disallowed_user", {}),
        ("connect", "disallowed_user", {"disallowed_user_reason": "No robots."}),
        ("connect", "disallowed_client", {}),
        ("connect", "disallowed_client", {"disallowed_client_reason": "Too old."}),
        ("connect", "unrecognised_user", {}),
        ("connect", "join_token_required", {}),
        ("connect", "invalid_join_token", {}),
        ("disconnect", "success", {}),
        ("disconnect", "not_connected", {}),
        *((name, status, {}) for name in ("challenge", "connect", "disconnect") for status in _COMMON),
    ]
    everything = REPLY.but(name="connect", data=full_welcome)
    made = [
        Case("A reply to `connect`: success, with all keys.", everything, valid(everything, data=patched(full_welcome)))
    ]
    for name, status, data in found:
        envelope = REPLY.but(name=name, status=status, data=data)
        size = "with data" if data else "without data"
        made.append(Case(f"A reply to `{name}`: {status}, {size}.", envelope, valid(envelope, data=patched(data))))
    return made


_COMMON = ("invalid_message", "unknown_error")


def _nulls() -> list[Case]:
    """A null stands for an absent optional key, at every depth, and every unknown key is ignored."""
    version: dict[str, Any] = VERSION | {"patch": None, "vcs_id": None, "display": None}
    app = APP | {"version": version, "description": None}
    data = {"client_app": app, "user": USER | {"home_server_url": None}, "challenge": PROOF, "join_token": None}
    extra: dict[str, Any] = {"x_text": "x", "x_null": None, "x_list": [1, {"x": []}], "x_object": {"type": 5}}
    extended = {
        "client_app": APP | {"version": VERSION | extra} | extra,
        "user": USER | {"pubkey": USER_KEY | extra} | extra,
        "challenge": PROOF,
    } | extra
    plain = patched(CONNECT)
    no_reason = REQUEST.but(data={"reason": None})
    envelopes = {
        "Null for each optional key of a `connect`.": REQUEST.but(name="connect", data=data),
        "Unknown keys at every depth of a `connect`.": REQUEST.but(name="connect", data=extended, **extra),
    }
    return [
        Case("Null for a `disconnect`'s reason.", no_reason, valid(no_reason, data={})),
        *(Case(shows, envelope, valid(envelope, data=plain)) for shows, envelope in envelopes.items()),
    ]


def _wrong_data() -> list[Case]:
    """Requests that decode, and whose data do not fit: each differs from a right one in one thing."""
    changes: list[tuple[str, tuple[str, ...], Any]] = [
        *((f"without `{key}`", (key,), MISSING) for key in CONNECT),
        *((f"with null for `{key}`", (key,), None) for key in CONNECT),
        *((f"without the app's `{key}`", ("client_app", key), MISSING) for key in APP),
        *((f"with null for the app's `{key}`", ("client_app", key), None) for key in APP),
        *((f"without the user's `{key}`", ("user", key), MISSING) for key in USER),
        *((f"without the version's `{key}`", ("client_app", "version", key), MISSING) for key in VERSION),
        *((f"without the key's `{key}`", ("user", "pubkey", key), MISSING) for key in USER_KEY),
        ("whose user is of no known type", ("user", "type"), "admin"),
        ("whose user is of a type in capitals", ("user", "type"), "USER"),
        ("whose user's name is a number", ("user", "name"), 5),
        ("whose key is text", ("user", "pubkey"), USER_KEY["key"]),
        *((f"without the home server's `{key}`", ("user", "home_server", key), MISSING) for key in SERVER_KEY),
        ("whose home server is text", ("user", "home_server"), SERVER_KEY["key"]),
        ("whose home server's key is no base64", ("user", "home_server", "key"), "no base64"),
        ("whose home server's key is spelled in another way", ("user", "home_server", "key"), SERVER_KEY["key"] + "\n"),
        ("whose home server's key is a byte short", ("user", "home_server", "key"), b64(_SERVER_BYTES[:-1])),
        ("whose home server has an unknown format and no base64", ("user", "home_server"), _UNKNOWN | {"key": "-"}),
        ("whose home server's URL is a list", ("user", "home_server_url"), []),
        ("whose version is of no known type", ("client_app", "version", "type"), "stable"),
        ("whose version is text", ("client_app", "version"), "1.2"),
        ("whose major version is a float", ("client_app", "version", "major"), 1.5),
        ("whose major version is true", ("client_app", "version", "major"), True),
        ("whose major version is text", ("client_app", "version", "major"), "1"),
        ("whose patch is text", ("client_app", "version", "patch"), "0"),
        ("whose capabilities are an object", ("client_app", "capabilities"), {}),
        ("whose capabilities are numbers", ("client_app", "capabilities"), [1]),
        ("with null among the capabilities", ("client_app", "capabilities"), ["text", None]),
        ("whose extensions are a list", ("client_app", "extensions"), []),
        ("whose extension has a version alone, not a list", ("client_app", "extensions"), {"one": 1}),
        ("whose extension's version is text", ("client_app", "extensions"), {"one": ["1"]}),
        ("whose extension's version is a float", ("client_app", "extensions"), {"one": [1.5]}),
        ("whose extension is null", ("client_app", "extensions"), {"one": None}),
        ("whose challenge is a list", ("challenge",), [PROOF]),
        ("whose join token is a number", ("join_token",), 5),
    ]
    others: list[tuple[str, str, Any]] = [
        ("A `challenge` request without its challenge.", "challenge", {}),
        ("A `challenge` request with null for its challenge.", "challenge", {"challenge": None}),
        ("A `challenge` request with a number for its challenge.", "challenge", {"challenge": 5}),
        ("A `challenge` request with 16,385 characters, one too many.", "challenge", {"challenge": "a" * 16_385}),
        ("A `disconnect` request with a number for its reason.", "disconnect", {"reason": 5}),
        ("A `disconnect` request with an object for its reason.", "disconnect", {"reason": {}}),
        ("A reason of 513 characters, one too many.", "disconnect", {"reason": "a" * 513}),
    ]
    return [
        *(bad(f"A `connect` request {shows}.", "connect", changed(CONNECT, path, to)) for shows, path, to in changes),
        *(bad(shows, name, data) for shows, name, data in others),
    ]


def bad(shows: str, name: str, data: dict[str, Any]) -> Case:
    return Case(shows, REQUEST.but(name=name, data=data), bad_request(name))


def changed(data: dict[str, Any], path: tuple[str, ...], to: Any) -> dict[str, Any]:
    key, *rest = path
    patch = {key: changed(data[key], tuple(rest), to) if rest else to}
    return {name: value for name, value in (data | patch).items() if value is not MISSING}
