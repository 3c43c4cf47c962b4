"""What the tests of the core want beside `ric0_trio.testing`: limits by their names, a clock that is set, bad keys."""

from functools import cache
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from ric0_trio import testing
from ric0_trio.protocol import (
    Codec,
    PrivateKey,
    PublicKey,
    ServerProfile,
    ServerSession,
    SessionLimits,
    State,
    available_codecs,
)
from ric0_trio.testing import ADMITTED, SERVER_KEY, USER_KEY, WAY_TO, Decision, Plain, rsa_key

CODECS = {codec.subprotocol: codec for codec in available_codecs()}
LIVE_STATES = tuple(WAY_TO)
RSA_FORMAT = "rsa-sha256-oaepsha256-pkcs1"
ED25519_PREFIX = bytes.fromhex("302a300506032b6570032100")


def pem_of(key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@cache
def rsa_secret(bits: int = 2048, exponent: int = 65537) -> rsa.RSAPrivateKey:
    """By default, what is in `rsa_key`."""
    if (bits, exponent) != (2048, 65537):
        return rsa.generate_private_key(exponent, bits)
    loaded = serialization.load_pem_private_key(rsa_key().to_pem(), None)
    assert isinstance(loaded, rsa.RSAPrivateKey)
    return loaded


def without(plain: Plain, *keys: str) -> Plain:
    return {key: value for key, value in plain.items() if key not in keys}


def server(codec: Codec, profile: ServerProfile | None = None, **limits: Any) -> ServerSession:
    return server_in(State.OPEN, codec, profile, **limits)


def server_in(state: State, codec: Codec, profile: ServerProfile | None = None, **limits: Any) -> ServerSession:
    return testing.server_in(state, codec, profile, SessionLimits(**limits))


def answer_to(question: Any, verdict: Decision = ADMITTED, key: PrivateKey = SERVER_KEY) -> Any:
    return testing.answer_to(question, verdict, key)


class Pair(testing.Pair):
    """One whose limits are given by their names, and whose time can be set."""

    def __init__(
        self,
        codec: Codec,
        *,
        server_key: PrivateKey = SERVER_KEY,
        user_key: PrivateKey = USER_KEY,
        join_token: str | None = None,
        expected_key: PublicKey | None = None,
        verdict: Decision = ADMITTED,
        **limits: Any,
    ) -> None:
        super().__init__(
            codec,
            server_key=server_key,
            user_key=user_key,
            join_token=join_token,
            expected_key=expected_key,
            verdict=verdict,
            limits=SessionLimits(**limits),
        )

    @property
    def now(self) -> float:
        return self.clock.now()

    @now.setter
    def now(self, moment: float) -> None:
        self.clock.advance_to(moment)
