"""The Trio client: `open_chat` for a connected session, `open_connection` to take its steps one by one."""

from ric0_trio.client.chat import Chat, open_chat
from ric0_trio.client.connection import ChatConnection, open_connection
from ric0_trio.client.errors import (
    ChatError,
    ChatTimeoutError,
    ConnectionClosedError,
    ConnectRefusedError,
    ServerIdentityError,
    ServerUnreachableError,
    UpgradeRefusedError,
)
from ric0_trio.client.identity import OWN_APP, Identity
from ric0_trio.client.known_servers import FileKnownServers, KnownServers, MemoryKnownServers

__all__ = [
    "OWN_APP",
    "Chat",
    "ChatConnection",
    "ChatError",
    "ChatTimeoutError",
    "ConnectRefusedError",
    "ConnectionClosedError",
    "FileKnownServers",
    "Identity",
    "KnownServers",
    "MemoryKnownServers",
    "ServerIdentityError",
    "ServerUnreachableError",
    "UpgradeRefusedError",
    "open_chat",
    "open_connection",
]
