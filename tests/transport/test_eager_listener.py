"""Connections come one by one, without delay, and what goes wrong with one is not the listener's."""

import errno
import os
import socket

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from ric0_trio.transport.eager_listener import EagerListener
from ric0_trio.transport.readiness import Readiness
from ric0_trio.transport.turns import Turnstile


async def listen() -> tuple[EagerListener, int]:
    """One, and the port at which it listens."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    return EagerListener(listener, Readiness(Turnstile())), listener.socket.getsockname()[1]


async def accept_one(listener: EagerListener) -> None:
    stream = await listener.accept()
    await stream.abort()


async def test_what_is_accepted_does_not_block_and_sends_small_messages_at_once() -> None:
    listener, port = await listen()
    async with listener:
        for _ in range(2):
            with socket.create_connection(("127.0.0.1", port)) as peer:
                stream = await listener.accept()
                assert not stream.socket.getblocking()
                assert stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                assert stream.socket.getpeername() == peer.getsockname()
                peer.sendall(b"hello")
                assert await stream.receive_some() == b"hello"
                await stream.abort()


async def test_accepting_may_be_cancelled_and_loses_nobody() -> None:
    listener, port = await listen()
    async with listener:
        with trio.move_on_after(0):
            await listener.accept()
        with socket.create_connection(("127.0.0.1", port)):
            with trio.CancelScope() as scope:
                scope.cancel()
                await listener.accept()
            await accept_one(listener)


async def test_a_closed_listener_lets_the_port_go_and_wakes_who_waits() -> None:
    listener, port = await listen()

    async def accept_in_vain() -> None:
        with pytest.raises(trio.ClosedResourceError):
            await listener.accept()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(accept_in_vain)
        await wait_all_tasks_blocked()
        await listener.aclose()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


class FailingSocket(socket.socket):
    """Fails first, as the system does."""

    problems: tuple[int, ...] = ()

    def accept(self) -> tuple[socket.socket, object]:
        if self.problems:
            problem, *rest = self.problems
            self.problems = (*rest,)
            raise OSError(problem, os.strerror(problem))
        return super().accept()


@pytest.mark.parametrize("problem", [errno.ECONNABORTED, errno.EPROTO, errno.ENETUNREACH, errno.EAGAIN])
async def test_a_connection_that_is_lost_already_is_passed_over(problem: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", FailingSocket)
    monkeypatch.setattr(FailingSocket, "problems", (problem,) * 3)
    listener, port = await listen()
    async with listener:
        with socket.create_connection(("127.0.0.1", port)):
            await accept_one(listener)


async def test_want_of_descriptors_is_told_and_nobody_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", FailingSocket)
    monkeypatch.setattr(FailingSocket, "problems", (errno.EMFILE,))
    listener, port = await listen()
    async with listener:
        with socket.create_connection(("127.0.0.1", port)):
            with pytest.raises(OSError, match="Too many open files"):
                await listener.accept()
            await accept_one(listener)
