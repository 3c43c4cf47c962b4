"""Which web pages may connect."""

import pytest

from ric0_trio.protocol import available_codecs
from ric0_trio.server.upgrade import HttpRefusal, HttpRequest, check_request, parse_request
from tests.server.hostile_heads import head

ALLOWED = {"https://chat.example", "https://chat.example:8443", "null"}
ORIGINS: dict[str | None, bool] = {
    None: True,  # no browser
    "https://chat.example": True,
    "HTTPS://Chat.Example": True,
    "https://chat.example:8443": True,
    "null": True,
    "https://chat.example:443": True,
    "https://chat.example:444": False,
    "http://chat.example": False,
    "https://chat.example.evil": False,
    "https://evil/https://chat.example": False,
    "https://chat.example, https://evil.example": False,
    "": False,
}


@pytest.mark.parametrize(("origin", "may"), ORIGINS.items())
def test_origins(origin: str | None, may: bool) -> None:
    request = parse_request(head(Origin=origin))
    assert isinstance(request, HttpRequest)
    answer = check_request(request, available_codecs(), ALLOWED)
    assert isinstance(answer, HttpRefusal) is not may
    if isinstance(answer, HttpRefusal):
        assert (answer.status, answer.limit) == (403, "allowed_origins")


def test_two_origins_must_both_be_allowed() -> None:
    request = parse_request(head(Origin="https://chat.example", origin="https://evil.example"))
    assert isinstance(request, HttpRequest)
    assert isinstance(check_request(request, available_codecs(), ALLOWED), HttpRefusal)
