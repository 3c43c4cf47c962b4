"""A server's bad part, and what becomes of a client that meets it."""

from dataclasses import dataclass, field
from typing import Any

import pytest
import trio

from ric0_trio.client import ChatError, ConnectionClosedError, ServerIdentityError
from tests.client.fake_server import FakeServer, Part
from tests.client.stage import PATIENCE_S, go_in


@dataclass(frozen=True)
class Case:
    """One part, and its outcome."""

    part: Part
    error: type[ChatError]
    text: str
    closed: int | None = None
    """The code of the client's Close frame."""
    options: dict[str, Any] = field(default_factory=dict)
    """How the client is called."""


def liar(part: Part, text: str) -> Case:
    return Case(part, ServerIdentityError, f"cannot prove itself: {text}", 1008)


def breaker(part: Part, text: str, closed: int) -> Case:
    return Case(part, ConnectionClosedError, f"^the server broke the protocol: {text}", closed)


async def play(case: Case, nursery: trio.Nursery) -> list[str]:
    """Let a client meet the case's server, check what becomes of it, and return the names of its messages."""
    fake = await FakeServer.start(nursery, case.part)
    with trio.fail_after(PATIENCE_S):
        with pytest.raises(ChatError, match=case.text) as caught:
            await go_in(fake.url, **case.options)
        peer = await fake.seen()
    assert type(caught.value) is case.error
    assert (peer.closed and peer.closed[0]) == case.closed
    return [message["name"] for message in peer.asked]
