"""Where scenarios are played: one recorded session, whose client, adapter and clock the scenario is."""

from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from ric0_trio.protocol import (
    Admit,
    Codec,
    Kick,
    PrivateKey,
    ServerProfile,
    Sign,
    State,
    Verdict,
    Verify,
)
from ric0_trio.testing import (
    ADMITTED,
    SERVER_KEY,
    START,
    WAY_TO,
    pack,
)
from tests.protocol.pair import answer_to, pem_of
from tests.transcripts.recorded import MemorySink, record
from tests.vectors.rsa import EXPONENT, Key

_STEP_S = 0.125  # which floating point has exactly


class Stage:
    """Says what happens, step by step. Time goes on by itself, an eighth of a second at each step."""

    def __init__(self, codec: Codec, profile: ServerProfile, key: PrivateKey = SERVER_KEY, **limits: Any) -> None:
        self.codec = codec
        self.sink = MemorySink()
        self.session = record(codec, self.sink, profile, **limits)
        self.now = START
        self._key = key

    def tell(self, *plains: object, verdict: Verdict = ADMITTED) -> None:
        """The client sends messages; whatever is asked is answered at once."""
        for plain in plains:
            self.send(pack(self.codec, plain))
            self.settle(verdict)

    def send(self, payload: str | bytes) -> None:
        """The client sends a payload; what is asked stays open."""
        self.wait(_STEP_S)
        self.session.receive(payload, self.now)

    def ask(self, plain: object, until: type[Sign] | type[Verify] | type[Admit]) -> None:
        """The client sends a message; it is answered as far as the question `until`, which stays open."""
        self.send(pack(self.codec, plain))
        while not isinstance(self.session.question, until):
            assert self.session.question is not None
            self.answer()

    def answer(self, verdict: Verdict = ADMITTED) -> None:
        """The open question gets the answer that is true."""
        self.session.answer(answer_to(self.session.question, verdict, self._key), self.now)

    def settle(self, verdict: Verdict = ADMITTED) -> None:
        while self.session.question is not None:
            self.answer(verdict)

    def go_to(self, state: State) -> None:
        """Bring the session into a state, the way a client would."""
        self.tell(*WAY_TO[state])
        assert self.session.state is state

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def pass_deadline(self) -> None:
        """Wait until the deadline, and have the session see it."""
        assert self.session.deadline is not None
        self.now = self.session.deadline
        self.session.handle_timeout(self.now)

    def kick(self, cause: Kick) -> None:
        self.wait(_STEP_S)
        self.session.kick(cause, self.now)

    def shut_down(self) -> None:
        self.wait(_STEP_S)
        self.session.shutdown(self.now)

    def lose(self) -> None:
        """The connection is lost, or closed."""
        self.wait(_STEP_S)
        self.session.connection_lost(self.now)


@cache
def fixed_rsa_key(name: str = "2048") -> PrivateKey:
    """An RSA key that is the same every time; its signatures are, too (PKCS #1 v1.5)."""
    p, q = Key(name)._primes
    exponent = pow(EXPONENT, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p, q, exponent, exponent % (p - 1), exponent % (q - 1), pow(q, -1, p), rsa.RSAPublicNumbers(EXPONENT, p * q)
    )
    return PrivateKey.from_pem(pem_of(numbers.private_key()))
