"""A server that a whole configuration file says all of, which can be changed while it runs; and what it logs."""

import json
import signal
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme

from ric0_trio.keyfile import save_private_key
from ric0_trio.protocol import PrivateKey
from tests.independent.client import Client
from tests.independent.keys import ED25519, UserKey, make_key
from tests.independent.operating import Said, Site, wait_until
from tests.independent.serving import NO_BOUND_PER_ADDRESS, running_server

Sections = Mapping[str, Mapping[str, Any] | str]
NOTHING: Sections = {}

GOING_AWAY = 1001
CA = trustme.CA()


@dataclass(frozen=True)
class Daemon(Site):
    """A server, its files, and the signals that it is sent."""

    at_start: Sections = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.folder / "ric0.toml"

    @property
    def is_up(self) -> bool:
        return self.server.process.poll() is None

    def client(self) -> Client:
        return Client(self.server.url, ca=self.folder / "ca.pem")

    def challenged(self) -> Client:
        client = self.client()
        assert client.challenge()["status"] == "success"
        return client

    def join(self, user: UserKey | None = None) -> str:
        """Come, connect and leave again: how `connect` was answered."""
        with self.challenged() as client:
            return str(client.connect(user or make_key(ED25519))["status"])

    def said(self, *events: str) -> Said:
        """What the log says of these events."""
        return [entry for entry in read_log(self.folder) if entry["event"] in events]

    def stop(self) -> None:
        """Stop it, as its supervisor does; it has to end well."""
        self.server.ask_to_stop()
        assert self.server.exit_code() == 0
        assert "Traceback" not in self.log

    def hang_up(self) -> dict[str, Any]:
        """Have it read its files anew, and wait for what it says of that."""
        before = len(self.said("server.reloaded", "server.reload_failed"))
        self.server.process.send_signal(signal.SIGHUP)
        return wait_until(
            lambda: self.said("server.reloaded", "server.reload_failed"),
            lambda said: len(said) > before or not self.is_up,
        )[before]

    def change(self, sections: Sections) -> dict[str, Any]:
        """Change the configuration from what it was at the start, and have it read."""
        self.write(sections)
        return self.hang_up()

    def write(self, sections: Sections) -> None:
        """Change the configuration from what it was at the start."""
        write(self.config, merge(self.at_start, sections))


def base(folder: Path) -> Sections:
    """What every server here is configured with."""
    return {
        "data_dir": str(folder / "data"),
        "listen": {"port": 0},
        "tls": {"cert": str(folder / "cert.pem"), "key": str(folder / "key.pem")},
        "server": {"identity": str(folder / "identity.pem")},
        "log": {"format": "json"},
    }


def merge(under: Sections, over: Sections) -> Sections:
    """As `over` says, and else as `under` does; None is no value."""
    merged: dict[str, Any] = dict(under)
    for name, section in over.items():
        mine = under.get(name, {})
        merged[name] = {**mine, **section} if isinstance(section, Mapping) and isinstance(mine, Mapping) else section
    return merged


def write(path: Path, sections: Sections) -> None:
    """Write it as TOML."""
    lines = [f"{name} = {json.dumps(value)}" for name, value in sections.items() if isinstance(value, str)]
    for name, section in sections.items():
        if isinstance(section, Mapping):
            pairs = [f"{key} = {json.dumps(value)}" for key, value in section.items() if value is not None]
            lines += [f"[{name}]", *pairs]
    path.write_text("\n".join(lines) + "\n")


def issue(folder: Path) -> bytes:
    """Make a certificate and its key there, in place of those that may be there, and return it in DER."""
    issued = CA.issue_cert("127.0.0.1")
    (folder / "cert.pem").write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    (folder / "key.pem").write_bytes(issued.private_key_pem.bytes())
    (folder / "key.pem").chmod(0o600)
    return ssl.PEM_cert_to_DER_cert(issued.cert_chain_pems[0].bytes().decode())


def read_log(folder: Path) -> Said:
    """The whole lines of a log in JSON."""
    lines = (folder / "output.txt").read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("\n")]


@contextmanager
def running_daemon(
    folder: Path,
    sections: Sections = NOTHING,
    *,
    environment: Mapping[str, str] = NO_BOUND_PER_ADDRESS,
    python: Sequence[str] = ("-m", "ric0_trio"),
    passed: Sequence[int] = (),
) -> Iterator[Daemon]:
    """A server with this configuration, on top of `base`; what it needs and is not there yet is made.

    The rest is as in `running_server`.
    """
    if not (folder / "identity.pem").exists():
        save_private_key(folder / "identity.pem", PrivateKey.generate())
        CA.cert_pem.write_to_path(folder / "ca.pem")
        issue(folder)
    at_start = merge(base(folder), sections)
    write(folder / "ric0.toml", at_start)
    options = ["--config", str(folder / "ric0.toml")]
    with running_server(
        folder,
        *options,
        python=python,
        passed=passed,
        environment={**NO_BOUND_PER_ADDRESS, **environment},
        is_dev=False,
    ) as server:
        yield Daemon(server, folder, at_start=at_start)
