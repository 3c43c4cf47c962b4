"""The worker processes of a run, and the pipes to them."""

import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from typing import Any, Final

from ric0_trio.load.loop import clock
from ric0_trio.load.worker import Worker

_STOP_S = 8.0


class WorkerLostError(Exception):
    """A worker process ended before its time; it has said why on standard error."""


class Crew:
    """So many processes. Each says one thing at a time, and is heard in its turn."""

    def __init__(self, pipes: Sequence[Pipe]) -> None:
        self.size: Final = len(pipes)
        self._pipes = pipes

    def tell(self, messages: Sequence[object]) -> None:
        """Tell each worker its own. Who is gone is found out by `hear`."""
        for pipe, message in zip(self._pipes, messages, strict=True):
            with suppress(BrokenPipeError):
                pipe.send(message)

    def wait(self, until: float) -> bool:
        """Wait until all have said something, or until then; whether they have. (A worker that ends has, too.)"""
        silent = list(self._pipes)
        while silent:
            for pipe in wait(silent, max(0.0, until - clock())) or (None,):
                if pipe is None:
                    return False
                silent.remove(pipe)  # type: ignore[arg-type]
        return True

    def hear(self) -> list[Any]:
        """What each says next, in their order. Raises `WorkerLostError`."""
        try:
            return [pipe.recv() for pipe in self._pipes]
        except (EOFError, ConnectionResetError):
            raise WorkerLostError from None


@contextmanager
def hired(size: int) -> Iterator[Crew]:
    """Have that many processes, and see that they end."""
    forking = multiprocessing.get_context("fork")
    ours: list[Pipe] = []
    processes = []
    try:
        for _ in range(size):
            mine, its = forking.Pipe()
            ours.append(mine)
            process = forking.Process(target=_work, args=(its, tuple(ours)), daemon=True)
            process.start()
            processes.append(process)
            its.close()
        yield Crew(ours)
    finally:
        for pipe in ours:
            pipe.close()  # which ends a worker
        deadline = clock() + _STOP_S
        for process in processes:
            process.join(max(0.0, deadline - clock()))
            if process.is_alive():
                process.kill()
                process.join()


def _work(pipe: Pipe, others: Sequence[Pipe]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the command sees to it
    for other in others:
        other.close()  # or no worker would see that the command has ended
    with suppress(EOFError, BrokenPipeError):
        Worker(pipe).work()
