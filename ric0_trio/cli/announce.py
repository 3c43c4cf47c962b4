"""Saying where the server listens: in the log, to who tries it out, and in the ready file."""

import json
import os
import shlex
import shutil
import ssl
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import structlog
import trio

from ric0_trio.cli.exits import CommandError, Exit
from ric0_trio.cli.startup import Startup
from ric0_trio.protocol import PATH, PrivateKey, available_codecs
from ric0_trio.server.limits import ServerLimits
from ric0_trio.server.listening import Place, place_of
from ric0_trio.transport.loopback import is_loopback


@dataclass(frozen=True)
class Doors:
    """Where the server listens: for clients themselves, and for proxies."""

    direct: Sequence[trio.SocketListener]
    proxied: Sequence[trio.SocketListener]

    def find_url(self, ssl_context: ssl.SSLContext | None) -> str:
        """Where clients of this machine reach the first."""
        first = (self.direct or self.proxied)[0]
        scheme = "ws" if ssl_context is None else "wss"
        name: object = first.socket.getsockname()
        if not isinstance(name, tuple):
            return f"{scheme}+{place_of(first)}"
        host, port = str(name[0]), int(name[1])
        reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
        return f"{scheme}://{Place(host=reachable, port=port)}{PATH}"


def announce(startup: Startup, doors: Doors, url: str, limits: ServerLimits, ca: Path | None) -> None:
    """Say where the server listens."""
    config, identity = startup.config, startup.identity
    log = structlog.get_logger()
    subprotocols = [codec.subprotocol for codec in available_codecs()]
    fingerprint = identity.public.fingerprint
    log.info(
        "server.listening",
        url=url,
        at=list(map(place_of, doors.direct)) or None,
        behind_proxy=list(map(place_of, doors.proxied)) or None,
        key=fingerprint,
        mode=config.access.mode,
        subprotocols=subprotocols,
        max_connections=limits.max_connections,
    )
    if "bson" not in subprotocols:
        log.info("server.without_bson", remedy="pip install 'ric0-trio[bson]'")
    if config.server.url is None and not startup.dev and _is_known_otherwise(doors):
        remedy = "say in [server] url what clients use, as wss://chat.example/ric0_chat"
        log.warning("server.url_unknown", clients_are_told=url, remedy=remedy)
    if startup.dev:
        trust = ["--ca", str(ca)] if ca is not None else []
        probe = shlex.join([*_own_command(), "probe", url, *trust, "--pin", fingerprint])
        click.echo(f"listening on  {url}\nserver key    {fingerprint}\n\nTry it from a second terminal:\n\n  {probe}\n")


def _is_known_otherwise(doors: Doors) -> bool:
    """Whether clients come from elsewhere, so that where it listens is not what they use."""
    names = [listener.socket.getsockname() for listener in doors.direct]
    return bool(doors.proxied) or not all(isinstance(name, tuple) and is_loopback(name[0]) for name in names)


def _own_command() -> list[str]:
    """How to start this program again, from any folder."""
    program = shutil.which(sys.argv[0]) or sys.argv[0]
    if program.endswith("__main__.py"):
        return [sys.executable, "-m", "ric0_trio"]
    return ["ric0-trio"] if shutil.which("ric0-trio") == program else [str(Path(program).resolve())]


def write_ready_file(path: Path, url: str, identity: PrivateKey, ca: Path | None) -> None:
    """Write the ready file, in one piece. Raises `CommandError`."""
    public = identity.public
    ready = {
        "url": url,
        "pubkey": {"key": public.key, "format": public.format},
        "fingerprint": public.fingerprint,
        "ca": None if ca is None else str(ca),
        "pid": os.getpid(),
    }
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_text(json.dumps(ready) + "\n", encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise CommandError(f"--ready-file {path}: {error.strerror}", Exit.FAILED) from None
