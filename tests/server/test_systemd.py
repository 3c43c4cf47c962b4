"""What systemd is told, and what it passes: real datagrams, real descriptors, virtual time."""

import os
import re
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from ric0_trio.server.listening import Place, listen_at
from ric0_trio.server.sd_notify import ServiceManager
from ric0_trio.server.socket_activation import PassedSocketError, PassedSockets, find_descriptors

OUR_PID = str(os.getpid())
NOT_OURS = str(os.getppid())


class Manager:
    """Who hears what a service says."""

    def __init__(self, address: str) -> None:
        self.environment = {"NOTIFY_SOCKET": address}
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind(address.replace("@", "\0", 1))

    def heard(self) -> list[str]:
        """What came since it was asked before."""
        found = []
        with suppress(BlockingIOError):
            while True:
                found.append(self.socket.recv(4096).decode())
        return found

    def fill(self) -> None:
        """Have its queue full."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other, suppress(BlockingIOError):
            other.setblocking(False)
            while True:
                other.sendto(b"X=1", self.socket.getsockname())


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(str(tmp_path / "notify"))
    with closing(manager.socket):
        yield manager


# What it is told


@pytest.mark.parametrize("address", ["{folder}/notify", "@ric0-trio-{secret}"], ids=["a path", "an abstract name"])
async def test_the_life_of_a_service(address: str, tmp_path: Path) -> None:
    manager = Manager(address.format(folder=tmp_path, secret=secrets.token_hex(8)))
    with closing(manager.socket):
        service = ServiceManager(manager.environment)
        await service.ready()
        assert manager.heard() == ["READY=1"]
        before = time.monotonic_ns() // 1000
        with suppress(ZeroDivisionError):
            async with service.reloading():
                (reloading,) = manager.heard()
                raise ZeroDivisionError
        await service.stopping()
        assert manager.heard() == ["READY=1", "STOPPING=1"]
    found = re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=(\d+)", reloading)
    assert found
    assert before <= int(found[1]) <= time.monotonic_ns() // 1000


NOBODY: dict[str, tuple[str | None, str | None]] = {
    "no manager": (None, None),
    "an empty name": ("", None),
    "another machine's": ("vsock:2:1234", None),
    "a relative path": ("notify", None),
    "one that is gone": ("{folder}/gone", "No such file or directory"),
    "a file": ("{folder}/file", "Connection refused"),
    "too long a path": (f"/{200 * 'x'}", "AF_UNIX path too long"),
}


@pytest.mark.parametrize(("address", "error"), NOBODY.values(), ids=NOBODY)
async def test_nobody_to_tell(address: str | None, error: str | None, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    environment = {} if address is None else {"NOTIFY_SOCKET": address.format(folder=tmp_path)}
    with capture_logs() as logs:
        await ServiceManager(environment).ready()
    assert [(entry["event"], entry["what"], entry["error"]) for entry in logs] == (
        [] if error is None else [("systemd.not_told", "READY", error)]
    )


async def test_a_manager_that_does_not_listen_is_not_waited_for(manager: Manager, autojump_clock: MockClock) -> None:
    manager.fill()
    with capture_logs() as logs:
        await ServiceManager(manager.environment).stopping()
    assert [(entry["what"], entry["error"]) for entry in logs] == [("STOPPING", "its queue is full")]
    assert trio.current_time() == 1
    assert "STOPPING=1" not in manager.heard()


WATCHDOGS: dict[str, tuple[Mapping[str, str], int]] = {
    "none": ({}, 0),
    "for every process": ({"WATCHDOG_USEC": "30000000"}, 5),
    "for this one": ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": OUR_PID}, 5),
    "for another one": ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": NOT_OURS}, 0),
    "more often": ({"WATCHDOG_USEC": "16000000"}, 8),
    "no interval": ({"WATCHDOG_USEC": "0"}, 0),
    "no number": ({"WATCHDOG_USEC": "-1"}, 0),
    "a number without end": ({"WATCHDOG_USEC": 5000 * "9"}, 0),
}


@pytest.mark.parametrize(("environment", "times"), WATCHDOGS.values(), ids=WATCHDOGS)
async def test_the_watchdog_within_61_s(
    environment: Mapping[str, str], times: int, manager: Manager, autojump_clock: MockClock
) -> None:
    service = ServiceManager({**manager.environment, **environment})
    with trio.move_on_after(61.5) as waiting:
        await service.feed_watchdog()
    assert waiting.cancelled_caught == (times > 0)
    assert manager.heard() == times * ["WATCHDOG=1"]


async def test_the_watchdog_outlives_its_manager_s_absence(
    manager: Manager, tmp_path: Path, autojump_clock: MockClock
) -> None:
    service = ServiceManager(manager.environment | {"WATCHDOG_USEC": "2000000"})
    with capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(service.feed_watchdog)
            manager.socket.close()
            (tmp_path / "notify").unlink()
            await trio.sleep(3.5)
            back = Manager(str(tmp_path / "notify"))
            with closing(back.socket):
                await trio.sleep(1)
                assert back.heard() == ["WATCHDOG=1"]
            nursery.cancel_scope.cancel()
    assert {entry["event"] for entry in logs} == {"systemd.not_told"}


# What it passes: the environment


def passing(count: str | None, names: str | None = None, pid: str | None = OUR_PID) -> dict[str, str]:
    told = {"LISTEN_PID": pid, "LISTEN_FDS": count, "LISTEN_FDNAMES": names}
    return {name: text for name, text in told.items() if text is not None}


DESCRIPTORS: dict[str, tuple[Mapping[str, str], list[tuple[str, int]]]] = {
    "nothing": ({}, []),
    "none": (passing("0", ""), []),
    "one": (passing("1", "web"), [("web", 3)]),
    "several, of one name and another": (
        passing("3", "web:proxy.socket:web"),
        [("web", 3), ("proxy.socket", 4), ("web", 5)],
    ),
    "names that are left out": (passing("2"), [("unknown", 3), ("unknown", 4)]),
    "another process's": (passing("1", "web", NOT_OURS), []),
    "nobody's": (passing("1", "web", None), []),
    "another process's nonsense": (passing("x", "web", NOT_OURS), []),
}


@pytest.mark.parametrize(("environment", "expected"), DESCRIPTORS.values(), ids=DESCRIPTORS)
def test_which_descriptors_were_passed(environment: Mapping[str, str], expected: list[tuple[str, int]]) -> None:
    assert list(find_descriptors(environment)) == expected


NONSENSE = {
    "the environment: LISTEN_FDS: expected the number of descriptors, got ''": passing(None, "web"),
    "the environment: LISTEN_FDS: expected the number of descriptors, got '-1'": passing("-1", "web"),
    "the environment: LISTEN_FDS: expected the number of descriptors, got '99999'": passing("99999"),
    "the environment: LISTEN_FDNAMES: expected 2 names, got 1": passing("2", "web"),
    "the environment: LISTEN_FDNAMES: expected 1 names, got 2": passing("1", "web:proxy"),
}


@pytest.mark.parametrize(("told", "environment"), NONSENSE.items())
def test_nonsense_is_told_with_its_place(told: str, environment: Mapping[str, str]) -> None:
    with pytest.raises(PassedSocketError, match=f"^{re.escape(told)}$"):
        find_descriptors(environment)


# What it passes: the sockets


class Elsewhere(socket.socket):
    """A socket that is at an address which no test has."""

    def getsockname(self) -> tuple[str, int]:
        return ("192.0.2.7", 443)


def tcp() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def unix(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    return listener


def pass_on(*named: tuple[str, socket.socket]) -> PassedSockets:
    """What a new process makes of them; descriptors are inheritable at first."""
    descriptors = [(name, os.dup(passed.fileno())) for name, passed in named]
    for _, descriptor in descriptors:
        os.set_inheritable(descriptor, True)
    return PassedSockets(descriptors)


async def test_what_was_passed_is_a_place(tmp_path: Path) -> None:
    """Several sockets of one name are; at the end they are closed here, and go on listening for who passed them."""
    path = tmp_path / "chat.sock"
    with tcp() as one, unix(path) as two, tcp() as other, pass_on(("web", one), ("no", other), ("web", two)) as passed:
        assert not any(os.get_inheritable(found.fileno()) for name in ("web", "no") for found in passed.named(name))
        async with listen_at(Place(name="web"), passed) as listeners:
            assert [found.socket.getsockname() for found in listeners] == [one.getsockname(), str(path)]
            for listener in listeners:
                stream = await _connect(listener.socket.getsockname())
                async with stream, await listener.accept():
                    pass
        assert [found.fileno() for found in passed.named("web")] == [-1, -1]
        assert passed.named("no")[0].fileno() != -1
        async with await _connect(one.getsockname()), await _connect(str(path)):
            pass  # the kernel queues them
    assert passed.named("no")[0].fileno() == -1


async def _connect(address: object) -> trio.SocketStream:
    if isinstance(address, tuple):
        return await trio.open_tcp_stream(*address)
    return await trio.open_unix_socket(str(address))


async def test_a_name_that_was_not_passed() -> None:
    told = (
        r"^systemd passed no socket named web \(it passed: a, b\); "
        r"add FileDescriptorName=web to the \.socket unit, and start the server by it$"
    )
    with tcp() as one, tcp() as two, pass_on(("b", one), ("a", two)) as passed:
        with pytest.raises(OSError, match=told):
            async with listen_at(Place(name="web"), passed):
                raise AssertionError
        with pytest.raises(OSError, match=r"^systemd passed no socket named web; add File"):
            async with listen_at(Place(name="web")):
                raise AssertionError


async def test_a_name_is_one_place() -> None:
    with tcp() as one, tcp() as two, pass_on(("web", one), ("other", two)) as passed:
        assert passed.untaken == ["other", "web"]
        async with listen_at(Place(name="web"), passed):
            assert passed.untaken == ["other"]
            with pytest.raises(PassedSocketError, match="systemd:web is named twice"):
                async with listen_at(Place(name="web"), passed):
                    raise AssertionError


def test_it_is_as_local_as_its_sockets(tmp_path: Path) -> None:
    web = Place(name="web")
    with tcp() as one, unix(tmp_path / "chat.sock") as two, pass_on(("web", one), ("web", two)) as passed:
        assert web.is_local(passed)
        assert web.is_unix(passed)
    with tcp() as one, pass_on(("web", one)) as passed:
        assert not web.is_unix(passed)


def test_a_socket_for_everyone_is_not_local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", Elsewhere)
    with tcp() as one, tcp() as two, pass_on(("web", one), ("other", two)) as passed:
        assert not Place(name="web").is_local(passed)


def a_file(stack: ExitStack) -> int:
    read, write = os.pipe()
    os.close(write)
    return read


def a_closed_one(stack: ExitStack) -> int:
    descriptor = a_file(stack)
    os.close(descriptor)
    return descriptor


def a_datagram_socket(stack: ExitStack) -> int:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM).detach()


def one_that_does_not_listen(stack: ExitStack) -> int:
    return socket.socket().detach()


def a_connection(stack: ExitStack) -> int:
    """As Accept=yes passes it."""
    one, other = socket.socketpair()
    stack.enter_context(other)
    return one.detach()


def one_of_packets(stack: ExitStack) -> int:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind("")
    listener.listen()
    return listener.detach()


NO_SOCKET = r"^systemd passed descriptor \d+, named web, which is no socket: "
NO_LISTENER = "^what systemd passed as web is no listening socket of TCP or unix; the .socket unit needs Listen"
WRONG = {
    a_file: NO_SOCKET + "Socket operation on non-socket$",
    a_closed_one: NO_SOCKET + "Bad file descriptor$",
    a_datagram_socket: NO_LISTENER,
    one_that_does_not_listen: NO_LISTENER,
    a_connection: NO_LISTENER,
    one_of_packets: NO_LISTENER,
}


@pytest.mark.parametrize(("make", "told"), WRONG.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_what_is_no_listening_socket(make: Callable[[ExitStack], int], told: str) -> None:
    with ExitStack() as stack, tcp() as good:
        descriptors = [("good", os.dup(good.fileno())), ("web", make(stack))]
        with pytest.raises(PassedSocketError, match=told):
            PassedSockets(descriptors)
        with suppress(OSError):  # it was no socket, so it was not taken over
            os.close(descriptors[1][1])
