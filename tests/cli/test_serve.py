"""`serve` in this process: what it makes, writes, prints and logs, and how it is configured."""

import json
import os
import shlex
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme

from ric0_trio.client import MemoryKnownServers, open_chat
from ric0_trio.keyfile import load_private_key, save_private_key
from ric0_trio.protocol import PrivateKey, ServerInfo
from tests.cli.conftest import Serve
from tests.client.stage import ME

MADE = {"identity.pem": 0o600, "ca.pem": None, "cert.pem": None, "cert-key.pem": 0o600}
KEPT = {"access.sqlite3": 0o600, "server.lock": 0o600}


def visit(ready: dict[str, Any]) -> ServerInfo:
    """Be let in by the server that is ready, and return how it names itself."""

    async def come() -> ServerInfo:
        trust = ssl.create_default_context(cafile=ready["ca"]) if ready["ca"] else None
        async with open_chat(ready["url"], ME, ssl_context=trust, known_servers=MemoryKnownServers()) as chat:
            await chat.disconnect()
            return chat.server_identity

    return trio.run(come)


def printed_command(out: str) -> list[str]:
    (line,) = [line for line in out.splitlines() if " probe " in line]
    return shlex.split(line)


def test_a_trial_makes_all_it_needs_in_its_own_folder(serve: Serve, tmp_path: Path) -> None:
    assert serve("--dev", during=visit).code == 0
    folder = tmp_path / "ric0-dev"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in folder.iterdir()} == {*MADE, *KEPT}
    for name, mode in (MADE | KEPT).items():
        assert mode in (None, (folder / name).stat().st_mode & 0o777)
    assert {path.name for path in tmp_path.iterdir()} == {"ric0-dev", "ready.json"}


def test_the_second_trial_finds_what_the_first_made(serve: Serve, tmp_path: Path) -> None:
    def read() -> dict[str, bytes]:
        return {name: (tmp_path / "data" / name).read_bytes() for name in MADE}

    one = serve("--dev", "--data-dir", tmp_path / "data")
    first = read()
    two = serve("--dev", "--data-dir", tmp_path / "data")
    assert read() == first
    assert one.ready["fingerprint"] == two.ready["fingerprint"]
    for name in ("ca.pem", "cert.pem", "cert-key.pem"):
        (tmp_path / "data" / name).unlink()
    serve("--dev", "--data-dir", tmp_path / "data", during=visit)
    assert {name for name, content in read().items() if content == first[name]} == {"identity.pem"}


def test_the_ready_file_and_the_banner(serve: Serve, tmp_path: Path) -> None:
    served = serve("--dev", "--data-dir", "data")
    ready = served.ready
    public = load_private_key(tmp_path / "data" / "identity.pem").public
    assert ready == {
        "url": ready["url"],
        "pubkey": {"key": public.key, "format": public.format},
        "fingerprint": public.fingerprint,
        "ca": str(tmp_path / "data" / "ca.pem"),
        "pid": os.getpid(),
    }
    assert ready["url"].startswith("wss://127.0.0.1:")
    assert ready["url"].endswith("/ric0_chat")
    assert f"listening on  {ready['url']}\nserver key    {public.fingerprint}\n" in served.out
    command = printed_command(served.out)
    expected = ["probe", ready["url"], "--ca", ready["ca"], "--pin", public.fingerprint]
    assert command[command.index("probe") :] == expected


def test_an_own_certificate_is_not_said_to_be_of_the_throw_away_authority(serve: Serve, tmp_path: Path) -> None:
    issued = trustme.CA().issue_cert("localhost")
    (tmp_path / "cert.pem").write_bytes(issued.cert_chain_pems[0].bytes())
    (tmp_path / "key.pem").write_bytes(issued.private_key_pem.bytes())
    served = serve("--dev", "--cert", tmp_path / "cert.pem", "--key", tmp_path / "key.pem")
    assert served.ready["ca"] is None
    assert "--ca" not in printed_command(served.out)


def test_plain_text(serve: Serve) -> None:
    served = serve("--dev", "--plaintext", during=visit)
    assert served.ready["url"].startswith("ws://127.0.0.1:")
    assert served.ready["ca"] is None
    assert "--ca" not in printed_command(served.out)


