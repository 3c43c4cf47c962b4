"""The real command, started to be measured: how to reach it, and what it uses of the processor."""

import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.plain_client import Client, Messages, Place
from ric0_trio.load.server_usage import read_cpu_s
from ric0_trio.protocol import PublicKey

LOOPBACK_IS_EXEMPT = {"RIC0_TRIO_LIMITS_EXEMPT_NETWORKS": '["127.0.0.0/8"]'}
"""Lifts the bounds per address from all of loopback, and no other: for what comes from one address."""


@dataclass(frozen=True)
class Served:
    """A server that listens."""

    ready_file: Path
    place: Place
    tls: ssl.SSLContext | None
    messages: Messages
    pid: int

    @classmethod
    def by(cls, ready_file: Path) -> "Served":
        """The one that wrote this ready file."""
        ready = json.loads(ready_file.read_text())
        url = urlsplit(ready["url"])
        tls = ssl.create_default_context(cafile=ready["ca"]) if ready["ca"] else None
        messages = Messages(PublicKey(**ready["pubkey"]))
        return cls(ready_file, (str(url.hostname), int(url.port or 0)), tls, messages, ready["pid"])

    def client(self, source: str | None = None) -> Client:
        """A new connection, over TLS if the server has it."""
        return Client(self.place, source=source, tls=self.tls)

    def cpu_s(self) -> float:
        """What it has used so far, by the system's account."""
        return read_cpu_s(self.pid)


@contextmanager
def running_server(
    *options: str, core: int | None = None, environment: dict[str, str] | None = None, data_dir: Path | None = None
) -> Iterator[Served]:
    """`serve --dev` on a free port of loopback; on one core alone, and on a database that is there, if that is said."""
    with tempfile.TemporaryDirectory() as folder:
        ready, data = Path(folder, "ready.json"), str(data_dir or folder)
        flags = ["--dev", "--port", "0", "--data-dir", data, "--ready-file", str(ready), "--log-level", "warning"]
        command = [sys.executable, "-m", "ric0_trio", "serve", *flags, *options]
        with subprocess.Popen(command, env=os.environ | (environment or {}), stdout=subprocess.DEVNULL) as process:
            try:
                if core is not None:
                    os.sched_setaffinity(process.pid, {core})
                while not ready.exists():
                    if process.poll() is not None:
                        raise SystemExit("the server did not start")
                    time.sleep(0.005)
                yield Served.by(ready)
            finally:
                process.terminate()
