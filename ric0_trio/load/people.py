"""Users: keys, proofs and what they send, all made before the time is taken."""

import hashlib
import os
from collections.abc import Generator
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ric0_trio.client import OWN_APP, Identity
from ric0_trio.load.plan import Plan
from ric0_trio.load.wire import CLOSE, Statuses, frame, upgrade_request
from ric0_trio.protocol import (
    DEFAULT_FORMAT,
    ChallengeRequest,
    ConnectRequest,
    DisconnectRequest,
    PrivateKey,
    PublicKey,
    Request,
)
from ric0_trio.protocol.keys import encode_base64
from ric0_trio.protocol.messages import RequestData

Script = Generator[bytes | None, bytes, None]
"""What one connection says: yields what is sent, and is given each reply. None parks it until it is let go on."""

_NOTHING = b""

_NONCE_BYTES = 32


def make_identity(plan: Plan, number: int) -> Identity:
    """The user of that number. One with an Ed25519 key is the same in each run with the same seed."""
    if plan.user_format != DEFAULT_FORMAT:
        return Identity(PrivateKey.generate(plan.user_format), f"load {number}")
    raw = hashlib.sha256(f"ric0-trio bench {plan.seed} {number}".encode()).digest()
    key = ed25519.Ed25519PrivateKey.from_private_bytes(raw)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Identity(PrivateKey.from_pem(pem), f"load {number}")


class Phrasebook:
    """What users say to one server, as frames. A user is here the frame of their `connect`."""

    def __init__(self, plan: Plan, server: PublicKey) -> None:
        self._plan = plan
        self._server = server
        self._statuses = Statuses(plan.encoding)
        self._upgrade = upgrade_request(plan.address, plan.encoding)
        # One nonce for all: the server has as much work with it as with a fresh one.
        self._challenge = self._request("challenge", 0, ChallengeRequest(encode_base64(os.urandom(_NONCE_BYTES))))
        self._disconnect = self._request("disconnect", 4, DisconnectRequest())

    def user(self, number: int) -> bytes:
        """The `connect` of the user of that number."""
        identity = make_identity(self._plan, number)
        data = ConnectRequest(
            client_app=OWN_APP,
            user=identity.on_wire(self._server),
            challenge=encode_base64(identity.key.sign(bytes(self._server))),
            join_token=self._plan.join_token,
        )
        return self._request("connect", 2, data)

    def enter(self, user: bytes) -> Script:
        """Open the WebSocket, and be let in."""
        success = self._statuses.success
        yield self._upgrade
        reply = yield self._challenge
        while success not in reply and not self._statuses.is_met(success, reply):
            reply = yield _NOTHING
        reply = yield user
        while success not in reply and not self._statuses.is_met(success, reply):
            reply = yield _NOTHING

    def ask(self, user: bytes) -> Script:
        """Ask again to be let in, and be told that the user is there: a message without a signature."""
        already = self._statuses.already_connected
        reply = yield user
        while already not in reply and not self._statuses.is_met(already, reply):
            reply = yield _NOTHING

    def leave(self) -> Script:
        """Say goodbye, and close."""
        success = self._statuses.success
        reply = yield self._disconnect
        while success not in reply and not self._statuses.is_met(success, reply):
            reply = yield _NOTHING
        yield CLOSE

    def _request(self, name: str, conversation: int, data: RequestData) -> bytes:
        return frame(self._plan.codec.encode(Request(datetime.now(UTC), name, conversation, data)))
