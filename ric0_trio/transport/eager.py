"""Streams that send at once what the system takes: a reply then costs no turn of the event loop, and no deadline."""

import os
import socket
from abc import abstractmethod
from collections.abc import Callable
from typing import Final

import trio

from ric0_trio.transport.readiness import Readiness, Serve, Watch

_READ_BYTES = 16 * 1024


def _never() -> bool:
    return False


class EagerStream(trio.abc.Stream):
    """A stream that begins to send without waiting. Unlike those of Trio, it yields when it has to wait, and else not.

    What it does raises as Trio's streams do.
    """

    @abstractmethod
    def receive_now(self, max_bytes: int | None = None) -> bytes | bytearray | None:
        """Receive what has come, as `receive_some` does; None when nothing has, or it takes waiting to tell."""

    @abstractmethod
    async def wait_for_data(self, serve: Serve, takes_turns: Callable[[], bool] | None = None) -> bool:
        """Call `serve` whenever `receive_now` may have something, as `Watch.wait` does.

        False is returned as well when it is for the caller to wait, with `receive_some`.
        """

    @property
    @abstractmethod
    def is_idle(self) -> bool:
        """Whether all is out that was put, and nothing has come but what was received: `serve` may go on waiting."""

    @abstractmethod
    def put(self, data: bytes | bytearray) -> None:
        """Send `data`, or as much as goes out at once; the rest is kept for `flush`, which comes before more is put."""

    @property
    @abstractmethod
    def is_flushed(self) -> bool:
        """Whether all is out that was put."""

    @abstractmethod
    async def flush(self) -> None:
        """Wait until all is out."""

    @abstractmethod
    def finish(self) -> None:
        """Put what says that nothing more will come, if there is a way to say that."""

    @abstractmethod
    async def abort(self) -> None:
        """Close at once, and say nothing. It is not interrupted, and does no harm to a stream that is closed."""

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self.flush()
        self.put(bytes(data))
        await self.flush()

    async def aclose(self) -> None:
        """Finish and close. To a peer that is gone there is nothing to say."""
        try:
            await self.flush()
            self.finish()
            await self.flush()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            await self.abort()


class EagerSocket(EagerStream):
    """A connected socket. Who reads again waits first: after a reply there is nothing to be read yet."""

    def __init__(self, connected: socket.socket, readiness: Readiness) -> None:
        """Take over a socket that does not block, which nobody else may use any more."""
        self.socket: Final = connected
        self._descriptor = connected.fileno()
        self._watch = Watch(readiness, self._descriptor)
        self._unsent: bytes | bytearray | memoryview = b""
        self._is_new = True

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        while True:
            self._check_open()
            if self._is_new:  # who connects says something at once, mostly before they are served
                self._is_new = False
            else:
                await self._watch.wait(_never, _never)
            data = self.receive_now(max_bytes)
            if data is not None:
                return data

    def receive_now(self, max_bytes: int | None = None) -> bytes | None:
        try:
            return os.read(self._descriptor, max_bytes or _READ_BYTES)
        except BlockingIOError:
            return None
        except OSError as error:
            self._check_open()
            raise trio.BrokenResourceError(str(error)) from error

    async def wait_for_data(self, serve: Serve, takes_turns: Callable[[], bool] | None = None) -> bool:
        self._check_open()
        return await self._watch.wait(serve, takes_turns or _never)

    def put(self, data: bytes | bytearray | memoryview) -> None:
        try:
            sent = os.write(self._descriptor, data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._check_open()
            raise trio.BrokenResourceError(str(error)) from error
        self._unsent = memoryview(data)[sent:] if sent < len(data) else b""

    @property
    def is_idle(self) -> bool:
        return not self._unsent  # what comes is not kept here

    @property
    def is_flushed(self) -> bool:
        return not self._unsent

    async def flush(self) -> None:
        """Wait until all is out. It may be cancelled, and goes on the next time."""
        while self._unsent:
            await self.wait_send_all_might_not_block()
            self.put(self._unsent)

    def finish(self) -> None:
        """A socket says so when it is closed."""

    async def wait_send_all_might_not_block(self) -> None:
        self._check_open()
        await trio.lowlevel.wait_writable(self._descriptor)

    async def abort(self) -> None:
        if self._descriptor < 0:
            return
        self._watch.close()
        if self._unsent:  # somebody may wait for that to go out
            trio.lowlevel.notify_closing(self._descriptor)
        self._descriptor = -1  # the system may give the number to another
        self.socket.close()

    def _check_open(self) -> None:
        if self._descriptor < 0:
            raise trio.ClosedResourceError("this stream is closed")


class EagerAdapter(EagerStream):
    """Any stream of Trio's: with what cannot be done without waiting left to be waited for."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        """Take over `stream`, which nobody else may use any more."""
        self._stream = stream
        self._unsent: bytes | bytearray = b""
        self._is_cut = False

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self._stream.receive_some(max_bytes)

    def receive_now(self, max_bytes: int | None = None) -> None:
        """Nothing is known of what has come."""

    async def wait_for_data(self, serve: Serve, takes_turns: Callable[[], bool] | None = None) -> bool:
        return False

    @property
    def is_idle(self) -> bool:
        return self.is_flushed

    def put(self, data: bytes | bytearray) -> None:
        self._unsent = data

    @property
    def is_flushed(self) -> bool:
        return not self._unsent and not self._is_cut

    async def flush(self) -> None:
        """Wait until all is out. Cancelled, it cuts what is put, and nothing may follow."""
        if self._is_cut:
            raise trio.BrokenResourceError("something was sent in part")
        if self._unsent:
            unsent, self._unsent, self._is_cut = self._unsent, b"", True
            await self._stream.send_all(unsent)
            self._is_cut = False

    def finish(self) -> None:
        """What it stands on says so when it is closed."""

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def abort(self) -> None:
        with trio.CancelScope(shield=True):  # or a cancellation would take the place of a fault that is under way
            await trio.aclose_forcefully(self._stream)
