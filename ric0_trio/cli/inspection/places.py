"""The places to listen at: whether each can be had."""

import errno
from collections.abc import Iterator
from itertools import combinations
from typing import Final

from ric0_trio.cli.exits import Exit
from ric0_trio.cli.inspection.findings import Finding, Level
from ric0_trio.config import Config
from ric0_trio.server.listening import Place, say_why_not, try_place

_FIRST_FREE_PORT: Final = 1024
_EVERYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound


def inspect_places(config: Config, *, is_served: bool) -> Iterator[Finding]:
    """Try each place. `is_served` says that a server runs, which will have taken them."""
    places = [*config.listen.direct, *config.listen.proxied]
    for place in places:
        yield _inspect_place(place, "[listen]", is_served)
    if config.admin.place is not None:
        yield _inspect_place(config.admin.place, "[admin] listen", is_served)
        places.append(config.admin.place)
    for one, other in combinations(places, 2):
        if _overlap(one, other):
            yield _fail(other, f"[listen] has it already, as {one}", "leave out one of the two")


def _inspect_place(place: Place, key: str, is_served: bool) -> Finding:
    if place.name is not None:
        return Finding(Level.NOTE, str(place), "systemd passes it when it starts the server; not looked at")
    in_use = Finding(Level.OK, str(place), "in use, by the server that runs")
    try:
        if is_served and place.path is not None and place.path.is_socket():
            return in_use
        try_place(place)
    except (UnicodeError, OSError) as error:
        number = error.errno if isinstance(error, OSError) else None
        if is_served and number == errno.EADDRINUSE and (place.path is None or place.path.is_socket()):
            return in_use
        return _fail(place, f"cannot listen there: {say_why_not(error)}", _remedy(place, key, number))
    return Finding(Level.OK, str(place), "free")


def _fail(place: Place, text: str, remedy: str) -> Finding:
    return Finding(Level.FAILED, str(place), text, remedy, Exit.FAILED)


def _remedy(place: Place, key: str, number: int | None) -> str:
    match number:
        case errno.EADDRINUSE if place.path is not None:
            return f"stop whoever listens there, or move it away; or see {key} for another place"
        case errno.EADDRINUSE:
            return f"stop what listens there (ss -ltnp shows it), or see {key} for another port"
        case errno.ENAMETOOLONG:
            return "a path of less than 100 bytes is needed"
        case errno.ENOENT if place.path is not None:
            return f"make the folder {place.path.parent}, for the server's account to write to"
        case errno.EACCES if place.path is not None:
            return f"let the server's account write to {place.path.parent}"
        case errno.EACCES if place.port < _FIRST_FREE_PORT:
            return "give it CAP_NET_BIND_SERVICE (AmbientCapabilities= of systemd), or choose a port from 1024 on"
    return f"see {key} for an address of this machine"


def _overlap(one: Place, other: Place) -> bool:
    if one.path is not None or other.path is not None:
        return one.path == other.path
    is_one_version = (":" in one.host) == (":" in other.host)  # `::` is all of IPv6, and none of IPv4
    is_wide = is_one_version and (one.host in _EVERYWHERE or other.host in _EVERYWHERE)
    return one.port == other.port != 0 and (one.host == other.host or is_wide)
