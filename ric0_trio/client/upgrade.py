"""The server's answer to the request for a WebSocket: read with a bound, and refused with a reason."""

import re
from typing import Final

import trio
import wsproto.utilities

from ric0_trio.client.errors import ConnectionClosedError, UpgradeRefusedError
from ric0_trio.transport.errors import ABNORMAL
from ric0_trio.transport.head import HeadTooBigError, read_head

_MAX_HEAD_BYTES: Final = 8 * 1024
_SHOWN_BODY_BYTES: Final = 200


def first_problem(error: BaseException) -> BaseException:
    """What wsproto found. trio-websocket then tries to answer it, which no client can, and that raises again."""
    found, link = error, error.__context__
    while link is not None:
        found = link if isinstance(link, wsproto.utilities.ProtocolError) else found
        link = link.__context__
    return found


async def read_answer(stream: trio.abc.Stream) -> tuple[bytes, bytes]:
    """Read the answer to the upgrade. What trio-websocket would wait on for ever, or choke on, ends here."""
    try:
        head, rest = await read_head(stream, _MAX_HEAD_BYTES)
    except HeadTooBigError:
        raise ConnectionClosedError(ABNORMAL, "the server's HTTP answer is too big") from None
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        raise ConnectionClosedError(ABNORMAL, "the server hung up before it answered the upgrade") from None
    status = re.match(rb"HTTP/1\.1 (\d{3})[ \r]", head)
    if status is None or not head.isascii():
        raise ConnectionClosedError(ABNORMAL, "the server does not speak HTTP/1.1")
    if status[1] != b"101":
        raise UpgradeRefusedError(int(status[1]), rest[:_SHOWN_BODY_BYTES].decode("ascii", "replace").strip())
    return head, rest
