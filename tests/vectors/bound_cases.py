"""The most, and one more, of everything that has a bound in a `connect` request, and of a refusal's reasons."""

from typing import Any

from tests.vectors.envelopes import MISSING, REPLY, UNDECODABLE, Case, valid
from tests.vectors.message_cases import CONNECT, bad, changed, request

Path = tuple[str, ...]
APP: Path = ("client_app",)
VERSION: Path = ("client_app", "version")
USER: Path = ("user",)

# Where each text is, and how many characters it has at most.
TEXTS: dict[str, tuple[Path, int]] = {
    "the app's name": ((*APP, "name"), 64),
    "the app's description": ((*APP, "description"), 512),
    "the revision": ((*VERSION, "vcs_id"), 128),
    "the version as it is displayed": ((*VERSION, "display"), 128),
    "the user's name": ((*USER, "name"), 64),
    "the home server's URL": ((*USER, "home_server_url"), 2048),
    "the key's format": ((*USER, "pubkey", "format"), 64),
    "the proof": (("challenge",), 1024),
    "the join token": (("join_token",), 256),
}
LABELS = [f"label {count}" for count in range(65)]
HIGHEST = 2**31 - 1


def cases() -> list[Case]:
    return [
        *(case for bound in [*_texts(), *_numbers(), *_lists(), *_extensions()] for case in _connect(*bound)),
        *(case for key in ("disallowed_user_reason", "disallowed_client_reason") for case in _reason(key)),
    ]


# Each has what it shows, where it is, what is still allowed, and what is not.
Bound = tuple[str, Path, Any, Any]


def _texts() -> list[Bound]:
    return [
        *(
            (f"{most} characters for {what}", path, "a" * most, "a" * (most + 1))
            for what, (path, most) in TEXTS.items()
        ),
        *(
            (f"1 character for {what}", TEXTS[what][0], "a", "")
            for what in ("the app's name", "the user's name", "the home server's URL", "the key's format")
        ),
    ]


def _numbers() -> list[Bound]:
    parts = {part: (*VERSION, part) for part in ("major", "minor", "patch")}
    return [
        *((f"2,147,483,647 for the {part} number", path, HIGHEST, HIGHEST + 1) for part, path in parts.items()),
        *((f"0 for the {part} number", path, 0, -1) for part, path in parts.items()),
    ]


def _lists() -> list[Bound]:
    path = (*APP, "capabilities")
    return [
        ("64 capabilities", path, LABELS[:64], LABELS),
        ("64 characters for a capability", path, ["a" * 64], ["a" * 65]),
        ("1 character for a capability", path, ["a"], [""]),
    ]


def _extensions() -> list[Bound]:
    path = (*APP, "extensions")
    many = {label: [1] for label in LABELS}
    return [
        ("64 extensions", path, {label: [1] for label in LABELS[:64]}, many),
        ("64 characters for an extension's name", path, {"a" * 64: [1]}, {"a" * 65: [1]}),
        ("1 character for an extension's name", path, {"a": [1]}, {"": [1]}),
        ("16 versions of an extension", path, {"a": [*range(16)]}, {"a": [*range(17)]}),
        ("2,147,483,647 for an extension's version", path, {"a": [HIGHEST]}, {"a": [HIGHEST + 1]}),
        ("0 for an extension's version", path, {"a": [0]}, {"a": [-1]}),
    ]


def _connect(shows: str, path: Path, allowed: Any, refused: Any) -> list[Case]:
    return [
        request(f"The bound: {shows}.", "connect", changed(CONNECT, path, allowed)),
        bad(f"Beyond the bound: {shows}.", "connect", changed(CONNECT, path, refused)),
    ]


def _reason(key: str) -> list[Case]:
    status = key.removesuffix("_reason")
    most, over = (REPLY.but(name="connect", status=status, data={key: "a" * length}) for length in (512, 513))
    return [
        Case(f"The bound: 512 characters for `{key}`.", most, valid(most)),
        # A server ignores replies, and need not look at their data.
        Case(f"Beyond the bound: 512 characters for `{key}`.", over, UNDECODABLE, also_right=valid(over, data=MISSING)),
    ]
