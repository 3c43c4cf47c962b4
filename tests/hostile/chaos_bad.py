"""Those who misbehave: the attacks of `tests.server.siege`, and what a member, a guesser or a hoarder can do."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import trio
from wsproto.utilities import ProtocolError

from ric0_trio.client import ChatError
from ric0_trio.protocol import State
from ric0_trio.testing import CHALLENGE, SERVER_KEY, request
from tests.hostile.chaos_addresses import bad_address, come_from
from tests.hostile.chaos_host import Host
from tests.hostile.chaos_ledger import Ledger
from tests.hostile.chaos_lines import BareLine, bare_line, open_tls
from tests.hostile.chaos_people import Invitation, Session, User, make_key
from tests.independent.keys import PublicKey
from tests.independent.serving import Server
from tests.server.raw_client import TEXT, frame
from tests.server.siege import FRAMES, HEADS, Siege

ATTACK_S = 4.0
PAUSE_S = (0.0, 1.0)
GUESSERS, HOARDERS, OTHERS = range(12), range(12, 16), range(16, 28)
"""Numbers of addresses: those from which proofs and tokens are guessed are barred soon."""
HOARD = 40
FLOOD = 400


@dataclass
class Deeds:
    """How many attacks were begun, and how many of them came as far as to do harm, if they can: by name."""

    begun: Counter[str]
    landed: Counter[str]


class Attacker(Siege):
    """One who does one bad thing after the other. They are a member, whose key is their own."""

    def __init__(self, host: Host, ledger: Ledger, deeds: Deeds, own: User, seed: int) -> None:
        public = SERVER_KEY.public
        key = PublicKey(key=public.key, format=public.format)
        super().__init__(Server(host.url, key, public.fingerprint, host.ca, host.life.process), seed)
        self._host = host
        self._ledger = ledger
        self._deeds = deeds
        self._own = own
        self._name = ""

    async def go_on(self) -> None:
        """Attack until cancelled."""
        attacks: dict[str, tuple[range, Callable[[], Awaitable[None]]]] = {
            "half a TLS hello": (OTHERS, self._half_a_tls_hello),
            "noise": (OTHERS, self._noise),
            "noise in TLS": (OTHERS, self._noise_in_tls),
            "plain HTTP": (OTHERS, self._plain_http),
            "bad head": (OTHERS, self._bad_head),
            "bad frames, open": (OTHERS, lambda: self._bad_frames(State.OPEN)),
            "bad frames, challenged": (OTHERS, lambda: self._bad_frames(State.CHALLENGED)),
            "bad frames, connected": (OTHERS, self._bad_frames_of_a_member),
            "flood before": (OTHERS, self._flood_before),
            "flood of a member": (OTHERS, self._flood),
            "stall": (OTHERS, self._stall),
            "two at once": (OTHERS, self._two_at_once),
            "reset": (OTHERS, self._reset),
            "forged proof": (GUESSERS, self._forge),
            "bad token": (GUESSERS, self._guess_token),
            "no token": (OTHERS, self._bring_no_token),
            "hoard": (HOARDERS, self._hoard),
        }
        while True:
            self._name = self._random.choice(list(attacks))
            addresses, attack = attacks[self._name]
            come_from(bad_address(self._random.choice(addresses)))
            self._deeds.begun[self._name] += 1
            expected = (trio.BrokenResourceError, trio.ClosedResourceError, OSError, ChatError, ProtocolError)
            with trio.move_on_after(ATTACK_S), suppress(*expected, AssertionError):  # siege asserts that it is served
                await attack()
            await trio.sleep(self._random.uniform(*PAUSE_S))

    # With the own key

    @asynccontextmanager
    async def _let_in(self) -> AsyncIterator[tuple[BareLine, Session]]:
        async with bare_line(self._host) as line:
            yield line, await self._log_in(line)

    async def _log_in(self, line: BareLine) -> Session:
        token = self._own.next_token
        with self._ledger.asking(self._own, brings_token=token is not None) as attempt:
            attempt.status = await line.connect(self._own, token)
        assert attempt.session is not None, attempt.status
        return attempt.session

    async def _bad_frames_of_a_member(self) -> None:
        async with self._let_in() as (line, session):
            try:
                await self._throw(line.stream, b"".join(self._random.choices(FRAMES, k=self._random.randrange(1, 4))))
            finally:
                self._ledger.end(session)

    async def _flood(self) -> None:
        async with self._let_in() as (line, session):
            try:
                await self._throw(line.stream, line.request(request("look_around", {}, 4)) * FLOOD)
            finally:
                self._ledger.end(session)

    async def _stall(self) -> None:
        """Have the server answer, and read nothing."""
        async with self._let_in() as (line, session):
            try:
                self._land()
                for number in range(self._random.randrange(1, 30)):
                    await line.send_raw(line.request(request("look_around", {}, 4 + 2 * number)))
                await trio.sleep_forever()
            finally:
                self._ledger.end(session)

    async def _two_at_once(self) -> None:
        async with bare_line(self._host) as one, bare_line(self._host) as other:
            self._land()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._be_in, one)
                nursery.start_soon(self._be_in, other)

    async def _be_in(self, line: BareLine) -> None:
        with suppress(ChatError, AssertionError):
            session = await self._log_in(line)
            try:
                for _ in range(5):
                    sent_at = trio.current_time()
                    if await line.look_around():
                        self._ledger.sign(session, sent_at)
                    await line.stay(0.2)
            finally:
                self._ledger.end(session)

    # Without

    async def _flood_before(self) -> None:
        async with bare_line(self._host) as line:
            await self._throw(line.stream, line.request(CHALLENGE) * FLOOD)

    async def _forge(self) -> None:
        """Claim to be somebody who is welcome."""
        async with bare_line(self._host) as line:
            victim = self._random.choice(list(self._ledger.users.values()))
            other = self._own if victim is not self._own else User(make_key(self._random), "nobody")
            forged = (
                other.key.sign(bytes(SERVER_KEY.public)),  # another's proof
                victim.key.sign(self._random.randbytes(44)),  # as if given to another server
                self._random.randbytes(64),
                bytes(64),
            )
            self._land()
            self._ledger.hear_forged(await line.connect(victim, None, self._random.choice(forged)))

    async def _guess_token(self) -> None:
        spent = [each for each in self._ledger.invitations if len(each.let_in) >= each.uses]
        spent += [each for each in self._ledger.invitations if each.is_revoked.surely(True)]
        secret = f"{self._random.getrandbits(128):x}"
        if spent and self._random.random() < 0.5:
            secret = self._random.choice(spent).secret
        await self._knock(secret)

    async def _bring_no_token(self) -> None:
        await self._knock(None)

    async def _knock(self, secret: str | None) -> None:
        stranger = self._ledger.enrol(User(make_key(self._random), "a stranger"))
        async with bare_line(self._host) as line:
            self._land()
            with self._ledger.asking(stranger) as attempt:
                attempt.status = await line.connect(stranger, secret)

    async def _reset(self) -> None:
        """Reset the connection at some point of the way in."""
        if self._random.random() < 0.3:
            line = BareLine(await self._tcp())
            await self._random_piece(line)
            return
        async with bare_line(self._host) as line:
            if self._random.random() < 0.5:
                await line.send_raw(line.request(CHALLENGE)[: self._random.randrange(1, 100)])
            self._land()
            await line.reset()

    async def _random_piece(self, line: BareLine) -> None:
        try:
            head = self._random.choice(HEADS)
            await line.send_raw(head[: self._random.randrange(1, len(head))])
            self._land()
        finally:
            await line.reset()

    async def _hoard(self) -> None:
        """Keep many connections that do nothing, some of them with TLS or a WebSocket and half a message."""
        streams: list[trio.abc.Stream] = []
        try:
            for number in range(HOARD):
                kind = self._random.randrange(6)
                streams.append(await (self._tcp() if kind else open_tls(self._host)))
                if kind == 1:
                    await streams[-1].send_all(frame(TEXT, b"{")[:3])
                if number == HOARD // 4:
                    self._land()
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):  # or the first would be the last to be closed
                for stream in streams:
                    await trio.aclose_forcefully(stream)

    async def _throw(self, stream: trio.abc.Stream, data: bytes) -> None:
        self._land()
        await super()._throw(stream, data)

    def _land(self) -> None:
        self._deeds.landed[self._name] += 1


def make_attackers(
    host: Host, ledger: Ledger, deeds: Deeds, invitation: Invitation, number: int, seed: int
) -> list[Attacker]:
    """Make so many, each a member by the same token."""
    source = random.Random(f"{seed} attackers")  # noqa: S311 - not for secrets
    return [
        Attacker(
            host,
            ledger,
            deeds,
            ledger.enrol(User(make_key(source), f"attacker {each}", programs=2, invitation=invitation)),
            1000 * seed + each,
        )
        for each in range(number)
    ]
