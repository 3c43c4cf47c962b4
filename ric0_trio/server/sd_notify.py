"""What a service manager is told, in systemd's way: `sd_notify(3)`, `sd_watchdog_enabled(3)`. Without one, nothing."""

import os
import re
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import structlog
import trio

NOTIFY_VARIABLES: Final = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
"""What it is learned from. Remove them once they are read: a child is not the service, and must not speak for it."""

_SEND_TIMEOUT_S: Final = 1.0


class ServiceManager:
    """Whoever started this process as a service, and wants to know how it is.

    Nothing here raises `OSError`, or waits for more than a second: a manager that cannot be reached is logged.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._address: Final = _find_address(environment.get("NOTIFY_SOCKET", ""))
        self._watchdog_s: Final = _find_watchdog(environment)
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    async def ready(self) -> None:
        """Say that clients can come."""
        await self._tell("READY=1")

    async def stopping(self) -> None:
        """Say that the server has begun to stop."""
        await self._tell("STOPPING=1")

    @asynccontextmanager
    async def reloading(self) -> AsyncIterator[None]:
        """Say that the configuration is read anew while the block lasts; and then, however it ended, ready again."""
        await self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            yield
        finally:
            await self._tell("READY=1")

    async def feed_watchdog(self) -> None:
        """Say that the event loop turns, twice in each interval of the watchdog, until cancelled.

        Returns at once when there is no watchdog. One that hears nothing for an interval ends the process.
        """
        if self._watchdog_s is None:
            return
        while True:
            await self._tell("WATCHDOG=1")
            await trio.sleep(self._watchdog_s / 2)

    async def _tell(self, state: str) -> None:
        if self._address is None:
            return
        try:
            with trio.fail_after(_SEND_TIMEOUT_S), trio.socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams:
                await datagrams.connect(self._address)  # and not sendto: only so is a full queue waited for
                await datagrams.send(state.encode())
        except OSError as error:
            why = error.strerror or str(error)
        except trio.TooSlowError:
            why = "its queue is full"
        else:
            return
        self._log.warning("systemd.not_told", what=state.partition("=")[0], error=why)


def _find_address(name: str) -> str | None:
    """A path, or an abstract name (`@`); anything else, of which there is `vsock:`, is not for this machine."""
    if name.startswith("@"):
        return f"\0{name[1:]}"
    return name if name.startswith("/") else None


def _find_watchdog(environment: Mapping[str, str]) -> float | None:
    """The watchdog's interval, in seconds; None when there is none, or it is for another process."""
    interval = environment.get("WATCHDOG_USEC", "")
    is_ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return int(interval) / 1e6 if is_ours and re.fullmatch(r"[1-9][0-9]{0,17}", interval) else None
