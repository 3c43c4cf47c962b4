"""SIGHUP: the configuration and the certificate are read again, and nobody is put out."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
import structlog
import trio

from ric0_trio import __version__
from ric0_trio.access.sqlite import SqliteAccess
from ric0_trio.cli.exits import CommandError
from ric0_trio.cli.startup import Startup, load_startup
from ric0_trio.config import Config
from ric0_trio.protocol import AppInfo, PrivateKey, ServerInfo, ServerProfile, SoftwareVersion
from ric0_trio.server import Server, ServerLimits, Settings
from ric0_trio.server.limits import descriptors_for, fit_to_descriptors

_CHANGEABLE_IN_LISTEN = frozenset({"trusted_proxies", "allowed_origins"})


def make_settings(startup: Startup, url: str) -> Settings:
    """What the server is to be told. `url` is where it listens."""
    config = startup.config
    return Settings(
        _make_profile(config, startup.identity, url),
        startup.ssl_context,
        _fit(config.limits),
        trusted_proxies=config.listen.trusted_proxies,
        allowed_origins=config.listen.allowed_origins,
    )


class Reload:
    """Reads again what the server was started with, and has the server take what it can take while it runs."""

    def __init__(self, startup: Startup, url: str, server: Server, access: SqliteAccess) -> None:
        self._startup = startup
        self._url = url
        self._server = server
        self._access = access
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    async def run(self) -> None:
        """Do it, and say what came of it. Something wrong anywhere changes nothing."""
        try:
            startup, left = await trio.to_thread.run_sync(self._load)
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

    def _load(self) -> tuple[Startup, list[str]]:
        old, sources = self._startup, self._startup.sources
        wanted = sources.read()
        usable = _keep_what_needs_a_restart(old.config, wanted)
        startup = load_startup(sources, usable)
        left = list(_find_differences(usable, wanted))
        if startup.identity.public != old.identity.public:
            left.append("[server] identity")
            startup = replace(startup, identity=old.identity)
        return startup, left


def _keep_what_needs_a_restart(old: Config, new: Config) -> Config:
    changeable: dict[str, Any] = {name: getattr(new.listen, name) for name in _CHANGEABLE_IN_LISTEN}
    listen = msgspec.structs.replace(old.listen, **changeable)
    return msgspec.structs.replace(new, data_dir=old.data_dir, listen=listen, log=old.log, admin=old.admin)


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
