"""What a server and a client can do together: each answer is written here by hand."""

from typing import Any

from tests.vectors.cases import Vector

ABOUT = (
    "The ServerAppInfo of a server, the ClientAppInfo of a client, and `agreed`: the `server_app` of the reply to "
    "`connect`. Capabilities are sorted by code point; the order of the extensions means nothing."
)
SERVER = {"name": "server", "version": {"type": "release", "major": 1, "minor": 4, "patch": 2}}
CLIENT = {"name": "client", "version": {"type": "beta", "major": 0, "minor": 9, "patch": 0}}

Capabilities = list[str]
Extensions = dict[str, list[int]]


def vectors() -> list[Vector]:
    return [*_capabilities(), *_extensions(), *_together()]


def _capabilities() -> list[Vector]:
    # U+FF5E comes before U+1F319, but after the first of the two UTF-16 units of which that is made.
    tilde, moon = "\uff5e", "\U0001f319"
    found: list[tuple[str, Capabilities, Capabilities, Capabilities]] = [
        ("No capabilities on either side.", [], [], []),
        ("The server has none.", [], ["files"], []),
        ("The client has none.", ["files"], [], []),
        ("None in common.", ["files"], ["voice"], []),
        ("One in common.", ["files", "history"], ["typing", "files"], ["files"]),
        ("All in common: the answer is sorted.", ["c", "a", "b"], ["b", "c", "a"], ["a", "b", "c"]),
        ("Duplicates on the server's side are one.", ["a", "b", "a"], ["a"], ["a"]),
        ("Duplicates on both sides are one.", ["a", "a"], ["a", "a"], ["a"]),
        ("Capitals make another capability.", ["Files"], ["files"], []),
        ("Capitals are sorted before small letters, by code point.", ["a", "B"], ["B", "a"], ["B", "a"]),
        ("A digit is sorted as text: 10 before 9.", ["9", "10"], ["10", "9"], ["10", "9"]),
        ("Composed and decomposed are two: nothing is normalised.", ["\u00eb"], ["e\u0308"], []),
        ("Spaces are not cut off.", ["a "], ["a"], []),
        ("Sorted by code point, not by UTF-16 unit.", [moon, tilde], [tilde, moon], [tilde, moon]),
        ("Sorted by code point, not as a language does.", ["\u00e9", "z"], ["z", "\u00e9"], ["z", "\u00e9"]),
    ]
    return [_vector(shows, (server, {}), (client, {}), (agreed, {})) for shows, server, client, agreed in found]


def _extensions() -> list[Vector]:
    highest = {"polls": [2**31 - 1]}
    of_objects = ({"__proto__": [1], "constructor": [1]}, {"__proto__": [1], "toString": [1]}, {"__proto__": [1]})
    each_by_itself = (
        {"a": [1, 2], "b": [1], "c": [3]},
        {"c": [3, 4], "a": [1], "b": [2]},
        {"a": [1], "c": [3]},
    )
    polls: list[tuple[str, list[int], list[int], Extensions]] = [
        ("One version in common.", [1], [1], {"polls": [1]}),
        ("The highest of those in common.", [1, 2, 3], [2, 3, 4], {"polls": [3]}),
        ("Versions need not be in order.", [2, 10, 1], [10, 2], {"polls": [10]}),
        ("Versions are numbers, not text: 10 is higher than 9.", [9, 10], [9, 10], {"polls": [10]}),
        ("An extension without a version in common is left out.", [1], [2], {}),
        ("An extension without any version is left out.", [], [1], {}),
        ("Neither side has a version.", [], [], {}),
        ("Duplicate versions are one.", [1, 1], [1, 1, 1], {"polls": [1]}),
        ("Version 0 is a version.", [0], [0], {"polls": [0]}),
    ]
    found: list[tuple[str, Extensions, Extensions, Extensions]] = [
        *((shows, {"polls": server}, {"polls": client}, agreed) for shows, server, client, agreed in polls),
        ("No extension in common.", {"polls": [1]}, {"maps": [1]}, {}),
        ("The highest version there can be.", highest, {"polls": [1, 2**31 - 1]}, highest),
        ("Capitals make another extension.", {"Polls": [1]}, {"polls": [1]}, {}),
        ("Each extension by itself.", *each_by_itself),
        ("Names that objects of some languages have of themselves.", *of_objects),
    ]
    return [_vector(shows, ([], server), ([], client), ([], agreed)) for shows, server, client, agreed in found]


def _together() -> list[Vector]:
    document = _vector(
        "The example of docs/protocol.md.",
        (["files", "history"], {"polls": [1], "reactions": [1, 2]}),
        (["typing", "files"], {"reactions": [3, 2, 1]}),
        (["files"], {"reactions": [2]}),
    )
    described = _vector("The server's description is in the answer, the client's is not.", ([], {}), ([], {}), ([], {}))
    described["server"]["description"] = described["agreed"]["description"] = "A server."
    described["client"]["description"] = "A client."
    return [document, described]


def _vector(
    shows: str,
    server: tuple[Capabilities, Extensions],
    client: tuple[Capabilities, Extensions],
    agreed: tuple[Capabilities, Extensions],
) -> dict[str, Any]:
    return {
        "shows": shows,
        "server": _app(SERVER, *server),
        "client": _app(CLIENT, *client),
        "agreed": _app(SERVER, *agreed),
    }


def _app(of: dict[str, Any], capabilities: Capabilities, extensions: Extensions) -> dict[str, Any]:
    return of | {"capabilities": capabilities, "extensions": extensions}
