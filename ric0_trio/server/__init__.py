"""The Trio server: listening, TLS, one supervised task a connection."""

from ric0_trio.server.app import Server
from ric0_trio.server.limits import ServerLimits
from ric0_trio.server.settings import Adapter, Settings
from ric0_trio.server.tls import make_server_context

__all__ = ["Adapter", "Server", "ServerLimits", "Settings", "make_server_context"]
