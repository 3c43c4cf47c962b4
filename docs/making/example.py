"""The worked example of docs/protocol.md: a whole conversation of the two sessions of the core."""

from collections.abc import Callable
from functools import partial
from hashlib import sha512
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from docs.making.markdown import table
from ric0_trio.protocol import (
    Admit,
    Admitted,
    AppInfo,
    BsonCodec,
    ClientProfile,
    ClientSession,
    Codec,
    Effect,
    JsonCodec,
    PrivateKey,
    Send,
    ServerInfo,
    ServerProfile,
    ServerSession,
    SessionLimits,
    Sign,
    SoftwareVersion,
    UserIdentity,
    Verify,
)
from ric0_trio.protocol.states import REQUESTS

SERVER_SEED: Final = bytes(range(0x20))
USER_SEED: Final = bytes(range(0x20, 0x40))
NONCE: Final = bytes(range(0x40, 0x60))
_BEGIN: Final = 1767323045.0  # 2026-01-02T03:04:05Z
_CLIENT_DELAY_S: Final = 0.5
_SERVER_DELAY_S: Final = 0.25


def _key_of_seed(seed: bytes) -> PrivateKey:
    raw = Ed25519PrivateKey.from_private_bytes(seed)
    return PrivateKey.from_pem(raw.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


class Example:
    """A whole conversation between the two sessions of the core, with keys, nonce and times that are fixed."""

    def __init__(self, codec: Codec) -> None:
        self.server_key = _key_of_seed(SERVER_SEED)
        self.user_key = _key_of_seed(USER_SEED)
        self.payloads: list[str | bytes] = []
        """What was sent, in order: a request and its reply, three times."""
        url = "wss://chat.example/ric0_chat"
        self._now = _BEGIN
        self._server = ServerSession(
            ServerProfile(
                app=AppInfo(
                    name="example-server",
                    version=SoftwareVersion("release", 1, 4, 2),
                    capabilities=["files", "history"],
                    extensions={"polls": [1], "reactions": [1, 2]},
                ),
                info=ServerInfo(pubkey=self.server_key.public, url=url, name="Example"),
            ),
            SessionLimits(),
            codec,
            self._now,
        )
        self._client = ClientSession(codec, NONCE)
        profile = ClientProfile(
            user=UserIdentity(
                name="Ada",
                type="user",
                pubkey=self.user_key.public,
                home_server=self.server_key.public,
                home_server_url=url,
            ),
            app=AppInfo(
                name="example-client",
                version=SoftwareVersion("beta", 0, 9),
                capabilities=["typing", "files"],
                extensions={"reactions": [3, 2, 1]},
            ),
        )
        self._exchange(self._client.challenge)
        self._exchange(partial(self._client.connect, profile))
        self._exchange(partial(self._client.disconnect, "good night"))

    def _exchange(self, begin: Callable[[float], tuple[Effect, ...]]) -> None:
        self._now += _CLIENT_DELAY_S
        request = self._carry_out(begin(self._now), self._client.answer, self.user_key)
        self._now += _SERVER_DELAY_S
        reply = self._carry_out(self._server.receive(request, self._now), self._server.answer, self.server_key)
        self.payloads += [request, reply]
        self._carry_out(self._client.receive(reply, self._now), self._client.answer, self.user_key)

    def _carry_out(
        self, effects: tuple[Effect, ...], answer: Callable[..., tuple[Effect, ...]], key: PrivateKey
    ) -> str | bytes:
        sent: str | bytes = b""
        for effect in effects:
            match effect:
                case Send(payload=payload):
                    sent = payload
                case Sign():
                    sent = self._carry_out(answer(effect.answer(key), self._now), answer, key)
                case Verify():
                    sent = self._carry_out(answer(effect.answer(), self._now), answer, key)
                case Admit():
                    sent = self._carry_out(answer(Admitted(), self._now), answer, key)
        return sent


def make_example_keys() -> str:
    """Give the example's keys, nonce and signatures, with the values on the way to them."""
    example = Example(JsonCodec())
    server, user = example.server_key, example.user_key
    server_bytes = bytes(server.public)
    values = {
        "server's seed": SERVER_SEED.hex(),
        "`bytes(server key)`": server_bytes.hex(),
        "server's `key`": server.public.key,
        "server's fingerprint": server.public.fingerprint,
        "user's seed": USER_SEED.hex(),
        "`bytes(user key)`": bytes(user.public).hex(),
        "user's `key`": user.public.key,
        "user's fingerprint": user.public.fingerprint,
        "nonce": NONCE.hex(),
        "SHA-512 of the nonce": sha512(NONCE).hexdigest(),
        "server's signature over the nonce": server.sign(NONCE).hex(),
        "SHA-512 of `bytes(server key)`": sha512(server_bytes).hexdigest(),
        "user's signature over `bytes(server key)`": user.sign(server_bytes).hex(),
    }
    return table(["what", "value"], ([what, f"`{value}`"] for what, value in values.items()))


def make_example_json() -> str:
    """Give the example's messages as JSON text."""
    titles = [f"`{name}` {kind}:" for name in REQUESTS for kind in ("request", "reply")]
    payloads = Example(JsonCodec()).payloads
    return "\n".join(f"{title}\n\n```json\n{text!s}\n```\n" for title, text in zip(titles, payloads, strict=True))


def make_example_bson() -> str:
    """Give the example's first message as BSON, in hexadecimal."""
    payload = Example(BsonCodec()).payloads[0]
    assert isinstance(payload, bytes)
    lines = (payload[start : start + 16] for start in range(0, len(payload), 16))
    dump = "".join(f"{16 * number:04x}  {line.hex(' '):47}  {_printable(line)}\n" for number, line in enumerate(lines))
    return f"```text\n{dump}```\n"


def _printable(line: bytes) -> str:
    return "".join(chr(byte) if 0x20 < byte < 0x7F else "." for byte in line)
