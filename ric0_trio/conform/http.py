"""HTTP heads for the upgrade, good and bad, and the server's answer to them."""

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ric0_trio.client.address import Address

SWITCHING_PROTOCOLS: Final = 101
UNAVAILABLE: Final = 503
MAX_ANSWER_BYTES: Final = 64 * 1024

_ACCEPT_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3
_STATUS_LINE: Final = re.compile(r"HTTP/1\.[01] (\d{3})(?: [^\r\n]*)?")


def make_head(
    address: Address,
    *,
    method: str = "GET",
    target: str | None = None,
    version: str = "HTTP/1.1",
    offer: str | None = None,
    changes: Mapping[str, str | None] = MappingProxyType({}),
) -> bytes:
    """Make a request to upgrade, offering `offer`; `changes` sets, adds and (None) leaves out headers.

    Text becomes bytes as Latin-1, so that any byte can be had.
    """
    headers: dict[str, str | None] = {
        "Host": str(address),
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(secrets.token_bytes(16)).decode(),
        "Sec-WebSocket-Protocol": offer,
        **changes,
    }
    lines = [f"{method} {address.path if target is None else target} {version}"]
    lines += [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: Sequence[tuple[str, str]]
    """Names in lower case."""
    body: bytes
    """As much as there was of it; behind a 101, what came of the WebSocket."""

    def all(self, name: str) -> list[str]:
        """The values of a header (in lower case)."""
        return [value for header, value in self.headers if header == name]

    def one(self, name: str) -> str | None:
        """The value of a header that is there once, or None."""
        values = self.all(name)
        return values[0] if len(values) == 1 else None

    def __str__(self) -> str:
        """How it is told: its status, and what it says."""
        body = "" if self.status == SWITCHING_PROTOCOLS else self.body[:200].decode("ascii", "replace").strip()
        return f"HTTP {self.status}{': ' if body else ''}{body}"


def parse_answer(head: bytes, rest: bytes) -> Answer | None:
    """Take an answer's head, which ends in a blank line, apart. None when it is none."""
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    status = _STATUS_LINE.fullmatch(first)
    parted = [line.partition(":") for line in lines]
    if status is None or not all(colon and name.strip() == name for name, colon, _ in parted):
        return None
    return Answer(int(status[1]), [(name.lower(), value.strip()) for name, _, value in parted], rest)


def acceptance_of(head: bytes) -> str:
    """What `Sec-WebSocket-Accept` has to be for the key in this head (RFC 6455 section 4.2.2)."""
    key = re.findall(rb"(?im)^Sec-WebSocket-Key: (.*?)\r$", head)[0]
    return base64.b64encode(hashlib.sha1(key + _ACCEPT_GUID).digest()).decode()  # noqa: S324 - the RFC's choice
