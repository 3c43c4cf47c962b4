"""`check` while a server runs: its places are its own, and it is not disturbed."""

import json
import socket
from pathlib import Path

from tests.cli.conftest import Run
from tests.independent.ports import find_port
from tests.independent.serving import running_server


def configure(port: int, *also: str) -> None:
    """What `serve --dev` had made, as a configuration."""
    Path("ric0.toml").write_text(
        f'data_dir = "data"\n[listen]\nport = {port}\nalso = {json.dumps(also)}\n'
        '[server]\nidentity = "data/identity.pem"\nurl = "wss://localhost"\n'
        '[tls]\ncert = "data/cert.pem"\nkey = "data/cert-key.pem"\n'
    )


def test_while_a_server_runs_and_after(run: Run, tmp_path: Path) -> None:
    Path("started.toml").write_text('[listen]\nalso = ["unix:chat.sock"]\n')
    port = find_port()
    with running_server(tmp_path, "--config", "started.toml", "--log-level", "debug", "--port", str(port)) as server:
        configure(port, "unix:chat.sock")
        with server.client() as client:
            ended = run("check", "--config", "ric0.toml")
            assert client.challenge()["status"] == "success"
        assert "no TLS handshake or HTTP head" not in Path("output.txt").read_text()  # it did not connect
        assert (ended.code, ended.err) == (0, "")
        for line in (
            f"ok      {tmp_path}/data: a server runs on it",
            f"ok      127.0.0.1:{port}: in use, by the server that runs",
            "ok      unix:chat.sock: in use, by the server that runs",
            f"ok      {tmp_path}/data/access.sqlite3: sound, ",
        ):
            assert line in ended.out
        configure(port, "127.0.0.1:0", "unix:started.toml")  # to be had with the next start, but for a file
        ended = run("check", "--config", "ric0.toml")
        assert ended.code == 1
        assert "ok      127.0.0.1:0: free" in ended.out
        assert "FAILED  unix:started.toml: cannot listen there: Address already in use; " in ended.out
        server.ask_to_stop()
        assert server.exit_code() == 0
    configure(port, "unix:chat.sock")
    ended = run("check", "--config", "ric0.toml")
    assert ended.code == 0
    for line in ("/data: no server runs on it now", f"127.0.0.1:{port}: free", "unix:chat.sock: free"):
        assert line in ended.out
    with socket.create_server(("127.0.0.1", port)):
        assert run("check", "--config", "ric0.toml").code == 1
