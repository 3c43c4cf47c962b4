"""`EagerTls`: a server's TLS that sends without waiting, as what it stands on does.

Trio's `SSLStream` yields at each step, cannot be interrupted while it answers a client's key update, and is garbage in
a cycle when it is done (docs/benchmarks.md). This moves bytes between the network and Python's `ssl`, and no more.
"""

import ssl
from collections.abc import Callable
from contextlib import suppress

import trio

from ric0_trio.transport.eager import EagerStream
from ric0_trio.transport.readiness import Serve

_READ_BYTES = 16 * 1024  # what one record holds at most


class EagerTls(EagerStream):
    """TLS on the server's side. One task may receive while another sends."""

    def __init__(self, stream: EagerStream, context: ssl.SSLContext) -> None:
        self.transport = stream
        """What it stands on."""
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._flushing = trio.Lock()

    async def do_handshake(self) -> None:
        """Shake hands. Raises `trio.BrokenResourceError` when that fails."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._receive_more()
            except ssl.SSLError as error:
                self._put_outgoing()  # the alert that says why
                raise trio.BrokenResourceError("the TLS handshake failed") from error
            else:
                self._put_outgoing()
                return

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Receive what one record holds, or less; nothing when the peer has said that nothing more will come."""
        while (data := self._read(max_bytes)) is None:
            await self._receive_more()
        return data

    def receive_now(self, max_bytes: int | None = None) -> bytes | bytearray | None:
        more = self.transport.receive_now()
        if more is None:
            return None
        self._take_in(more)
        return self._read(max_bytes)

    async def wait_for_data(self, serve: Serve, takes_turns: Callable[[], bool] | None = None) -> bool:
        return self.is_idle and await self.transport.wait_for_data(serve, takes_turns)

    @property
    def is_idle(self) -> bool:
        return self.is_flushed and not (self._incoming.pending or self._tls.pending())

    def put(self, data: bytes | bytearray) -> None:
        try:
            self._tls.write(data)
        except ssl.SSLError as error:
            raise trio.BrokenResourceError("TLS failed") from error
        self._put_outgoing()

    @property
    def is_flushed(self) -> bool:
        return self.transport.is_flushed and not self._outgoing.pending

    async def flush(self) -> None:
        if self.is_flushed:
            return
        async with self._flushing:
            while not self.is_flushed:
                await self.transport.flush()
                self._put_outgoing()

    def finish(self) -> None:
        with suppress(ssl.SSLError):  # the peer has not said so yet, or TLS has failed already
            self._tls.unwrap()
        self._put_outgoing()

    async def wait_send_all_might_not_block(self) -> None:
        await self.transport.wait_send_all_might_not_block()

    async def abort(self) -> None:
        await self.transport.abort()

    async def _receive_more(self) -> None:
        # What TLS has to answer goes first: a peer that does not read it is not read from.
        await self.flush()
        self._take_in(await self.transport.receive_some())

    def _take_in(self, data: bytes | bytearray) -> None:
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _read(self, max_bytes: int | None) -> bytes | bytearray | None:
        """What a record holds; None when more has to come first."""
        try:
            data = self._tls.read(max_bytes or _READ_BYTES)
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLError as error:
            self._put_outgoing()  # the alert that says why
            raise trio.BrokenResourceError("TLS failed") from error
        self._put_outgoing()
        return data

    def _put_outgoing(self) -> None:
        if self._outgoing.pending and self.transport.is_flushed:
            self.transport.put(self._outgoing.read())
