"""`serve` at several places at once: TCP and unix sockets, with TLS and behind a proxy."""

import json
import resource
import select
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ric0_trio.keyfile import save_private_key
from ric0_trio.protocol import PrivateKey
from tests.cli.conftest import Serve
from tests.cli.test_serve import visit
from tests.independent.ports import find_port
from tests.independent.serving import running_server
from tests.server.hostile_heads import head


def status_at(place: str | tuple[str, int], **headers: str) -> int:
    """What an upgrade in plain text is answered there."""
    family = socket.AF_UNIX if isinstance(place, str) else socket.AF_INET
    with socket.socket(family) as stream:
        stream.settimeout(10)
        stream.connect(place)
        stream.sendall(head(**headers))
        return int(stream.recv(4096).split()[1])


def test_several_places_at_once(serve: Serve, tmp_path: Path) -> None:
    also, plain = find_port(), find_port()
    (tmp_path / "c.toml").write_text(
        f'[listen]\nalso = ["127.0.0.1:{also}"]\nalso_behind_proxy = ["unix:chat.sock", "127.0.0.1:{plain}"]\n'
        'trusted_proxies = ["unix", "192.0.2.1"]\n'
    )

    def go_round(ready: dict[str, Any]) -> None:
        visit(ready)
        visit(ready | {"url": f"wss://127.0.0.1:{also}/ric0_chat"})
        assert status_at("chat.sock", X_Forwarded_For="192.0.2.7") == 101
        assert status_at(("127.0.0.1", plain)) == 403  # only those at the unix socket are trusted
        first = urlsplit(ready["url"])
        assert (first.scheme, first.hostname) == ("wss", "127.0.0.1")

    served = serve("--dev", "--config", "c.toml", "--log-format", "json", during=go_round)
    assert served.code == 0
    assert not (tmp_path / "chat.sock").exists()
    logged = [json.loads(line) for line in served.err.splitlines()]
    (listening,) = [entry for entry in logged if entry["event"] == "server.listening"]
    assert listening["at"][1:] == [f"127.0.0.1:{also}"]
    assert listening["behind_proxy"] == ["unix:chat.sock", f"127.0.0.1:{plain}"]
    assert {entry["limit"] for entry in logged if entry["event"] == "limit.reached"} == {"trusted_proxies"}


def test_a_unix_socket_alone(serve: Serve, tmp_path: Path) -> None:
    save_private_key(tmp_path / "identity.pem", PrivateKey.generate())
    (tmp_path / "c.toml").write_text(
        '[listen]\nhost = "unix:chat.sock"\nbehind_proxy = true\ntrusted_proxies = ["unix"]\n'
        '[server]\nidentity = "identity.pem"\nurl = "wss://chat.example/ric0_chat"\n'
    )
    served = serve("--config", "c.toml", during=lambda ready: status_at("chat.sock"))
    assert (served.code, served.ready["url"]) == (0, "ws+unix:chat.sock")


def test_it_keeps_to_the_files_that_it_may_open(tmp_path: Path) -> None:
    """Of 100 files it takes 80 clients, and says so; strangers have half of them, and one gives way to the next."""
    starter = "import resource, sys, runpy; resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)); "
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[1] >= 100
    starter += "sys.argv = ['ric0-trio', *sys.argv[1:]]; runpy.run_module('ric0_trio', run_name='__main__')"
    with running_server(tmp_path, "--plaintext", "--log-format", "json", python=["-c", starter]) as server:
        place = ("127.0.0.1", urlsplit(server.url).port or 0)
        held = [socket.create_connection(place) for _ in range(40)]
        try:
            for stream in held:
                stream.sendall(head())
                stream.settimeout(10)
                assert stream.recv(4096).startswith(b"HTTP/1.1 101 ")
            assert status_at(place) == 101
            readable, _, _ = select.select(held, [], [], 10)
            (gone,) = readable
            assert gone.recv(100).startswith(b"\x88")
        finally:
            for stream in held:
                stream.close()
        server.ask_to_stop()
        assert server.exit_code() == 0
    said = (tmp_path / "output.txt").read_text()
    assert "server.fewer_connections" in said
    assert '"max_connections": 80' in said
