"""An open WebSocket and its session: what comes in goes to the session, and its effects are carried out."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

import outcome
import structlog
import trio

from ric0_trio.access.store import AccessStore, Applicant, ImmediateAccess
from ric0_trio.protocol import (
    Admit,
    Close,
    CloseCode,
    Codec,
    Effect,
    Kick,
    Refused,
    Release,
    Send,
    Sign,
    State,
    Status,
    UserIdentity,
    Verdict,
    Verify,
)
from ric0_trio.protocol.codec import size_of
from ric0_trio.protocol.rate import TokenBucket
from ric0_trio.protocol.states import REQUESTS
from ric0_trio.server.addresses import Peer
from ric0_trio.server.endings import Cause, Ending, History, ending_of
from ric0_trio.server.refusals import Refusal
from ric0_trio.server.services import Services
from ric0_trio.server.settings import Settings
from ric0_trio.transport.clock import SteadyClock
from ric0_trio.transport.errors import ABNORMAL, FrameError, PeerGoneError, PeerSilentError, PeerStalledError
from ric0_trio.transport.frames import Excess
from ric0_trio.transport.websocket import ServerWebSocket

_SILENCES: Final = {
    PeerSilentError: (Cause.SILENT, "ping_timeout_s"),
    PeerStalledError: (Cause.STALLED, "write_timeout_s"),
}


# Python 3.11 calls a function to find an enum's member; every message needs these.
_CONNECTED: Final = State.CONNECTED
_CLOSED: Final = State.CLOSED
_SUCCESS: Final = Status.SUCCESS


class Conversation:
    """Runs until one side ends it. What verifies, and what signs fast, is done here and now (docs/benchmarks.md)."""

    def __init__(
        self,
        services: Services,
        settings: Settings,
        websocket: ServerWebSocket,
        codec: Codec,
        admissions: trio.Nursery | None,
        connection_id: str,
        peer: Peer,
        log: structlog.typing.FilteringBoundLogger,
        history: History,
        change_standing: Callable[[bool], Refusal | None],
    ) -> None:
        """`settings` are those with which the connection began.

        `admissions` is where an access store is asked; one that answers at once needs none. `change_standing` is told
        whenever the client becomes a connected user, or ceases to be one.
        """
        self.is_user = False
        """Whether a connected user is there, or was there when the end came."""
        self._services = services
        self._metrics = services.metrics
        self._access = services.access
        self._limits = settings.limits
        self._peer = peer
        self._change_standing = change_standing
        self._websocket = websocket
        self._admissions = admissions
        self._id = connection_id
        self._log = log
        self._history = history
        self._clock = SteadyClock()
        self._session = services.recorder.begin(settings, codec, self._clock.now(), connection_id, peer)
        per_min = self._limits.control_frames_per_min
        self._users_control_frames = TokenBucket(per_min, per_min / 60, trio.current_time())
        self._allow_frames(is_user=False)
        self._todo: list[Effect] = []
        self._order: Callable[[], Sequence[Effect]] | None = None
        self._ends_for: str | None = None
        self._stops_at = math.inf
        self._listening = trio.CancelScope()
        self._verdict: outcome.Outcome[Verdict] | None = None
        self._early: str | bytes | None = None
        self._left = "the connection was lost"
        self._fingerprint: str | None = None
        """Of the user who is there, or asks to be let in."""

    @property
    def close_timeout_s(self) -> float:
        """How long the closing handshake may take."""
        return self._limits.close_timeout_s if self.is_user else self._limits.close_timeout_before_auth_s

    @property
    def state(self) -> State:
        """Where it stands."""
        return self._session.state

    @property
    def user(self) -> UserIdentity | None:
        """The connected user, if there is one."""
        return self._session.user

    def kick(self, cause: Kick) -> None:
        """Put the client out, soon: when what is being done for it is done."""
        self._give_order(lambda: self._session.kick(cause, self._clock.now()))

    def put_out_for(self, limit: str, cause: Kick) -> None:
        """Put the client out, soon, for a limit that was reached."""
        self._ends_for = limit if self._order is None else self._ends_for
        self.kick(cause)

    def shutdown(self, at: float) -> None:
        """End the conversation at `at`, on Trio's clock, because the server is going away."""
        self._stops_at = min(self._stops_at, at)
        self._listening.deadline = min(self._listening.deadline, at)

    async def run(self) -> Close:
        """Converse, and return how the WebSocket is to be closed. Every place that was taken is given back."""
        try:
            await self._websocket.accept()
            while True:
                await self._listen()
                close = await self._carry_out()
                if close is not None:
                    return self._note_close(close)
        except PeerGoneError as gone:
            otherwise = Cause.LOST if gone.code == ABNORMAL else Cause.CLIENT
            cause, limit = _SILENCES.get(type(gone), (otherwise, None))
            self._history.end(Ending(cause, gone.reason, code=gone.code, limit=limit))
            self._note_limit(limit)
            self._left = _describe(gone)
            self.is_user = False
            return Close(CloseCode.POLICY, gone.reason)  # heard by nobody, but one who is late with a pong
        except FrameError as fault:
            self._left = fault.reason
            return self._note_close(Close(fault.code, fault.reason, limit=self._limit_of(fault.excess)))
        finally:
            self._order = None  # it refers to this conversation, which would be garbage in a cycle
            await self._give_back_places()

    async def _listen(self) -> None:
        """Converse until there is something to do that has to be waited for.

        It is interrupted between messages alone, by an order or a deadline.
        """
        with trio.CancelScope(deadline=self._wakes_at()) as self._listening:
            while self._websocket.is_flushed and self._go_on():
                if self._session.question is not None:
                    await self._wait_for_the_verdict()
                elif self._early is not None:
                    early, self._early = self._early, None
                    self._take(early)
                else:
                    await self._websocket.listen(self._take)
            return
        if not self._todo:
            self._todo.extend(self._act_in_time())
            self._note_standing()

    def _go_on(self) -> bool:
        """Do what there is to do, as far as it takes no waiting; say whether that was all."""
        if self._order is not None:
            self._todo.extend(self._order())
        elif self._verdict is not None:
            self._todo.extend(self._take_verdict())
        self._note_standing()
        is_done = self._carry_out_now()
        self._wake_in_time()
        return is_done

    def _take(self, payload: str | bytes) -> bool:
        """Take a message; say whether the next one may come."""
        self._history.messages_in += 1
        self._metrics.received.observe(size_of(payload))
        self._todo.extend(self._session.receive(payload, self._clock.now()))
        return self._go_on() and self._session.question is None and self._order is None

    async def _wait_for_the_verdict(self) -> None:
        """Until then the client may leave; a message that comes has to wait."""
        if self._early is not None:
            await trio.sleep_forever()
        await self._websocket.listen(self._keep)

    def _keep(self, payload: str | bytes) -> bool:
        self._early = payload
        return False

    def _wake_in_time(self) -> None:
        """See that the deadline is not missed; to put it off costs more than to wake too early."""
        deadline = self._session.deadline
        if deadline is not None and (wakes_at := self._clock.to_trio(deadline)) < self._listening.deadline:
            self._listening.deadline = wakes_at

    def _wakes_at(self) -> float:
        """When something is to be done, even if nothing comes."""
        deadline = min(self._clock.to_trio(self._session.deadline), self._stops_at)
        # One who waits for a verdict is not listened to, so a pong would not be heard.
        return deadline if self._session.question is not None else min(deadline, self._websocket.keepalive_due)

    def _act_in_time(self) -> Sequence[Effect]:
        """Do what there was an interruption for; that may be nothing yet."""
        if self._order is not None:
            return self._order()
        if self._verdict is not None:
            return self._take_verdict()
        if trio.current_time() >= self._stops_at:
            return self._session.shutdown(self._clock.now())
        if self._session.question is None:
            self._websocket.keep_alive()
        return self._session.handle_timeout(self._clock.now())

    async def _carry_out(self) -> Close | None:
        """Carry out all there is to do, with the time that it takes."""
        todo = self._todo
        while True:
            await self._websocket.flush()
            if self._carry_out_now():
                return None
            if not self._websocket.is_flushed:
                continue
            match todo.pop(0):
                case Sign() as question:
                    with self._metrics.signing.time():
                        signature = await trio.to_thread.run_sync(
                            question.answer, self._services.key, limiter=self._services.signing_threads
                        )
                    todo.extend(self._session.answer(signature, self._clock.now()))
                case Release(reason):
                    await self._release(_find_cause(reason, todo))
                case Close() as close:
                    return close

    def _carry_out_now(self) -> bool:
        """Carry out what takes no waiting, as far as the first that does; say whether that was all.

        There may be nothing to flush before.
        """
        todo = self._todo
        while todo:
            effect = todo.pop(0)  # it is done once, even if it fails
            match effect:
                case Send() as send:
                    self._note_reply(send)
                    self._websocket.send(send.payload)
                    self._history.messages_out += 1
                    self._metrics.sent.observe(size_of(send.payload))
                    if not self._websocket.is_flushed:
                        return False
                case Sign() as question if not self._services.key.signs_slowly:
                    with self._metrics.signing.time():
                        signature = question.answer(self._services.key)
                    todo.extend(self._session.answer(signature, self._clock.now()))
                case Verify() as question:
                    with self._metrics.verifying.time():
                        is_genuine = question.answer()
                    if not is_genuine:
                        self._note_failure()
                    todo.extend(self._session.answer(is_genuine, self._clock.now()))
                case Admit(user, client_app) as question:
                    self._history.client = client_app.name
                    self._fingerprint = user.pubkey.short_fingerprint
                    todo.extend(self._ask_access(question))
                case Release(reason) if isinstance(self._access, ImmediateAccess):
                    self._release_now(self._access, _find_cause(reason, todo))
                case _:
                    todo.insert(0, effect)
                    return False
        return True

    def _note_standing(self) -> None:
        state = self._session.state
        is_user = state is _CONNECTED
        if is_user == self.is_user or state is _CLOSED:
            return
        self.is_user = is_user
        self._allow_frames(is_user=is_user)
        self._put_out_if(self._change_standing(is_user))

    def _allow_frames(self, *, is_user: bool) -> None:
        frames = self._users_control_frames
        if not is_user:
            frames = TokenBucket(self._limits.control_frames_before_auth, 0, trio.current_time())
        self._websocket.allow(self._session.max_message_bytes, frames)

    def _note_failure(self) -> None:
        """Whoever forges a proof or guesses at tokens may do so a few times."""
        self._put_out_if(self._services.address_limits.note_failure(self._peer.group, trio.current_time()))

    def _put_out_if(self, refusal: Refusal | None) -> None:
        if refusal is not None:
            self._note_limit(refusal.limit)
            self.put_out_for(refusal.limit, Kick(CloseCode.TRY_AGAIN_LATER, refusal.text))

    def _limit_of(self, excess: Excess | None) -> str | None:
        is_user = self._session.state is State.CONNECTED
        match excess:
            case Excess.BYTES:
                return "max_message_bytes" if is_user else "max_message_bytes_before_auth"
            case Excess.CONTROL_FRAMES:
                return "control_frames_per_min" if is_user else "control_frames_before_auth"
            case Excess.FRAGMENTS:
                return "fragments"
        return None

    def _note_limit(self, limit: str | None) -> None:
        if limit is not None:
            self._services.refusals.note(limit, self._peer.name)

    def _give_order(self, order: Callable[[], Sequence[Effect]]) -> None:
        if self._session.state is State.CLOSED:
            return
        self._order = self._order or order  # the first counts: a ban is not undone by a shutdown
        self._listening.cancel()

    def _ask_access(self, question: Admit) -> Sequence[Effect]:
        applicant = Applicant(self._id, self._peer.name, self.kick)
        if isinstance(self._access, ImmediateAccess):
            with self._metrics.admission.time():
                verdict = self._access.admit_now(applicant, question)
            effects = self._answer(verdict)
            self._note_standing()
            return effects
        if self._admissions is None:
            raise RuntimeError("there is nowhere to ask the access store")
        self._admissions.start_soon(self._ask_store, self._access, applicant, question)
        return ()

    async def _ask_store(self, access: AccessStore, applicant: Applicant, question: Admit) -> None:
        with trio.CancelScope(shield=True):  # a place that is taken must be known, to be given back
            # A fault of the store is raised where the verdict is taken: raised here, no Close frame would be sent.
            with self._metrics.admission.time():
                self._verdict = await outcome.acapture(access.admit, applicant, question)
            self._listening.cancel()
            if self._session.state is State.CLOSED:
                await self._give_back_places()

    def _take_verdict(self) -> Sequence[Effect]:
        verdict, self._verdict = self._verdict, None
        if verdict is None:
            return ()
        return self._answer(verdict.unwrap())

    def _answer(self, verdict: Verdict) -> Sequence[Effect]:
        if isinstance(verdict, Refused) and verdict.status == Status.INVALID_JOIN_TOKEN:
            self._note_failure()
        return self._session.answer(verdict, self._clock.now())

    async def _give_back_places(self) -> None:
        """Give back the places that a session which is over still has, or has been given since."""
        todo, self._todo = self._todo, []  # the session has told of these; they are not to be told again
        for effect in (*todo, *self._session.connection_lost(self._clock.now()), *self._take_verdict()):
            if isinstance(effect, Release):
                await self._release(self._left)

    async def _release(self, why: str) -> None:
        if isinstance(self._access, ImmediateAccess):
            self._release_now(self._access, why)
            return
        self._note_left(why)
        with trio.CancelScope(shield=True):
            await self._access.release(self._id, why)

    def _release_now(self, access: ImmediateAccess, why: str) -> None:
        self._note_left(why)
        access.release_now(self._id, why)

    def _note_left(self, why: str) -> None:
        self._log.debug("session.left", user=self._fingerprint, why=why)
        self._fingerprint = None

    def _note_close(self, close: Close) -> Close:
        ending = ending_of(close)
        self._history.end(replace(ending, limit=ending.limit or self._ends_for))
        self._note_limit(close.limit)
        return close

    def _note_reply(self, send: Send) -> None:
        user = self._session.user
        if send.name != "connect":
            name = send.name if send.name in REQUESTS else "request"  # a stranger chooses any other
            self._log.debug(f"{name}.answered", user=self._fingerprint, status=send.status, detail=send.detail)
            return
        self._history.connects += 1
        self._history.status = send.status
        self._metrics.count_connect(str(send.status))
        if send.status == _SUCCESS and user is not None:
            self._history.user, self._history.name = self._fingerprint, user.name
            self._log.info("connect.admitted", user=self._fingerprint, name=user.name, type=user.type)
        else:
            self._log.debug("connect.refused", user=self._fingerprint, status=send.status, detail=send.detail)
            if user is None:
                self._fingerprint = None


def _find_cause(reason: str | None, effects: Iterable[Effect]) -> str:
    """Why a user left: what they said, or the close that follows."""
    if reason:
        return f"said: {reason}"
    return next((effect.reason for effect in effects if isinstance(effect, Close)), "disconnected")


def _describe(gone: PeerGoneError) -> str:
    if gone.code == ABNORMAL:
        return gone.reason or "the connection was lost"
    return f"closed the connection ({gone.code}){': ' if gone.reason else ''}{gone.reason}"
