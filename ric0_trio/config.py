"""One frozen `Config`: defaults < file < environment < command line. Every default has its one place here.

The file is TOML, with the sections and keys below (docs/operations.md). Each key is also an environment variable,
`RIC0_TRIO_` and section and key in capitals: `RIC0_TRIO_LISTEN_PORT=443`; lists and tables are written as JSON there.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from ric0_trio.access.audit import AuditBounds
from ric0_trio.access.rules import Policy
from ric0_trio.config_errors import ConfigError, explain, one_of
from ric0_trio.config_sources import drop_none, merge, read_environment, read_file
from ric0_trio.protocol import KEY_FORMATS
from ric0_trio.protocol.messages import Capabilities, Extensions, Label, Sentence, Url
from ric0_trio.server.addresses import Networks
from ric0_trio.server.limits import ServerLimits
from ric0_trio.server.listening import PLACES, Place, parse_place
from ric0_trio.server.settings import Adapter, RecordSettings

DATA_DIR: Final = Path("ric0-data")

_WITHOUT_PORT: Final = ("unix:", "systemd:")
_LOCAL_PLACES: Final = "127.0.0.1:PORT, [::1]:PORT, unix:PATH or systemd:NAME, which other machines do not reach"
_NETWORKS: Final = "an address, a network (192.0.2.0/24, 2001:db8::/32) or unix"
_PROXIES: Final = "an address, a network that no client is in, or unix"

LogFormat = Literal["console", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all sections share: a key that is not known is an error, not a wish."""


class ListenSection(Section, frozen=True):
    """Where the server listens."""

    host: str = "127.0.0.1"
    """An address, the name of a host, `unix:PATH`, or `systemd:NAME` for sockets that systemd passes."""
    port: Annotated[int, Meta(ge=0, le=65535)] = 8443
    """0 picks a free one. Not for `unix:PATH` and `systemd:NAME`."""
    behind_proxy: bool = False
    """A proxy in front ends TLS, so plain `ws://` is spoken there."""
    also: tuple[str, ...] = ()
    """Further places, with TLS: `[::]:8443`, `unix:/run/ric0-trio/chat.sock`."""
    also_behind_proxy: tuple[str, ...] = ()
    """Further places at which plain `ws://` is spoken, with a proxy that ends TLS."""
    trusted_proxies: tuple[str, ...] = ()
    """Who may speak there, and say in `X-Forwarded-For` for whom: addresses, networks, `unix`."""
    allowed_origins: tuple[str, ...] = ()
    """Web pages of these origins may connect, `https://chat.example`; those of others may not."""
    adapter: Adapter = "direct"
    """What carries WebSockets: `direct`, or `plain`, which is trio-websocket as it comes."""

    @property
    def first(self) -> Place:
        """`host` and `port`."""
        if self.host.startswith(_WITHOUT_PORT):
            return parse_place(self.host)
        return Place(host=self.host.removeprefix("[").removesuffix("]"), port=self.port)

    @property
    def direct(self) -> Sequence[Place]:
        """Where clients come themselves."""
        return (*(() if self.behind_proxy else (self.first,)), *map(parse_place, self.also))

    @property
    def proxied(self) -> Sequence[Place]:
        """Where a proxy comes."""
        return (*((self.first,) if self.behind_proxy else ()), *map(parse_place, self.also_behind_proxy))


class TlsSection(Section, frozen=True):
    """The certificate that clients check: PEM files."""

    cert: Path | None = None
    """The chain, the server's own certificate first."""
    key: Path | None = None


class ServerSection(Section, frozen=True):
    """How the server names itself, and what it can do."""

    identity: Path | None = None
    """The server's private key."""
    name: Label = "ric0-trio"
    description: Sentence | None = None
    url: Url | None = None
    """What clients are told to come back to; by default, where the server listens."""
    capabilities: Capabilities = []
    extensions: Extensions = {}


