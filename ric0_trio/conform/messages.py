"""Messages as a good client sends them, and ways to make them worse."""

import copy
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from ric0_trio.conform.encodings import Plain

OMIT: Final = object()
"""In place of a value: the key is left out."""

NEVER_USED: Final = "conform-nobody-has-this"
"""A name of a request, a capability or an extension that no server knows."""

APP: Final[Plain] = {
    "name": "ric0-trio-conform",
    "version": {"type": "dev", "major": 0, "minor": 1, "patch": 0, "vcs_id": "0", "display": "0.1"},
    "capabilities": [],
    "extensions": {},
    "description": "tries out whether a server holds the rules",
}
"""With every key that there is: so a server that wrongly needs one is caught by that key's check alone."""


def now() -> str:
    """Write this moment down as a client would."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def make_nonce() -> bytes:
    """Draw the 32 bytes that a good client challenges a server with."""
    return secrets.token_bytes(32)


def make_request(name: str, data: Any, conversation: Any, /, **changes: Any) -> Plain:
    """Make a request. `changes` set keys of the envelope, or leave them out with `OMIT`."""
    plain = {"time": now(), "type": "request", "name": name, "conversation": conversation, "data": data, **changes}
    return {key: value for key, value in plain.items() if value is not OMIT}


def change(plain: Plain, changes: Mapping[str, Any]) -> Plain:
    """Copy `plain` with values at paths such as "user.pubkey.key" changed; `OMIT` leaves the key out."""
    changed = copy.deepcopy(plain)
    for path, value in changes.items():
        *way, key = path.split(".")
        inner = changed
        for step in way:
            inner = inner[step]
        if value is OMIT:
            inner.pop(key, None)
        else:
            inner[key] = value
    return changed
