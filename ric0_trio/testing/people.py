"""Who takes part in a test: the server, its user, and their programs."""

from typing import Final

from ric0_trio.protocol import (
    KEY_FORMATS,
    AppInfo,
    ClientProfile,
    PublicKey,
    ServerInfo,
    ServerProfile,
    SoftwareVersion,
    UserIdentity,
)
from ric0_trio.testing.keys import HOME_KEY, SERVER_KEY, USER_KEY

SERVER_APP: Final = AppInfo(
    name="server",
    version=SoftwareVersion("release", 1, 2),
    capabilities=["voice", "history", "files"],
    extensions={"org.example.poll": [1, 2, 3], "org.example.map": [1]},
)
"""The server's program."""
CLIENT_APP: Final = AppInfo(
    name="client",
    version=SoftwareVersion("beta", 0, 9, 1),
    capabilities=["files", "stickers", "history"],
    extensions={"org.example.poll": [2, 3, 4], "org.example.map": [2], "org.example.call": [1]},
)
"""The client's. It has `files`, `history` and version 3 of `org.example.poll` in common with `SERVER_APP`."""


def server_profile(
    key: PublicKey = SERVER_KEY.public, *, accepted_key_formats: frozenset[str] = frozenset(KEY_FORMATS)
) -> ServerProfile:
    """What a session of the server with this key is given."""
    info = ServerInfo(pubkey=key, url="wss://chat.example/ric0_chat", name="Example")
    return ServerProfile(app=SERVER_APP, info=info, accepted_key_formats=accepted_key_formats)


def user(key: PublicKey = USER_KEY.public, name: str = "Zoë") -> UserIdentity:
    """Who the user with this key says they are. `name` has to be well-formed."""
    return UserIdentity(name=name, type="user", pubkey=key, home_server=HOME_KEY.public)


def client_profile(key: PublicKey = USER_KEY.public, *, join_token: str | None = None) -> ClientProfile:
    """What `ClientSession.connect` is given for the user with this key."""
    return ClientProfile(user=user(key), app=CLIENT_APP, join_token=join_token)
