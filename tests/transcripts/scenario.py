"""What a scenario is: a little play on a stage, and with what server it is played."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ric0_trio.protocol import AppInfo, PrivateKey, PublicKey, ServerInfo, ServerProfile, SoftwareVersion
from ric0_trio.testing import SERVER_KEY
from tests.transcripts.stage import Stage

Play = Callable[[Stage], None]

BOTH = ("json", "bson")
"""For what the encoding matters to. Else there is a transcript in JSON alone."""
TOKEN = "a-token-that-stays-secret"  # noqa: S105
SMALL = {"messages_before_auth": 3, "messages_per_s": 1, "messages_burst": 2}
SIZES = {"max_message_bytes_before_auth": 1000, "max_message_bytes": 1500}


def server_profile(key: PublicKey = SERVER_KEY.public, **changes: Any) -> ServerProfile:
    app = AppInfo(
        name="server",
        version=SoftwareVersion("release", 1, 0),
        capabilities=["files"],
        extensions={"org.example.poll": [1, 2, 3]},
    )
    info = ServerInfo(pubkey=key, url="wss://chat.example/ric0_chat", name="Example")
    return ServerProfile(app=app, info=info, **changes)


@dataclass(frozen=True)
class Scenario:
    play: Play
    encodings: tuple[str, ...] = ("json",)
    profile: ServerProfile = field(default_factory=server_profile)
    key: PrivateKey = SERVER_KEY
    limits: dict[str, Any] = field(default_factory=dict)
