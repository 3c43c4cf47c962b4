"""Messages as an input spells them: a letter for a good one, and lines that change it.

`user.name=""` replaces or adds a value, `user.name` alone removes it, and keys on the way are made if need be. A value
is JSON, or else text. `*65` is a text of 65 characters, `#65` a list of 65 texts, and `^33` is 33 lists in each other.
"""

import json
import re
from typing import Any

import msgspec

from ric0_trio.testing import (
    CHALLENGE,
    CONNECT,
    DISCONNECT,
    NONCE,
    SERVER_APP,
    SERVER_KEY,
    START_TEXT,
    Plain,
    base64_of,
    request,
    server_profile,
)
from tests.protocol.pair import without
from tests.vectors.make_vectors import FOLDER

_RSA = next(
    vector
    for vector in json.loads((FOLDER / "keys.json").read_bytes())["vectors"]
    if vector["valid"] and vector["format"].startswith("rsa")
)
_MOST_CHARS = 70_000
_MOST_NESTED = 3000


def _plain(value: object) -> Plain:
    plain: Plain = msgspec.to_builtins(value)
    return plain


def _reply(name: str, data: object, status: str = "success") -> Plain:
    return _plain(request(name, data, 2, type="reply", status=status))


_RSA_USER = _plain(CONNECT)
_RSA_USER["data"]["user"]["pubkey"] = {key: _RSA[key] for key in ("key", "format")}

_GOOD: dict[str, Plain] = {
    "c": CHALLENGE,
    "k": _plain(CONNECT),
    "r": _RSA_USER,
    "d": DISCONNECT,
    "o": request("poll", {"x": [1, {"y": None}]}, 6),
    "m": {"time": START_TEXT, "type": "message", "name": "typing", "data": {}},
    "s": _reply("challenge", {"pubkey": SERVER_KEY.public, "challenge_response": base64_of(SERVER_KEY.sign(NONCE))}),
    "w": _reply("connect", {"server_app": SERVER_APP, "server_identity": server_profile().info}),
    "f": _reply("connect", {"disallowed_user_reason": "no"}, "disallowed_user"),
    "e": without(DISCONNECT, "data"),
}
# A challenge, connects with either key, a disconnect, another request, a message; replies; and one that is not so good.
_TEXTS = {letter: json.dumps(plain) for letter, plain in _GOOD.items()}
_LETTERS = "".join(_GOOD)

_WORDS = (
    "time= type= name= data= conversation= status= challenge connect disconnect request reply message success "
    "data.challenge= data.reason= data.join_token= data.user. data.client_app. data.x= data.user.name= data.user.type= "
    "data.user.home_server_url= data.user.pubkey. data.user.home_server. pubkey.key= pubkey.format= ed25519-sha512 "
    "rsa-sha256-oaepsha256-pkcs1 bot log_relay version.type= version.major= version.minor= version.patch= "
    "version.display= capabilities= extensions= extensions.x= description= beta release $ref $id "
    'null true false [] {} "" [null] -1 1.0 1e400 0 1 2147483648 4294967295 4294967296 9223372036854775808 '
    r'"\ud800" "\u0000" "\u200b" "\u0301\u0301\u0301" "A\u030a" '
    "*64 *65 *128 *129 *512 *513 *1025 *2049 *20000 #16 #17 #64 #65 ^29 ^30 ^31 ^32 ^33 ^2000 "
    "2026-01-02T03:04:05Z +01:00 -23:59 .678901 :59:60 0000- 0001-01-01 9999-12-31T23:59:59"
)
WORDS = tuple(_WORDS.split())
_CHANGES = (
    "conversation=1 conversation=-2 conversation conversation=4294967296 time= time=2026-01-02T03:04:05Z type=reply "
    "name= name=*65 name=x data data=[] data.x=^31 data.reason=*513 data.challenge=? data.challenge=*64 status= "
    "data.user.name=x data.user.type=bot data.user.pubkey.key=AAAA data.user.pubkey.format=x data.join_token=*257 "
    "data.client_app.version.major=-1 data.client_app.version.patch=null data.client_app.capabilities=#65"
)
CHANGES = tuple(_CHANGES.split())


def good(letter: str) -> Plain:
    """One of the good messages. Every character is a letter for one of them."""
    known = letter if letter in _TEXTS else _LETTERS[ord(letter or "c") % len(_LETTERS)]
    plain: Plain = json.loads(_TEXTS[known])
    return plain


def change(plain: Plain, line: str) -> None:
    """Make the change that `line` asks for."""
    path, wanted, text = line.partition("=")
    *way, last = path.split(".")
    place = plain
    for key in way:
        if not isinstance(place.get(key), dict):
            place[key] = {}
        place = place[key]
    if wanted:
        place[last] = _value(text)
    else:
        place.pop(last, None)


def _value(text: str) -> Any:
    if many := re.fullmatch(r"([*#^])([0-9]{1,5})", text):
        return _many(many[1], int(many[2]))
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _many(kind: str, count: int) -> object:
    if kind == "*":
        return "x" * min(count, _MOST_CHARS)
    if kind == "#":
        return [f"x{number}" for number in range(min(count, _MOST_NESTED))]
    nested: object = 1
    for _ in range(min(count, _MOST_NESTED)):
        nested = [nested]
    return nested
