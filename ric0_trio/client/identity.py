"""Who the user is, to every server alike."""

from dataclasses import dataclass
from typing import Literal

from ric0_trio import __version__
from ric0_trio.protocol import AppInfo, PrivateKey, PublicKey, SoftwareVersion, UserIdentity

OWN_APP = AppInfo(name="ric0-trio", version=SoftwareVersion.parse(__version__), capabilities=[], extensions={})
"""What a client says it is, unless it is told otherwise."""


@dataclass(frozen=True)
class Identity:
    """A user: their key, and what they call themselves."""

    key: PrivateKey
    name: str
    """1 to 64 characters (docs/protocol.md, "User names")."""
    type: Literal["user", "bot", "log_relay"] = "user"
    home_server: PublicKey | None = None
    """The key of the server that the user calls home; by default the one that they connect to. It is a mere claim."""
    home_server_url: str | None = None

    def on_wire(self, server: PublicKey) -> UserIdentity:
        """Give the identity as it is sent to `server`. Raises `ValueError` for a name that is not well-formed."""
        return UserIdentity(
            name=self.name,
            type=self.type,
            pubkey=self.key.public,
            home_server=self.home_server or server,
            home_server_url=self.home_server_url,
        )
