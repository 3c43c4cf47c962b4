"""Messages: statuses, and the data of requests and replies."""

from typing import Any

from ric0_trio.conform.checks.attempts import (
    CHALLENGES,
    NO_OBJECTS,
    NO_STRINGS,
    prove_server,
    refuse_values,
    take_values,
)
from ric0_trio.conform.evidence import show_value
from ric0_trio.conform.messages import OMIT
from ric0_trio.conform.outcomes import FailedError, SkippedError
from ric0_trio.conform.peer import Peer
from ric0_trio.conform.people import SPKI_PREFIX, UNKNOWN_KEY, key_problem, to_base64
from ric0_trio.conform.registry import Variants, check
from ric0_trio.conform.site import Site

_MAX_REASON_CHARS = 512


async def _challenges(peer: Peer, status: str, *challenges: Any) -> None:
    for challenge in challenges:
        await peer.ask("challenge", {} if challenge is OMIT else {"challenge": challenge})
        await peer.expect_reply(status)


@check("M10")
async def needs_a_challenge(site: Site) -> None:
    await _challenges(await site.open(), "invalid_message", OMIT, None, *NO_STRINGS)
    peer = await site.connected()
    await _challenges(peer, "invalid_message", "A" * 16_388)
    await _challenges(peer, "invalid_challenge", "A" * 16_384)


@check("M11")
async def signs_16_to_128_bytes(site: Site) -> None:
    peer = await site.open()
    await _challenges(peer, "success", *(to_base64(bytes(size)) for size in (16, 128, 45)))


@check("M12")
async def signs_the_decoded_bytes(site: Site) -> None:
    peer = await site.open()
    for _ in range(CHALLENGES):
        await prove_server(peer)


@check("M13")
async def shows_its_key(site: Site) -> None:
    peer = await site.open()
    if problem := key_problem((await peer.challenge()).get("pubkey")):
        raise FailedError("a well-formed `pubkey`", problem)


@check("M14")
async def shows_its_signature(site: Site) -> None:
    peer = await site.open()
    response = (await peer.challenge()).get("challenge_response")
    if not isinstance(response, str) or not 1 <= len(response) <= 1024:
        raise FailedError("a `challenge_response` of at most 1024 characters", show_value(response, 100))


@check("M15")
async def refuses_what_is_no_base64(site: Site) -> None:
    await _challenges(await site.open(), "invalid_challenge", "not base64 at all", "=" * 44, "A" * 45)


@check("M16")
async def refuses_other_sizes(site: Site) -> None:
    await _challenges(await site.open(), "invalid_challenge", "", to_base64(bytes(15)), to_base64(bytes(129)))
    await _challenges(await site.open(), "invalid_challenge", to_base64(bytes(1)), to_base64(bytes(1000)))


@check("M17")
async def signs_no_key_of_another_server(site: Site) -> None:
    peer = await site.open()
    await _challenges(peer, "invalid_challenge", to_base64(SPKI_PREFIX + bytes(range(32))))
    await _challenges(peer, "success", to_base64(bytes(44)), to_base64(SPKI_PREFIX + bytes(33)))


@check("M18")
async def keeps_its_state_after_bad_challenges(site: Site) -> None:
    peer = await site.open()
    await _challenges(peer, "invalid_challenge", "?")
    await prove_server(peer)
    await _challenges(peer, "invalid_challenge", "?")
    site.needs_user()
    await peer.connect(site.make_user())


@check("M19")
async def needs_a_client_app(site: Site) -> None:
    await refuse_values(site, "client_app", OMIT, {}, *NO_OBJECTS)


@check("M20")
async def needs_a_user(site: Site) -> None:
    await refuse_values(site, "user", OMIT, {}, *NO_OBJECTS)


@check("M21")
async def needs_a_proof(site: Site) -> None:
    await refuse_values(site, "challenge", OMIT, *NO_STRINGS, "A" * 1028)
    peer = await site.challenged()
    await peer.connect(site.make_user(), "invalid_challenge", changes={"challenge": "A" * 1024})


@check("M22")
async def bounds_join_tokens(site: Site) -> None:
    await refuse_values(site, "join_token", *NO_STRINGS, "t" * 257)
    if site.target.join_token is None:
        await take_values(site, "join_token", "", "t" * 256)


@check("M29")
async def looks_at_no_token_in_vain(site: Site) -> None:
    if site.target.join_token is not None:
        raise SkippedError("a token is needed here, or was given to the kit")
    await take_values(site, "join_token", "no such token")


@check("M30")
async def goes_on_after_refusals(site: Site) -> None:
    peer = await site.challenged()
    for changes in ({"challenge": to_base64(bytes(64))}, {"user.pubkey": UNKNOWN_KEY}, {"challenge": "?"}):
        await peer.connect(site.make_user(), "invalid_challenge", "disallowed_user", changes=changes)
    await peer.ask("connect", {})
    await peer.expect_reply("invalid_message")
    site.needs_user()
    await peer.connect(site.make_user())


@check("M31")
async def names_its_program(site: Site) -> None:
    site.needs_user()
    app = (await (await site.challenged()).connect(site.make_user())).get("server_app")
    if problem := _app_problem(app):
        raise FailedError("a `server_app` that is an AppInfo", f"{problem}: {show_value(app, 300)}")


def _app_problem(app: Any) -> str | None:
    """Say which key of an AppInfo is not as it should be."""
    if not isinstance(app, dict):
        return "no object"
    version = app.get("version")
    if not isinstance(version, dict):
        return "`version`"
    holds = {
        "name": _is_text(app.get("name"), 1, 64),
        "description": app.get("description") is None or _is_text(app["description"], 0, 512),
        "capabilities": isinstance(app.get("capabilities"), list)
        and all(_is_text(one, 1, 64) for one in app["capabilities"]),
        "extensions": isinstance(app.get("extensions"), dict) and all(map(_are_counts, app["extensions"].values())),
        "version.type": version.get("type") in ("alpha", "beta", "dev", "release"),
        "version.major": _are_counts([version.get("major")]),
        "version.minor": _are_counts([version.get("minor")]),
        "version.patch": version.get("patch") is None or _are_counts([version["patch"]]),
        "version.vcs_id": version.get("vcs_id") is None or _is_text(version["vcs_id"], 0, 128),
        "version.display": version.get("display") is None or _is_text(version["display"], 0, 128),
    }
    return next((f"`{key}`" for key, is_held in holds.items() if not is_held), None)


def _is_text(value: Any, least: int, most: int) -> bool:
    return isinstance(value, str) and least <= len(value) <= most


def _are_counts(values: Any) -> bool:
    return isinstance(values, list) and all(
        isinstance(n, int) and not isinstance(n, bool) and 0 <= n < 2**31 for n in values
    )


@check("M32")
async def names_the_server(site: Site) -> None:
    site.needs_user()
    info = (await (await site.challenged()).connect(site.make_user())).get("server_identity")
    if not isinstance(info, dict) or not info.keys() >= {"pubkey", "url", "name"}:
        raise FailedError("a `server_identity` with `pubkey`, `url` and `name`", show_value(info))


@check("M33", Variants.KEYS)
async def stays_by_its_key(site: Site) -> None:
    site.needs_user()
    peer = await site.challenged()
    info = (await peer.connect(site.make_user())).get("server_identity", {})
    if info.get("pubkey") != peer.server_key:
        raise FailedError(f"the key of the `challenge` reply, {show_value(peer.server_key)}", show_value(info, 300))