class AccessSection(Policy, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may join (docs/access.md)."""

    accept_key_formats: Annotated[tuple[str, ...], Meta(min_length=1)] = tuple(KEY_FORMATS)


class AdminSection(Section, frozen=True):
    """Where the operator looks in (docs/operations.md)."""

    listen: str = ""
    """A loopback address and port, `127.0.0.1:9108`, or `unix:PATH`; empty: nowhere."""
    token_file: Path | None = None
    """The token for what names users is on its first line."""

    @property
    def place(self) -> Place | None:
        """Where to listen, if anywhere."""
        return parse_place(self.listen) if self.listen else None


class AuditSection(AuditBounds, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of the audit is kept."""


class LogSection(Section, frozen=True):
    """What is logged, and how: to the standard error stream."""

    format: LogFormat = "console"
    level: LogLevel = "info"


class LimitsSection(ServerLimits, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every bound on what a client can make the server spend (docs/limits.md)."""


class RecordSection(RecordSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which conversations are written down (docs/transcripts.md)."""


class Config(Section, frozen=True):
    """All that can be configured."""

    data_dir: Path = DATA_DIR
    """Where the server keeps who may join, and where commands reach it."""
    listen: ListenSection = ListenSection()
    tls: TlsSection = TlsSection()
    server: ServerSection = ServerSection()
    access: AccessSection = AccessSection()
    audit: AuditSection = AuditSection()
    log: LogSection = LogSection()
    admin: AdminSection = AdminSection()
    record: RecordSection = RecordSection()
    limits: LimitsSection = LimitsSection()


def load_config(
    file: Path | None,
    environment: Mapping[str, str],
    command_line: Mapping[str, Any] | None = None,
    *,
    data_dir: Path = DATA_DIR,
) -> Config:
    """Put the configuration together. `command_line` is nested as the file is; a None in it counts as absent.

    `data_dir` is the default for that key. Raises `ConfigError`.
    """
    layers = [({}, "defaults") if file is None else (read_file(file), str(file))]
    layers.append((read_environment(environment, Config()), "the environment"))
    layers.append((drop_none(command_line or {}), "the command line"))
    merged: dict[str, Any] = {"data_dir": data_dir}
    config = Config()
    for layer, origin in layers:
        merged = merge(merged, layer)
        try:
            config = msgspec.convert(merged, Config, strict=False, dec_hook=_to_path)
        except msgspec.ValidationError as error:
            raise ConfigError(f"{origin}: {explain(str(error), merged, Config())}") from None
        problem = _find_problem(config)
        if problem is not None:
            raise ConfigError(f"{origin}: {problem}")
    return config


def _find_problem(config: Config) -> str | None:
    """What types alone do not tell."""
    before, after = config.limits.max_message_bytes_before_auth, config.limits.max_message_bytes
    if before > after:
        return f"[limits] max_message_bytes_before_auth: expected at most max_message_bytes ({after}), got {before}"
    checks: Sequence[tuple[str, Iterable[str], Callable[[str], object], str]] = [
        ("[listen] host", _without_port(config.listen.host), parse_place, "unix:PATH or systemd:NAME"),
        ("[listen] also", config.listen.also, parse_place, PLACES),
        ("[listen] also_behind_proxy", config.listen.also_behind_proxy, parse_place, PLACES),
        ("[listen] trusted_proxies", config.listen.trusted_proxies, _take_proxies, _PROXIES),
        ("[listen] allowed_origins", config.listen.allowed_origins, _take_origin, "https://HOST, without a path or *"),
        ("[limits] exempt_networks", config.limits.exempt_networks, _take_network, _NETWORKS),
        ("[record] addresses", config.record.addresses, _take_network, _NETWORKS),
        ("[access] accept_key_formats", config.access.accept_key_formats, _take_key_format, one_of(KEY_FORMATS)),
        ("[admin] listen", filter(None, [config.admin.listen]), _take_local_place, _LOCAL_PLACES),
        ("[server] url", filter(None, [config.server.url]), _take_url, "one that begins with wss://"),
    ]
    for where, values, take, expected in checks:
        for value in values:
            try:
                take(value)
            except ValueError:
                return f"{where}: expected {expected}, got {value[:80]!r}"
    return _find_problem_of_places(config.listen)


def _find_problem_of_places(listen: ListenSection) -> str | None:
    places = [place for place in (*listen.direct, *listen.proxied) if not place.host or place.port]
    twice = next((place for place in places if places.count(place) > 1), None)
    if twice is not None:
        return f"[listen]: {twice} is there twice"
    trusted = {name == "unix" for name in listen.trusted_proxies}
    for place in listen.proxied if trusted else ():
        if place.name is None and (place.path is not None) not in trusted:
            wanted = '"unix"' if place.path is not None else "the proxy's address"
            return f"[listen] trusted_proxies: nobody of these could speak at {place}; add {wanted}"
    return None


def _without_port(host: str) -> Iterable[str]:
    return [host] if host.startswith(_WITHOUT_PORT) else []


def _take_local_place(text: str) -> None:
    if not parse_place(text).is_local():
        raise ValueError


def _take_network(text: str) -> None:
    Networks([text])


def _take_proxies(text: str) -> None:
    if text.endswith("/0"):
        raise ValueError
    _take_network(text)


def _take_origin(text: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/\s?#*]+", text, re.IGNORECASE):
        raise ValueError


def _take_key_format(text: str) -> None:
    if text not in KEY_FORMATS:
        raise ValueError


def _take_url(text: str) -> None:
    if not text.startswith(("wss://", "ws://")):
        raise ValueError


def _to_path(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, Path):
        return value
    if kind is Path and isinstance(value, str) and value and not {"\n", "\0"} & {*value}:  # a pasted key is no path
        return Path(value)
    raise ValueError("Expected `path`")
