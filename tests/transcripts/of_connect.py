"""Everything that `connect` is answered, with users and servers of each key format."""

from functools import partial
from typing import Any

import msgspec

from ric0_trio.protocol import Refused, State, Status, Verdict
from ric0_trio.testing import (
    ADMITTED,
    CONNECT,
    SERVER_KEY,
    connect_data,
    request,
    user,
)
from tests.protocol.pair import RSA_FORMAT
from tests.transcripts.scenario import BOTH, TOKEN, Scenario, server_profile
from tests.transcripts.stage import Stage, fixed_rsa_key

RSA = fixed_rsa_key()
NOT_BASE64 = "this-is-no-base64!"


def _as_plain(structure: object) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(structure)
    return plain


def _app(**changes: object) -> dict[str, Any]:
    return {**_as_plain(connect_data()["client_app"]), **changes}


def _connect(stage: Stage, plain: object = CONNECT, verdict: Verdict = ADMITTED) -> None:
    stage.go_to(State.CHALLENGED)
    stage.tell(plain, verdict=verdict)
    stage.lose()


def _connecting(encodings: tuple[str, ...] = ("json",), verdict: Verdict = ADMITTED, **changes: Any) -> Scenario:
    plain = request("connect", connect_data(**changes), 2)
    return Scenario(partial(_connect, plain=plain, verdict=verdict), encodings)


def _second_user(stage: Stage) -> None:
    stage.go_to(State.DISCONNECTED)
    stage.tell(request("connect", connect_data(fixed_rsa_key()), 6), request("disconnect", {}, 8))
    stage.lose()


_REFUSALS = {
    status: Refused(status, "we do not know you" if status.startswith("disallowed") else None)
    for status in (
        *(Status.DISALLOWED_CLIENT, Status.DISALLOWED_USER, Status.UNRECOGNISED_USER, Status.JOIN_TOKEN_REQUIRED),
        *(Status.INVALID_JOIN_TOKEN, Status.ALREADY_CONNECTED, Status.UNKNOWN_ERROR),
    )
}

SCENARIOS = {
    "connect - success": _connecting(BOTH),
    "connect - success with a token": _connecting(BOTH, join_token=TOKEN),
    "connect - success, nothing in common": _connecting(client_app=_app(capabilities=[], extensions={})),
    **{f"connect - {status}": _connecting(verdict=why, join_token=TOKEN) for status, why in _REFUSALS.items()},
    "connect - invalid_message": _connecting(BOTH, user=None),
    "connect - invalid_message, the name is blank": _connecting(user={**_as_plain(user()), "name": " "}),
    "connect - invalid_challenge, a false proof": _connecting(BOTH, challenge=connect_data(SERVER_KEY)["challenge"]),
    "connect - invalid_challenge, no base64": _connecting(BOTH, challenge=NOT_BASE64),
    "connect - invalid_challenge, not canonical": _connecting(challenge="QR=="),
    "connect - disallowed_user, the server's own key": Scenario(
        partial(_connect, plain=request("connect", connect_data(SERVER_KEY), 2))
    ),
    "connect - disallowed_user, a format that is not accepted": Scenario(
        _connect, profile=server_profile(accepted_key_formats=frozenset({RSA_FORMAT}))
    ),
    "connect - disallowed_user, an unknown format": _connecting(
        user={**_as_plain(user()), "pubkey": {"key": "AAAA", "format": "x-none"}}
    ),
    "connect - a second user": Scenario(_second_user),
    "connect - rsa, both sides": Scenario(
        partial(_connect, plain=request("connect", connect_data(fixed_rsa_key("2048 other"), RSA.public), 2)),
        BOTH,
        server_profile(RSA.public),
        RSA,
    ),
}
