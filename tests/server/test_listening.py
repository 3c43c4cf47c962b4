"""Places to listen at: what names them, and unix sockets that come and go."""

import os
import socket
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import trio

from ric0_trio.server.listening import Place, listen_at, parse_place
from ric0_trio.server.socket_activation import PassedSockets

PLACES: dict[str, tuple[Place, bool]] = {
    "127.0.0.1:8443": (Place(host="127.0.0.1", port=8443), True),
    "0.0.0.0:443": (Place(host="0.0.0.0", port=443), False),  # noqa: S104
    "[::]:443": (Place(host="::", port=443), False),
    "[::1]:0": (Place(host="::1", port=0), True),
    "chat.example:443": (Place(host="chat.example", port=443), False),
    "unix:/run/chat.sock": (Place(path=Path("/run/chat.sock")), True),
    "systemd:ric0-trio.socket": (Place(name="ric0-trio.socket"), True),  # nothing was passed
    "systemd:443": (Place(name="443"), True),
    "unix:chat:sock": (Place(path=Path("chat:sock")), True),
}


@pytest.mark.parametrize(("text", "expected"), PLACES.items(), ids=PLACES)
def test_a_place_is_read_and_written_alike(text: str, expected: tuple[Place, bool]) -> None:
    place = parse_place(text)
    assert (place, place.is_local(PassedSockets())) == expected
    assert str(place) == text


NO_PLACES = [
    "unix:a\0b",
    "",
    "443",
    ":443",
    "::1:443",
    "[::1]",
    "chat.example",
    "x:65536",
    "x:-1",
    "unix:",
    "systemd:",
    "systemd:a:443",
    "systemd:a\n",
    f"systemd:{'a' * 256}",
    "[::1:443",
    "x:y:1",
]


@pytest.mark.parametrize("text", NO_PLACES)
def test_what_is_no_place(text: str) -> None:
    with pytest.raises(ValueError, match="expected HOST:PORT"):
        parse_place(text)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chat.sock"


def mode_of(path: Path) -> int | None:
    """None when there is nothing."""
    return path.stat().st_mode & 0o777 if path.exists() else None


async def test_a_unix_socket_lets_its_group_in_and_is_gone_afterwards(path: Path) -> None:
    umask = os.umask(0o077)
    try:
        async with listen_at(Place(path=path)) as (listener,):
            assert mode_of(path) == 0o660
            async with await trio.open_unix_socket(path), await listener.accept():
                pass
        assert mode_of(path) is None
    finally:
        assert os.umask(umask) == 0o077


async def test_one_that_a_crash_left_behind_is_replaced(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as crashed:
        crashed.bind(str(path))
    async with listen_at(Place(path=path)):
        await (await trio.open_unix_socket(path)).aclose()


def touch(path: Path) -> None:
    path.write_text("precious")


def link(path: Path) -> None:
    path.symlink_to("nowhere")


def is_as_it_was(path: Path) -> bool:
    return path.is_symlink() or path.read_text() == "precious"


@pytest.mark.parametrize("leave", [touch, link])
async def test_what_is_no_socket_is_left_alone(leave: Callable[[Path], None], path: Path) -> None:
    leave(path)
    with pytest.raises(OSError, match="in use"):
        async with listen_at(Place(path=path)):
            raise AssertionError
    assert is_as_it_was(path)


async def test_one_where_somebody_listens_is_left_alone(path: Path) -> None:
    async with listen_at(Place(path=path)):
        with pytest.raises(OSError, match="in use"):
            async with listen_at(Place(path=path)):
                raise AssertionError
        await (await trio.open_unix_socket(path)).aclose()


async def test_one_that_is_busy_is_left_alone(path: Path) -> None:
    """A full queue is no sign that nobody is there."""
    with ExitStack() as stack:
        busy, *visitors = [stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(4)]
        busy.bind(str(path))
        busy.listen(0)
        for visitor in visitors:
            visitor.setblocking(False)
            with suppress(BlockingIOError):
                visitor.connect(str(path))
        with pytest.raises(OSError, match="in use"):
            async with listen_at(Place(path=path)):
                raise AssertionError


async def test_one_that_came_meanwhile_is_left_alone(path: Path) -> None:
    async with listen_at(Place(path=path)):
        with socket.socket(socket.AF_UNIX) as second:
            path.rename(f"{path}.old")  # noqa: ASYNC240
            second.bind(str(path))
    assert mode_of(path) is not None
