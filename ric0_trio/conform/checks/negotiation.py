"""Negotiation: what the reply to `connect` says that both can do.

What the server can do, nobody tells; so it is asked about one thing at a time first, and then about all together. On a
server that has none of these, little can be seen.
"""

from typing import Any

from ric0_trio.conform.encodings import Plain
from ric0_trio.conform.evidence import show_value
from ric0_trio.conform.messages import NEVER_USED
from ric0_trio.conform.outcomes import FailedError
from ric0_trio.conform.registry import check
from ric0_trio.conform.site import Site

_CAPABILITIES = ["voice", "typing", "history", "files", NEVER_USED, "History", "presence"]
EXTENSIONS = ("reactions", "polls", "threads", NEVER_USED)
VERSIONS = [2, 1, 4, 3, 0]
"""What a client offers, so that some of it may be shared."""


async def _negotiate(site: Site, capabilities: list[str], extensions: dict[str, list[int]]) -> tuple[Any, Any]:
    """Offer these, and give what the reply has of them."""
    site.needs_user()
    peer = await site.challenged()
    changes = {"client_app.capabilities": capabilities, "client_app.extensions": extensions}
    app: Plain = (await peer.connect(site.make_user(), changes=changes)).get("server_app", {})
    return app.get("capabilities"), app.get("extensions")


async def _capabilities_of(site: Site) -> set[str]:
    """Which of the capabilities the server has, each asked for alone."""
    return {name for name in _CAPABILITIES if (await _negotiate(site, [name], {}))[0] == [name]}


async def _versions_of(site: Site) -> dict[str, set[int]]:
    """Which versions of the extensions the server has, each asked for alone."""
    found: dict[str, set[int]] = {}
    for version in VERSIONS:
        _, extensions = await _negotiate(site, [], {name: [version] for name in EXTENSIONS})
        for name in extensions if isinstance(extensions, dict) else ():
            found.setdefault(name, set()).add(version)
    return found


@check("G1")
async def shares_capabilities(site: Site) -> None:
    known = await _capabilities_of(site)
    got, _ = await _negotiate(site, _CAPABILITIES, {})
    if not isinstance(got, list) or set(got) != known or NEVER_USED in got:
        raise FailedError(f"of {_CAPABILITIES} those that both have, {sorted(known)}", show_value(got, 300))


@check("G2")
async def shares_the_highest_versions(site: Site) -> None:
    wanted = {name: [max(versions)] for name, versions in (await _versions_of(site)).items()}
    _, got = await _negotiate(site, [], dict.fromkeys(EXTENSIONS, VERSIONS))
    if got != wanted or NEVER_USED in got:
        raise FailedError(f"the highest version that both have of each, {wanted}", show_value(got, 300))
    _, nothing = await _negotiate(site, [], {"reactions": [], "polls": [2_000_000_000], NEVER_USED: [1]})
    if nothing != {}:
        raise FailedError("no extension, as no version is shared", show_value(nothing, 300))


@check("G3")
async def names_nothing_twice(site: Site) -> None:
    twice = [*_CAPABILITIES, *_CAPABILITIES]
    got, extensions = await _negotiate(site, twice, {name: [*VERSIONS, 2, 2, 1] for name in EXTENSIONS})
    if not isinstance(got, list) or len(set(got)) < len(got):
        raise FailedError("capabilities without duplicates", show_value(got, 300))
    if not all(len(versions) == 1 for versions in extensions.values()):
        raise FailedError("one version of each extension", show_value(extensions, 300))


@check("G4")
async def sorts_what_is_shared(site: Site) -> None:
    got, extensions = await _negotiate(site, _CAPABILITIES, dict.fromkeys(EXTENSIONS, VERSIONS))
    if got != sorted(got) or list(extensions) != sorted(extensions):
        raise FailedError(
            "capabilities and extensions sorted by code point", f"{show_value(got)}, {show_value(list(extensions))}"
        )
