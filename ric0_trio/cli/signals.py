"""Signals that are heard to the end: one that comes too late to be obeyed does not kill a server that is stopping."""

import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import trio


@contextmanager
def hearing(*numbers: signal.Signals) -> Iterator[AsyncIterator[int]]:
    """Hear these signals while the block lasts; the same one several times, if nobody listens meanwhile, is one.

    What nobody has listened to by the end is dropped, where `trio.open_signal_receiver` alone would deliver it once
    more, to what is the system's default: to end the process. In the main thread alone.
    """
    unheard: list[int] = []
    before = {number: signal.signal(number, lambda number, _: unheard.append(number)) for number in numbers}
    try:
        with trio.open_signal_receiver(*numbers) as heard:
            for number in unheard:  # they came in between
                signal.raise_signal(number)
            yield heard
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
