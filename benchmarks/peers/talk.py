"""`Talk`: one connection's session behind a library of another's making, which sends and closes as it says."""

import itertools
import time
from collections import deque
from collections.abc import Iterable
from typing import Final

from benchmarks.peers.site import CODECS, Site
from ric0_trio.protocol import Admit, Close, Effect, Release, Send, ServerSession, Sign, Verify

_EPOCH: Final = time.time() - time.monotonic()
_NUMBERS: Final = itertools.count()

ToDo = list[Send | Close | Sign]
"""What is left for the library: to send, to close; and to have a slow signature made in a thread."""


class Talk:
    """Answers at once what can be answered at once: all but an RSA signature."""

    def __init__(self, site: Site, subprotocol: str | None) -> None:
        self._site = site
        self._id = str(next(_NUMBERS))
        self._session = ServerSession(site.profile, site.limits, CODECS[subprotocol or "json"], _now())

    @property
    def deadline(self) -> float | None:
        """When `time_out` is to be called, as `time.monotonic` has it; None for never."""
        deadline = self._session.deadline
        return None if deadline is None else deadline - _EPOCH

    def receive(self, payload: str | bytes) -> ToDo:
        """Take a message."""
        return self._settle(self._session.receive(payload, _now()))

    def sign(self, question: Sign) -> bytes:
        """Make a slow signature; in a thread, if others wait meanwhile."""
        return question.answer(self._site.key)

    def signed(self, signature: bytes) -> ToDo:
        """Take a slow signature."""
        return self._settle(self._session.answer(signature, _now()))

    def time_out(self) -> ToDo:
        """Act on the deadline, if it has passed."""
        return self._settle(self._session.handle_timeout(_now()))

    def end(self) -> None:
        """Give back what the client has, now that it is gone."""
        self._settle(self._session.connection_lost(_now()))

    def _settle(self, effects: Iterable[Effect]) -> ToDo:
        todo, left = deque(effects), ToDo()
        while todo:
            match todo.popleft():
                case Send() | Close() as effect:
                    left.append(effect)
                case Sign() as question if self._site.key.signs_slowly:
                    left.append(question)
                case Sign() as question:
                    todo += self._session.answer(question.answer(self._site.key), _now())
                case Verify() as question:
                    todo += self._session.answer(question.answer(), _now())
                case Admit() as question:
                    todo += self._session.answer(self._site.rules.admit(self._id, question), _now())
                case Release():
                    self._site.rules.release(self._id)
        return left


def _now() -> float:
    return _EPOCH + time.monotonic()  # seconds since the epoch that never step back
