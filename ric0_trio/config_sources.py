"""Where the configuration comes from, a layer each: a TOML file, and the environment."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from ric0_trio.config_errors import ConfigError, one_of

ENVIRONMENT_PREFIX: Final = "RIC0_TRIO_"


def read_file(file: Path) -> dict[str, Any]:
    """Read a TOML file. Raises `ConfigError`."""
    try:
        with file.open("rb") as opened:
            return tomllib.load(opened)
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:  # those of tomllib and UTF-8; of int, for thousands of digits
        raise ConfigError(f"{file}: no valid TOML: {error}") from None


def read_environment(environment: Mapping[str, str], defaults: msgspec.Struct) -> dict[str, Any]:
    """Take the variables that are ours: those of the keys of `defaults`. Raises `ConfigError`."""
    for name, text in environment.items():
        if name.startswith(ENVIRONMENT_PREFIX) and any("\ud800" <= char <= "\udfff" for char in text):
            raise ConfigError(f"the environment: {name}: expected text in UTF-8")
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(defaults):
        name = ENVIRONMENT_PREFIX + field.name.upper()
        if not isinstance(field.default, msgspec.Struct):
            if name in environment:
                found[field.name] = environment[name]
            continue
        keys = [f.name for f in msgspec.structs.fields(field.default)]
        variables = [f"{name}_{key.upper()}" for key in keys]
        for variable in environment:
            if variable.startswith(f"{name}_") and variable not in variables:
                raise ConfigError(f"the environment: {variable}: no such key; expected {one_of(variables)}")
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


def drop_none(layer: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out, at every depth, what is None."""
    return {
        key: drop_none(value) if isinstance(value, Mapping) else value
        for key, value in layer.items()
        if value is not None
    }


def merge(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Put one layer over another, key by key."""
    both = under.keys() & over.keys()
    nested = {
        key: merge(under[key], over[key])
        for key in both
        if isinstance(under[key], dict) and isinstance(over[key], dict)
    }
    return {**under, **over, **nested}
