"""Messages for tests, as plain objects: good ones to begin with, to be changed as a test wants them.

They are encoded and decoded here without the codecs, so that a fault of a codec cannot hide behind itself.
"""

import base64
from typing import Any, Final

import msgspec

from ric0_trio.protocol import Codec, JsonCodec, PrivateKey, PublicKey
from ric0_trio.testing.keys import SERVER_KEY, USER_KEY
from ric0_trio.testing.people import CLIENT_APP, SERVER_APP, server_profile, user

Plain = dict[str, Any]
"""An object as it travels, before it is encoded."""

START_TEXT: Final = "2023-11-14T22:13:20Z"
"""`START`, as a message has it."""
NONCE: Final = bytes(range(32))
"""What the client has the server sign."""


def pack(codec: Codec, plain: object) -> str | bytes:
    """Encode any object as a payload of the codec's kind, valid as an envelope or not. BSON needs the extra `bson`."""
    if isinstance(codec, JsonCodec):
        return msgspec.json.encode(plain).decode()
    import bson  # an optional dependency: only a BsonCodec needs it

    return bson.encode(msgspec.to_builtins(plain))


def unpack(codec: Codec, payload: str | bytes) -> Plain:
    """Decode a payload of the codec's kind, valid as an envelope or not. What is no object in it raises."""
    if isinstance(codec, JsonCodec):
        return msgspec.json.decode(payload, type=Plain)
    import bson

    return bson.decode(payload)  # type: ignore[arg-type]  # text is refused there


def base64_of(raw: bytes) -> str:
    """The bytes in base64, as keys, challenges and signatures travel."""
    return base64.b64encode(raw).decode()


# What a client sends


def request(name: str, data: object, conversation: int = 0, **changes: object) -> Plain:
    """A request, with other keys of the envelope as `changes` have them."""
    plain = {"time": START_TEXT, "type": "request", "name": name, "conversation": conversation, "data": data}
    return {**plain, **changes}


def challenge_data(message: bytes = NONCE) -> Plain:
    """Data of a `challenge` request for a signature over `message`."""
    return {"challenge": base64_of(message)}


def connect_data(
    user_key: PrivateKey = USER_KEY, server_key: PublicKey = SERVER_KEY.public, **changes: object
) -> Plain:
    """Data of a `connect` request, with a good proof of `user_key` to the server of `server_key`."""
    proof = base64_of(user_key.sign(bytes(server_key)))
    plain: Plain = msgspec.to_builtins({"client_app": CLIENT_APP, "user": user(user_key.public), "challenge": proof})
    return {**plain, **changes}


# What a server sends


def reply(to: Plain, data: object, status: str = "success", **changes: object) -> Plain:
    """The reply to a request, with other keys of the envelope as `changes` have them."""
    plain = {"time": START_TEXT, "type": "reply", "name": to["name"], "conversation": to["conversation"]}
    return {**plain, "status": status, "data": data, **changes}


def challenge_reply_data(message: bytes = NONCE, key: PrivateKey = SERVER_KEY, shown: PublicKey | None = None) -> Plain:
    """Data of the reply to a good `challenge`: the signature of `key` over `message`. `shown` is another key."""
    plain: Plain = msgspec.to_builtins({"pubkey": shown or key.public})
    return {**plain, "challenge_response": base64_of(key.sign(message))}


def connect_reply_data(key: PublicKey = SERVER_KEY.public) -> Plain:
    """Data of the reply to a `connect` that lets the user in, from the server with this key."""
    plain: Plain = msgspec.to_builtins({"server_app": SERVER_APP, "server_identity": server_profile(key).info})
    return plain


CHALLENGE: Final = request("challenge", challenge_data())
"""What a client sends first. A test changes copies of these three."""
CONNECT: Final = request("connect", connect_data(), 2)
"""What it sends then, with a good proof."""
DISCONNECT: Final = request("disconnect", {}, 4)
"""What it leaves with."""
