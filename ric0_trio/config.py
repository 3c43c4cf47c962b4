"""One frozen `Config`: defaults < file < environment < command line. Every default has its one place here.

The file is TOML, with the sections and keys below (docs/operations.md). Each key is also an environment variable,
`RIC0_TRIO_` and section and key in capitals: `RIC0_TRIO_LISTEN_PORT=443`; lists and tables are written as JSON there.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from msgspec import Meta

from ric0_trio.protocol import KEY_FORMATS
from ric0_trio.protocol.messages import Capabilities, Extensions, Label, Sentence, Url
from ric0_trio.server.limits import ServerLimits

ENVIRONMENT_PREFIX: Final = "RIC0_TRIO_"

LogFormat = Literal["console", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]


class ConfigError(Exception):
    """The configuration cannot be used. Its text says where, what was wrong, and what would be right."""


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all sections share: a key that is not known is an error, not a wish."""


class ListenSection(Section, frozen=True):
    """Where the server listens."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8443
    """0 picks a free one."""
    behind_proxy: bool = False
    """A proxy in front ends TLS, so plain `ws://` is spoken here."""


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


class AccessSection(Section, frozen=True):
    """Who may join."""

    accept_key_formats: Annotated[tuple[str, ...], Meta(min_length=1)] = tuple(KEY_FORMATS)


class LogSection(Section, frozen=True):
    """What is logged, and how: to the standard error stream."""

    format: LogFormat = "console"
    level: LogLevel = "info"


class LimitsSection(ServerLimits, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every bound on what a client can make the server spend (docs/limits.md)."""


class Config(Section, frozen=True):
    """All that can be configured."""

    data_dir: Path = Path("ric0-data")
    """Where the server keeps what it makes."""
    listen: ListenSection = ListenSection()
    tls: TlsSection = TlsSection()
    server: ServerSection = ServerSection()
    access: AccessSection = AccessSection()
    log: LogSection = LogSection()
    limits: LimitsSection = LimitsSection()


def load_config(
    file: Path | None, environment: Mapping[str, str], command_line: Mapping[str, Any] | None = None
) -> Config:
    """Put the configuration together. `command_line` is nested as the file is; a None in it counts as absent.

    Raises `ConfigError`.
    """
    layers = [({}, "defaults") if file is None else (_read_file(file), str(file))]
    layers.append((_read_environment(environment), "the environment"))
    layers.append((_without_none(command_line or {}), "the command line"))
    merged: dict[str, Any] = {}
    config = Config()
    for layer, origin in layers:
        merged = _merge(merged, layer)
        try:
            config = msgspec.convert(merged, Config, strict=False, dec_hook=_to_path)
        except msgspec.ValidationError as error:
            raise ConfigError(f"{origin}: {_explain(str(error), merged)}") from None
        unknown = [name for name in config.access.accept_key_formats if name not in KEY_FORMATS]
        if unknown:
            expected = f"expected {_one_of(KEY_FORMATS)}, got {unknown[0]!r}"
            raise ConfigError(f"{origin}: [access] accept_key_formats: {expected}")
    return config


def _to_path(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, Path):
        return value
    if kind is Path and isinstance(value, str) and value and "\n" not in value:  # a pasted key is no path
        return Path(value)
    raise ValueError("Expected `path`")


def _read_file(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            return tomllib.load(opened)
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: no valid TOML: {error}") from None


def _read_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(Config):
        name = ENVIRONMENT_PREFIX + field.name.upper()
        if not isinstance(field.default, msgspec.Struct):
            if name in environment:
                found[field.name] = environment[name]
            continue
        section = {
            key: _read_variable(environment[variable], default)
            for key, default in msgspec.structs.asdict(field.default).items()
            if (variable := f"{name}_{key.upper()}") in environment
        }
        if section:
            found[field.name] = section
    return found


def _read_variable(text: str, default: object) -> object:
    if not isinstance(default, list | tuple | dict):
        return text
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _without_none(layer: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _without_none(value) if isinstance(value, Mapping) else value
        for key, value in layer.items()
        if value is not None
    }


def _merge(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    both = under.keys() & over.keys()
    nested = {
        key: _merge(under[key], over[key])
        for key in both
        if isinstance(under[key], dict) and isinstance(over[key], dict)
    }
    return {**under, **over, **nested}


_KINDS: Final = {
    "array": "a list",
    "bool": "true or false",
    "float": "a number",
    "int": "a whole number",
    "object": "a table",
    "path": "the path of a file or folder",
    "str": "text",
}
_BOUNDS: Final = {">": "above", ">=": "of at least", "<=": "of at most"}


def _explain(error: str, merged: dict[str, Any]) -> str:
    """Turn "Expected `float` > 0.0 - at `$.limits.x`" into "[limits] x: expected a number above 0, got -3"."""
    what, _, where = error.partition(" - at `$")
    where = where.strip("`.")
    unknown = re.match(r"Object contains unknown field `(.*)`", what, re.DOTALL)
    if unknown is not None:
        known = _fields_of(getattr(Config(), where)) if where else _fields_of(Config())
        return f"{_place(where, unknown[1])}: no such key; expected {_one_of(known)}"
    steps = re.findall(r"\.\.\.|[^.\[\]]+", where)
    section, _, key = where.partition(".")
    return f"{_place(section, key)}: expected {_expected(what, steps)}{_got(what, steps, merged)}"


def _place(section: str, key: str) -> str:
    return f"[{section}] {key}" if section and key else section or key


def _fields_of(section: msgspec.Struct) -> list[str]:
    return [field.name for field in msgspec.structs.fields(section)]


def _expected(what: str, steps: list[str]) -> str:
    match = re.match(r"Expected `(\w+)[^`]*`( of length)?(?: (>=|<=|>) ([\d.]+))?", what)
    if match is None:  # one of several words
        section = getattr(Config(), steps[0])
        return _one_of(next(get_args(f.type) for f in msgspec.structs.fields(section) if f.name == steps[1]))
    kind, length, bound, number = match.groups()
    text = _KINDS[kind] + (length or "")
    if bound is None:
        return text
    least = _BOUNDS[bound].removeprefix("of ") if length else _BOUNDS[bound]
    return f"{text} {least} {number.removesuffix('.0')}"


def _got(what: str, steps: list[str], merged: dict[str, Any]) -> str:
    value: Any = merged
    for step in steps:
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal():
            value = value[int(step)]
        else:  # within a table of any keys, msgspec does not say where
            kind = re.search(r"got `(\w+)`$", what)
            return f", got {_KINDS.get(kind[1], kind[1])}" if kind else ""
    if isinstance(value, dict):
        return ", got a table"
    return ", got several lines" if "\n" in str(value) else f", got {value!r}"


def _one_of(words: Iterable[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last
