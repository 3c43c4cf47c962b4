"""What embedders test with, and this project's own tests too (docs/testing.md): no event loop, no test runner.

`FakeStore`, for the Trio server, is in `ric0_trio.testing.store`: it alone needs Trio.
"""

from ric0_trio.testing.answers import ADMITTED, Answer, Decision, answer_to, in_turn
from ric0_trio.testing.clock import START, VirtualClock
from ric0_trio.testing.keys import HOME_KEY, SERVER_KEY, USER_KEY, ed25519_key, rsa_key
from ric0_trio.testing.messages import (
    CHALLENGE,
    CONNECT,
    DISCONNECT,
    NONCE,
    START_TEXT,
    Plain,
    base64_of,
    challenge_data,
    challenge_reply_data,
    connect_data,
    connect_reply_data,
    pack,
    reply,
    request,
    unpack,
)
from ric0_trio.testing.pair import Pair, Side
from ric0_trio.testing.people import CLIENT_APP, SERVER_APP, client_profile, server_profile, user
from ric0_trio.testing.sessions import WAY_TO, give, server_in, settle, the_reply

__all__ = [
    "ADMITTED",
    "CHALLENGE",
    "CLIENT_APP",
    "CONNECT",
    "DISCONNECT",
    "HOME_KEY",
    "NONCE",
    "SERVER_APP",
    "SERVER_KEY",
    "START",
    "START_TEXT",
    "USER_KEY",
    "WAY_TO",
    "Answer",
    "Decision",
    "Pair",
    "Plain",
    "Side",
    "VirtualClock",
    "answer_to",
    "base64_of",
    "challenge_data",
    "challenge_reply_data",
    "client_profile",
    "connect_data",
    "connect_reply_data",
    "ed25519_key",
    "give",
    "in_turn",
    "pack",
    "reply",
    "request",
    "rsa_key",
    "server_in",
    "server_profile",
    "settle",
    "the_reply",
    "unpack",
    "user",
]
