"""A floor: bare TCP on Trio. Each chunk is taken for a whole head or a whole frame, and gets its canned answer.

With `--signatures`, what is signed and verified in a session is added. What is above that is WebSocket, the session,
and every bound and deadline.
"""

import argparse
from functools import partial

import trio
from wsproto.utilities import generate_accept_token

from benchmarks.bench_core import NONCE, USER_KEY
from benchmarks.peers.canned import Canned, Payload
from benchmarks.peers.site import BACKLOG, Site, open_site, parse_options
from benchmarks.peers.stopping import until_told_to_stop

_CLOSE = 0x88
_NORMAL_CLOSE = bytes([_CLOSE, 2, 0x03, 0xE8])
_PAYLOAD_AT = {126: 8, 127: 14}
"""Where a masked frame's payload begins, by its first length."""
_NO_MASK = bytes(4)


class Floor:
    """Answers chunks."""

    def __init__(self, site: Site, *, signs: bool) -> None:
        self._canned = Canned(site)
        self._site = site
        self._signs = signs
        self._heads: dict[bytes, bytes] = {}
        self._is_text = site.codec.payload_type is str

    async def converse(self, stream: trio.abc.Stream) -> None:
        """Answer one client, until it says goodbye or leaves."""
        is_connected = False
        try:
            while chunk := bytes(await stream.receive_some(65536)):
                if chunk[0] == _CLOSE:
                    await stream.send_all(_NORMAL_CLOSE)
                    return
                if chunk.startswith(b"GET "):
                    await stream.send_all(self._open(chunk))
                    continue
                request = _payload_of(chunk)
                was_connected = is_connected
                payload: Payload = request.decode() if self._is_text else request
                reply, is_connected = self._canned.answer(payload, is_connected=is_connected)
                if self._signs and not was_connected:
                    self._sign_or_verify(is_connected)
                await stream.send_all(_frame(reply))
        except trio.BrokenResourceError:
            pass

    def _open(self, head: bytes) -> bytes:
        answer = self._heads.get(head)
        if answer is None:
            lines = dict(line.split(b": ", 1) for line in head.split(b"\r\n") if b": " in line)
            token = generate_accept_token(lines[b"Sec-WebSocket-Key"]).decode()
            answer = self._heads[head] = (
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Accept: {token}\r\nSec-WebSocket-Protocol: {self._site.codec.subprotocol}\r\n\r\n"
            ).encode()
        return answer

    def _sign_or_verify(self, is_proof: bool) -> None:
        if is_proof:
            USER_KEY.public.verify(bytes(self._site.key.public), self._canned.proof)
        else:
            self._site.key.sign(NONCE)


def _payload_of(frame: bytes) -> bytes:
    start = _PAYLOAD_AT.get(frame[1] & 0x7F, 6)
    mask, payload = frame[start - 4 : start], frame[start:]
    if mask == _NO_MASK:
        return payload
    return bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))  # the load's first connection alone


def _frame(payload: Payload) -> bytes:
    is_text = isinstance(payload, str)
    data = payload.encode() if isinstance(payload, str) else payload
    size = len(data)
    length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2)
    return (b"\x81" if is_text else b"\x82") + length + data


async def main(site: Site, *, signs: bool) -> None:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1", backlog=BACKLOG)
    site.announce(listeners[0].socket.getsockname()[1])
    floor = Floor(site, signs=signs)
    if site.tls is None:
        await until_told_to_stop(partial(trio.serve_listeners, floor.converse, listeners))
    else:
        over_tls = [trio.SSLListener(listener, site.tls) for listener in listeners]
        await until_told_to_stop(partial(trio.serve_listeners, floor.converse, over_tls))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--signatures", action="store_true")
    options = parse_options(parser)
    with open_site(options) as opened:
        trio.run(partial(main, opened, signs=options.signatures))
