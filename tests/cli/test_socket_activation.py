"""The real command, with sockets that are passed as systemd does it: the test holds them, and servers come and go."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.independent.keys import ED25519, make_key
from tests.independent.serving import Server, running_server
from tests.server.hostile_heads import head

FIRST_DESCRIPTOR = 3


def starter(name: str, passed: socket.socket) -> list[str]:
    """What moves a socket to descriptor 3, tells of it, and becomes the server, with the pid that it told."""
    told = f"LISTEN_FDS='1', LISTEN_FDNAMES={name!r}, LISTEN_PID=str(os.getpid())"
    program = f"import os, sys; os.dup2({passed.fileno()}, {FIRST_DESCRIPTOR}); os.environ.update({told}); "
    return ["-c", program + "os.execv(sys.executable, [sys.executable, '-m', 'ric0_trio', *sys.argv[1:]])"]


@contextmanager
def activated(folder: Path, passed: socket.socket, *options: str, name: str = "chat") -> Iterator[Server]:
    """A server that listens at `systemd:chat`, where the socket was passed as `name`; it has to end with 0."""
    words = ["--host", "systemd:chat", *options]
    with running_server(folder, *words, python=starter(name, passed), passed=[passed.fileno()]) as server:
        yield server
        server.ask_to_stop()
        assert server.exit_code() == 0


@pytest.fixture
def tcp() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def test_a_client_of_a_passed_socket(tcp: socket.socket, tmp_path: Path) -> None:
    with activated(tmp_path, tcp) as server:
        assert server.url == f"wss://127.0.0.1:{tcp.getsockname()[1]}/ric0_chat"
        with server.client() as client:
            client.challenge()
            assert client.connect(make_key(ED25519))["status"] == "success"


def test_nobody_is_refused_while_it_is_restarted(tcp: socket.socket, tmp_path: Path) -> None:
    """Who comes in between waits in the kernel, and is served by the next server."""
    with ExitStack() as stack:
        for _ in range(3):
            comers = [stack.enter_context(socket.create_connection(tcp.getsockname(), 10)) for _ in range(20)]
            for comer in comers:
                comer.sendall(head())
            with activated(tmp_path, tcp, "--plaintext"):
                for comer in comers:
                    assert comer.recv(4096).startswith(b"HTTP/1.1 101 ")


def test_the_path_of_a_passed_socket_is_left(tmp_path: Path) -> None:
    (tmp_path / "ric0.toml").write_text('[server]\nurl = "wss://chat.example/ric0_chat"\n')
    path = tmp_path / "chat.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        with activated(tmp_path, listener, "--plaintext", "--config", str(tmp_path / "ric0.toml")) as server:
            assert server.url == f"ws+unix:{path}"
        with socket.socket(socket.AF_UNIX) as comer:
            comer.connect(str(path))


def test_a_name_that_was_not_passed(tcp: socket.socket, tmp_path: Path, run: Run) -> None:
    told = "systemd passed no socket named chat{}; add FileDescriptorName=chat to the .socket unit, and start the"
    ended = run("serve", "--dev", "--host", "systemd:chat")
    assert ended.code == 78
    assert told.format("") in ended.err
    with pytest.raises(AssertionError) as failed, activated(tmp_path, tcp, name="other"):
        pass
    assert told.format(" (it passed: other)") in str(failed.value)


def test_a_descriptor_that_is_no_listening_socket(tmp_path: Path) -> None:
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with datagrams, pytest.raises(AssertionError) as failed, activated(tmp_path, datagrams):
        pass
    assert "Error: what systemd passed as chat is no listening socket of TCP or unix" in str(failed.value)
    assert "Traceback" not in str(failed.value)


def test_a_passed_unix_socket_needs_a_url(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "chat.sock"))
        listener.listen()
        with pytest.raises(AssertionError) as failed, activated(tmp_path, listener, "--plaintext"):
            pass
    assert "[server] url: needed when [listen] host is a unix socket" in str(failed.value)
