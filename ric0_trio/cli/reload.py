"""SIGHUP: the configuration and the certificate are read again, and nobody is put out."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import msgspec
import structlog
import trio

from ric0_trio import __version__
from ric0_trio.access.sqlite import SqliteAccess
from ric0_trio.cli.contradictions import find_contradictions, find_missing_url
from ric0_trio.cli.exits import CommandError, Exit
from ric0_trio.cli.startup import Startup, load_startup
from ric0_trio.config import Config
from ric0_trio.protocol import AppInfo, PrivateKey, ServerInfo, ServerProfile, SoftwareVersion
from ric0_trio.server import Server, ServerLimits, Settings
from ric0_trio.server.limits import descriptors_for, fit_to_descriptors

_PATIENCE_S: Final = 30.0
"""Files on a disk that hangs are not waited for longer."""


def make_settings(startup: Startup, url: str) -> Settings:
    """What the server is to be told. `url` is where it listens."""
    config = startup.config
    return Settings(
        _make_profile(config, startup.identity, url),
        startup.ssl_context,
        _fit(config.limits),
        trusted_proxies=config.listen.trusted_proxies,
        allowed_origins=config.listen.allowed_origins,
        adapter=config.listen.adapter,
        record=config.record,
    )


class Reload:
    """Reads again what the server was started with, and has the server take what it can take while it runs."""

    def __init__(self, startup: Startup, url: str, server: Server, access: SqliteAccess, *, is_unix: bool) -> None:
        """`url` is where the server listens; with `is_unix`, that is at a unix socket, to which no URL leads."""
        self._startup = startup
        self._is_unix = is_unix
        self._url = url
        self._server = server
        self._access = access
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    async def run(self) -> None:
        """Do it, and say what came of it. Something wrong anywhere changes nothing."""
        try:
            startup, left = await self._load_in_time()
        except CommandError as error:
            self._server.metrics.count_reload("failed")
            self._log.error(
                "server.reload_failed", error=str(error), remedy="nothing has changed; mend it and try again"
            )
            return
        self._startup = startup
        self._server.change(make_settings(startup, self._url))
        self._server.metrics.show_certificate(startup.certificate_expires_at)
        self._access.change(startup.config.access, startup.config.audit)
        self._server.metrics.count_reload("done")
        self._log.info("server.reloaded", mode=startup.config.access.mode, needs_restart=left or None)

    async def _load_in_time(self) -> tuple[Startup, list[str]]:
        try:
            with trio.fail_after(_PATIENCE_S):
                return await trio.to_thread.run_sync(self._load, abandon_on_cancel=True)
        except trio.TooSlowError:
            why = f"the files could not be read within {_PATIENCE_S:.0f} s; see the disk, and the system's log"
        except RuntimeError as error:  # the system gives no thread
            why = f"the files cannot be read: {error}; raise this account's limit of processes"
        raise CommandError(why, Exit.FAILED)

    def _load(self) -> tuple[Startup, list[str]]:
        old, sources = self._startup, self._startup.sources
        wanted = sources.read()
        for error in find_contradictions(wanted):  # it would not start with that
            raise error
        usable = _keep_what_needs_a_restart(old.config, wanted)
        if self._is_unix and (missing := find_missing_url(usable)) is not None:
            raise missing
        startup = load_startup(sources, usable)
        left = list(_find_differences(usable, wanted))
        if startup.identity.public != old.identity.public:
            left.append("[server] identity")
            startup = replace(startup, identity=old.identity)
        return startup, left


def _keep_what_needs_a_restart(old: Config, new: Config) -> Config:
    kept: dict[str, Any] = {"data_dir": old.data_dir, "log": old.log, "admin": old.admin}
    listen = msgspec.structs.replace(old.listen, allowed_origins=new.listen.allowed_origins)
    if old.listen.proxied == new.listen.proxied:  # or the proxies of the new places would be turned away at the old
        listen = msgspec.structs.replace(listen, trusted_proxies=new.listen.trusted_proxies)
    if bool(old.listen.direct) != bool(new.listen.direct):  # TLS begins, or ends, with the restart
        kept["tls"] = old.tls
    return msgspec.structs.replace(new, listen=listen, **kept)


def _find_differences(one: Config, other: Config) -> Iterator[str]:
    for section in one.__struct_fields__:
        mine, theirs = getattr(one, section), getattr(other, section)
        if not isinstance(mine, msgspec.Struct):
            if mine != theirs:
                yield section
            continue
        for key in mine.__struct_fields__:
            if getattr(mine, key) != getattr(theirs, key):
                yield f"[{section}] {key}"


def _make_profile(config: Config, identity: PrivateKey, url: str) -> ServerProfile:
    told = config.server
    return ServerProfile(
        app=AppInfo(
            name="ric0-trio",
            version=SoftwareVersion.parse(__version__),
            capabilities=told.capabilities,
            extensions=told.extensions,
        ),
        info=ServerInfo(pubkey=identity.public, url=told.url or url, name=told.name, description=told.description),
        accepted_key_formats=frozenset(config.access.accept_key_formats),
    )


def _fit(limits: ServerLimits) -> ServerLimits:
    """Keep to what this process may have open, and say so."""
    wanted, possible = limits.max_connections, fit_to_descriptors(limits.max_connections)
    if possible < wanted:
        remedy = f"raise the limit on open files to {descriptors_for(wanted)} (ulimit -n, or LimitNOFILE= of systemd)"
        structlog.get_logger().info("server.fewer_connections", max_connections=possible, wanted=wanted, remedy=remedy)
    return msgspec.structs.replace(limits, max_connections=possible)
