"""Structures: every key of what the messages are made of, at its bounds and beyond."""

from typing import Any

from ric0_trio.conform.checks.attempts import NO_OBJECTS, NO_STRINGS, refuse_values, take_values
from ric0_trio.conform.encodings import Plain
from ric0_trio.conform.evidence import show_value
from ric0_trio.conform.messages import NEVER_USED, OMIT
from ric0_trio.conform.outcomes import FailedError
from ric0_trio.conform.people import key_problem
from ric0_trio.conform.registry import check
from ric0_trio.conform.site import Site

_MAX_COUNT = 2_147_483_647
_VERSION = "client_app.version."


def _unknown_key(characters: int) -> Plain:
    """A key of an unknown format, which has so many characters."""
    return {"key": "A" * characters, "format": NEVER_USED}


async def _is_text(site: Site, path: str, least: int, most: int, *, is_needed: bool = False) -> None:
    """See that a string of `least` to `most` characters is taken there, and nothing else."""
    await take_values(site, path, "a" * max(least, 1), "a" * most, *([""] if not least else []))
    await (refuse_values if is_needed else take_values)(site, path, OMIT)
    await refuse_values(site, path, "a" * (most + 1), *NO_STRINGS, *([""] if least else []))


async def _is_count(site: Site, path: str) -> None:
    await take_values(site, path, 0, _MAX_COUNT)
    await refuse_values(site, path, -1, _MAX_COUNT + 1, 2**63 - 1, "1", [1])


async def _is_one_of(site: Site, path: str, *words: str) -> None:
    await take_values(site, path, *words)
    await refuse_values(site, path, OMIT, "", words[0].upper(), f"{words[0]} ", NEVER_USED, 0)


@check("D1")
async def bounds_keys(site: Site) -> None:
    await take_values(site, "user.home_server", _unknown_key(4), _unknown_key(1024))
    await refuse_values(site, "user.home_server", _unknown_key(0), _unknown_key(1028))
    await refuse_values(site, "user.pubkey.key", OMIT, *NO_STRINGS)


@check("D2")
async def bounds_formats(site: Site) -> None:
    keys = [{"key": "AAAA", "format": name} for name in ("x", "x" * 64, "", "x" * 65)]
    await take_values(site, "user.home_server", *keys[:2])
    await refuse_values(site, "user.home_server", *keys[2:])
    await refuse_values(site, "user.pubkey.format", OMIT, *NO_STRINGS)


@check("D3")
async def knows_types_of_versions(site: Site) -> None:
    await _is_one_of(site, f"{_VERSION}type", "alpha", "beta", "dev", "release")


@check("D4")
async def bounds_major(site: Site) -> None:
    await _is_count(site, f"{_VERSION}major")
    await refuse_values(site, f"{_VERSION}major", OMIT)


@check("D5")
async def bounds_minor(site: Site) -> None:
    await _is_count(site, f"{_VERSION}minor")
    await refuse_values(site, f"{_VERSION}minor", OMIT)


@check("D6")
async def bounds_patch(site: Site) -> None:
    await _is_count(site, f"{_VERSION}patch")
    await take_values(site, f"{_VERSION}patch", OMIT)


@check("D7")
async def bounds_vcs_id(site: Site) -> None:
    await _is_text(site, f"{_VERSION}vcs_id", 0, 128)


@check("D8")
async def bounds_display(site: Site) -> None:
    await _is_text(site, f"{_VERSION}display", 0, 128)


@check("D9")
async def bounds_names_of_programs(site: Site) -> None:
    await _is_text(site, "client_app.name", 1, 64, is_needed=True)


@check("D10")
async def needs_a_version(site: Site) -> None:
    await refuse_values(site, "client_app.version", OMIT, {}, *NO_OBJECTS)


@check("D11")
async def bounds_capabilities(site: Site) -> None:
    path = "client_app.capabilities"
    await take_values(site, path, [], ["c" * 64], [f"{NEVER_USED}-{number}" for number in range(64)])
    too_many = [f"{NEVER_USED}-{number}" for number in range(65)]
    await refuse_values(site, path, OMIT, too_many, [""], ["c" * 65], [1], "files", {})


@check("D12")
async def bounds_extensions(site: Site) -> None:
    path = "client_app.extensions"
    many: Plain = {f"{NEVER_USED}-{number}": [1] for number in range(64)}
    await take_values(site, path, {}, {"x": []}, {"x" * 64: [0, _MAX_COUNT]}, {"x": list(range(16))}, many)
    await refuse_values(site, path, OMIT, many | {"one more": [1]}, {"": [1]}, {"x" * 65: [1]}, [], "x")
    await refuse_values(
        site, path, {"x": list(range(17))}, {"x": [-1]}, {"x": [_MAX_COUNT + 1]}, {"x": ["1"]}, {"x": 1}
    )


@check("D13")
async def bounds_descriptions(site: Site) -> None:
    await _is_text(site, "client_app.description", 0, 512)


@check("D14")
async def needs_a_user_name(site: Site) -> None:
    await take_values(site, "user.name", "a", "a" * 64)
    await refuse_values(site, "user.name", OMIT, "", "a" * 65, *NO_STRINGS)


@check("D15")
async def knows_types_of_users(site: Site) -> None:
    await _is_one_of(site, "user.type", "bot", "log_relay", "user")


@check("D16")
async def needs_a_users_key(site: Site) -> None:
    await refuse_values(site, "user.pubkey", OMIT, {}, *NO_OBJECTS)


@check("D17")
async def needs_a_home_server(site: Site) -> None:
    await refuse_values(site, "user.home_server", OMIT, {}, *NO_OBJECTS)


@check("D18")
async def bounds_urls(site: Site) -> None:
    await _is_text(site, "user.home_server_url", 1, 2048)


async def _server_identity(site: Site) -> Plain:
    peer = await site.challenged()
    site.needs_user()
    info = (await peer.connect(site.make_user())).get("server_identity")
    if not isinstance(info, dict):
        raise FailedError("an object `server_identity`", show_value(info))
    return info


async def _sends_text(site: Site, key: str, least: int, most: int, *, is_needed: bool = True) -> None:
    value: Any = (await _server_identity(site)).get(key)
    if value is None and not is_needed:
        return
    if not isinstance(value, str) or not least <= len(value) <= most:
        raise FailedError(f"`server_identity.{key}` to be a string of {least} to {most} characters", show_value(value))


@check("D19")
async def names_its_key(site: Site) -> None:
    if problem := key_problem((await _server_identity(site)).get("pubkey")):
        raise FailedError("a well-formed `server_identity.pubkey`", problem)


@check("D20")
async def names_its_url(site: Site) -> None:
    await _sends_text(site, "url", 1, 2048)


@check("D21")
async def names_itself(site: Site) -> None:
    await _sends_text(site, "name", 1, 64)


@check("D22")
async def may_describe_itself(site: Site) -> None:
    await _sends_text(site, "description", 0, 512, is_needed=False)
