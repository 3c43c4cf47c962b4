"""Serving until SIGTERM, in asyncio and in Trio."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

import trio


async def told_to_stop() -> None:
    """Wait for SIGTERM, in asyncio."""
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    await told.wait()


async def until_told_to_stop(serve: Callable[[], Awaitable[object]]) -> None:
    """Run `serve` until SIGTERM, in Trio."""
    with trio.open_signal_receiver(signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            await anext(signals)
            nursery.cancel_scope.cancel()
