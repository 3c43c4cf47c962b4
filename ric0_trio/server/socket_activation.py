"""Listening sockets that systemd opened and passed to this process: `sd_listen_fds(3)`."""

import os
import re
import socket
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self

LISTEN_VARIABLES: Final = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")
"""What they are learned from. Remove them once they are read: the sockets are not inherited, so they are not either."""

_FIRST_DESCRIPTOR: Final = 3
_NAMELESS: Final = "unknown"  # as sd_listen_fds_with_names(3) calls them
_FAMILIES: Final = frozenset({socket.AF_INET, socket.AF_INET6, socket.AF_UNIX})


class PassedSocketError(OSError):
    """What systemd passed cannot be used. Its text says what was wrong, and what to do."""


def find_descriptors(environment: Mapping[str, str]) -> Sequence[tuple[str, int]]:
    """Tell which descriptors were passed to this very process, each with its name. Raises `PassedSocketError`."""
    if environment.get("LISTEN_PID") != str(os.getpid()):
        return []
    count, listed = environment.get("LISTEN_FDS", ""), environment.get("LISTEN_FDNAMES")
    if not re.fullmatch(r"[0-9]{1,4}", count):
        raise PassedSocketError(f"the environment: LISTEN_FDS: expected the number of descriptors, got {count[:80]!r}")
    names = listed.split(":") if listed else [_NAMELESS] * int(count)
    if len(names) != int(count):
        raise PassedSocketError(f"the environment: LISTEN_FDNAMES: expected {count} names, got {len(names)}")
    return [(name, _FIRST_DESCRIPTOR + number) for number, name in enumerate(names)]


class PassedSockets:
    """The sockets that were passed, by the names that FileDescriptorName= gave them. A context: its end closes them."""

    def __init__(self, descriptors: Iterable[tuple[str, int]] = ()) -> None:
        """Take the descriptors over. Raises `PassedSocketError` if one is no listening socket of TCP or unix."""
        self._by_name: Final[dict[str, list[socket.socket]]] = {}
        self._taken: Final[set[str]] = set()
        with ExitStack() as stack:
            for name, descriptor in descriptors:
                passed = stack.enter_context(_adopt(name, descriptor))
                self._by_name.setdefault(name, []).append(passed)
            self._all = stack.pop_all()

    def named(self, name: str) -> Sequence[socket.socket]:
        """The sockets of that name, to look at; several can share one."""
        return self._by_name.get(name, ())

    def take(self, name: str) -> Sequence[socket.socket]:
        """The sockets of that name, to accept at: once. Raises `PassedSocketError` when there are none."""
        if name in self._taken:
            raise PassedSocketError(f"systemd:{name} is named twice; the sockets of one name are one place")
        if name not in self._by_name:
            others = f" (it passed: {', '.join(sorted(self._by_name))})" if self._by_name else ""
            remedy = f"add FileDescriptorName={name} to the .socket unit, and start the server by it"
            raise PassedSocketError(f"systemd passed no socket named {name}{others}; {remedy}")
        self._taken.add(name)
        return self._by_name[name]

    @property
    def untaken(self) -> Sequence[str]:
        """The names of those at which nobody accepts."""
        return sorted(self._by_name.keys() - self._taken)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._all.close()


def _adopt(name: str, descriptor: int) -> socket.socket:
    try:
        os.set_inheritable(descriptor, False)
        passed = socket.socket(fileno=descriptor)
    except OSError as error:
        what = f"descriptor {descriptor}, named {name}"
        raise PassedSocketError(f"systemd passed {what}, which is no socket: {error.strerror}") from None
    is_stream = passed.family in _FAMILIES and passed.type == socket.SOCK_STREAM
    if not is_stream or not passed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        passed.close()
        remedy = "the .socket unit needs ListenStream= and Accept=no"
        raise PassedSocketError(f"what systemd passed as {name} is no listening socket of TCP or unix; {remedy}")
    return passed