def test_behind_a_proxy(serve: Serve, tmp_path: Path) -> None:
    save_private_key(tmp_path / "identity.pem", PrivateKey.generate())
    (tmp_path / "ric0.toml").write_text(
        '[listen]\nhost = "0.0.0.0"\nbehind_proxy = true\ntrusted_proxies = ["127.0.0.1"]'
    )
    served = serve("--config", tmp_path / "ric0.toml", "--identity", tmp_path / "identity.pem", during=visit)
    assert served.ready["url"].startswith("ws://127.0.0.1:")
    assert (served.code, served.out) == (0, "")


def test_the_plain_adapter(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIC0_TRIO_LISTEN_ADAPTER", "plain")
    seen: list[ServerInfo] = []
    served = serve("--dev", during=lambda ready: seen.append(visit(ready)))
    assert (served.code, len(seen)) == (0, 1)


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")
def test_an_ipv6_address_is_in_brackets(serve: Serve) -> None:
    served = serve("--dev", "--host", "::1", during=visit)
    assert served.ready["url"].startswith("wss://[::1]:")


# Where its configuration comes from


def test_all_of_its_configuration_counts(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file gives a name and a host, the environment another name and a folder, the command line another folder."""
    (tmp_path / "ric0.toml").write_text(
        '[listen]\nhost = "localhost"\nport = 1\n[server]\nname = "file"\ndescription = "from the file"\n'
        'url = "wss://chat.example"\n[log]\nformat = "json"'
    )
    monkeypatch.setenv("RIC0_TRIO_SERVER_NAME", "environment")
    monkeypatch.setenv("RIC0_TRIO_DATA_DIR", str(tmp_path / "environment"))
    seen: list[ServerInfo] = []
    ended = serve(
        "--dev", "--config", tmp_path / "ric0.toml", "--host", "127.0.0.1", "--data-dir", tmp_path / "flag",
        during=lambda ready: seen.append(visit(ready)),
    )  # fmt: skip
    assert (seen[0].name, seen[0].description, seen[0].url) == ("environment", "from the file", "wss://chat.example")
    assert (tmp_path / "flag" / "identity.pem").exists()
    assert not (tmp_path / "environment").exists()
    assert ended.err.startswith("{")


# What it logs


def test_a_log_for_machines_has_an_object_a_line(serve: Serve) -> None:
    ended = serve("--dev", "--log-format", "json", "--log-level", "debug", during=visit)
    events = [json.loads(line) for line in ended.err.splitlines()]
    ended_connection = next(event for event in events if event["event"] == "connection.ended")
    events.remove(ended_connection)  # its place is not fixed: by then the server may have begun to stop
    assert [event["event"] for event in events] == [
        "server.listening",
        "challenge.answered",
        "connect.admitted",
        "session.left",
        "disconnect.answered",
        "server.stopping",
        "server.stopped",
    ]
    assert all({"event", "level", "timestamp"} <= event.keys() for event in [ended_connection, *events])
    assert events[2]["name"] == ME.name
    assert events[-2]["signal"] == "SIGTERM"


def test_a_log_for_people_keeps_strangers_in_their_line(serve: Serve) -> None:
    ended = serve("--dev", during=visit)
    assert "server.listening" in ended.err
    assert "connect.admitted" in ended.err
    assert "challenge.answered" not in ended.err


def test_a_higher_level_is_quiet(serve: Serve) -> None:
    ended = serve("--dev", "--log-level", "warning", during=visit)
    assert ended.err == ""
    assert ended.out.startswith("listening on")


@pytest.mark.parametrize("name", ["identity.pem", "cert-key.pem"])
def test_a_key_that_everyone_may_read_is_warned_of(name: str, serve: Serve, tmp_path: Path) -> None:
    serve("--dev", "--data-dir", "data")
    key = tmp_path / "data" / name
    key.chmod(0o644)
    ended = serve("--dev", "--data-dir", "data", "--log-format", "json", "--log-level", "warning")
    (warning,) = map(json.loads, ended.err.splitlines())
    assert warning["event"] == "key.open_to_everyone"
    assert warning["remedy"] == f"chmod 600 {Path('data') / name}"
