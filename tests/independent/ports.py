"""Ports that stay free until a test listens there."""

import secrets
import socket

_RANGE = range(20_000, 32_000)
"""The system gives none of these to anybody by itself, as it does those above."""
_found = set[int]()


def find_port() -> int:
    """Find one at which nobody of this machine is, and which was not found before."""
    while True:
        port = secrets.choice(_RANGE)
        with socket.socket() as trial:
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in _found:
            _found.add(port)
            return port
