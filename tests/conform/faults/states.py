"""Faults in what is answered in which state."""

from tests.conform.faults.seeding import seeds
from tests.conform.reference.envelopes import BadRequest, Other, Request
from tests.conform.reference.session import Close, Deeds, Session, State


@seeds("S24-CONNECTED", "S25-CONNECTED")
class AnswersMessages(Session):
    """A `message` and a `reply` of a connected user are answered."""

    def take_other(self, other: Other) -> Deeds:
        if self.is_connected:
            return self.reply(BadRequest(other.plain["name"], 0), "invalid_message")
        return super().take_other(other)


@seeds("S24-CONNECTED", "S25-CONNECTED")
class ClosesForMessages(Session):
    """A `message` or a `reply` of a connected user ends the connection."""

    def take_other(self, other: Other) -> Deeds:
        return self.ignore()


@seeds("S0")
class TakesMessagesOfStrangers(Session):
    """A `message` or a `reply` before authentication does not end the connection."""

    def take_other(self, other: Other) -> Deeds:
        return []


@seeds("S24-OPEN", "S25-OPEN", "S24-CHALLENGED", "S24-DISCONNECTED")
class AnswersMessagesOfStrangers(Session):
    """A `message` before authentication is answered before the connection ends."""

    def take_other(self, other: Other) -> Deeds:
        said = self.reply(BadRequest(other.plain["name"], 0), "invalid_message")
        return [] if self.is_connected else [*said, *self.ignore()]


@seeds("S20-OPEN", "S22-OPEN", "S24-OPEN")
class AnswersEverything(Session):
    """Requests that a state does not answer are answered `invalid_message`."""

    def ignore(self) -> Deeds:
        return self.reply(BadRequest("disconnect", 0), "invalid_message")


@seeds("S22-OPEN", "S22-CHALLENGED", "S22-DISCONNECTED")
class AnswersUnknownRequestsOfStrangers(Session):
    """A request of an unknown name is answered before authentication."""

    def answers(self, name: str) -> bool:
        return name not in ("disconnect",) or super().answers(name)


@seeds("S20-OPEN", "S20-CHALLENGED")
class AnswersEarlyDisconnects(Session):
    """A `disconnect` before any `connect` is answered `not_connected`."""

    def take_request(self, request: Request) -> Deeds:
        if request.name == "disconnect" and self.state in (State.OPEN, State.CHALLENGED):
            return self.reply(request, "not_connected")
        return super().take_request(request)


@seeds("S20-OPEN", "S22-OPEN")
class AnswersAndCloses(Session):
    """What is to be ignored before authentication is answered `invalid_message`, and then closed."""

    def take_request(self, request: Request) -> Deeds:
        if not self.answers(request.name):
            return [*self.reply(request, "invalid_message"), *self.ignore()]
        return super().take_request(request)


@seeds("S22-CONNECTED")
class ClosesForUnknownRequests(Session):
    """A request of an unknown name ends a user's connection."""

    def take_request(self, request: Request) -> Deeds:
        if request.name not in ("challenge", "connect", "disconnect"):
            return self.ignore()
        return super().take_request(request)


@seeds("S22-CONNECTED")
class IgnoresUnknownRequests(Session):
    """A user's request of an unknown name is not answered."""

    def take_request(self, request: Request) -> Deeds:
        if self.is_connected and request.name not in ("challenge", "connect", "disconnect"):
            return []
        return super().take_request(request)


@seeds("V13")
class IgnoresBadRequests(Session):
    """A bad request is not answered."""

    def take_bad_request(self, request: BadRequest) -> Deeds:
        return [] if self.answers(request.name) else self.ignore()


@seeds("V13")
class ClosesForBadRequests(Session):
    """A bad request ends the connection, whatever the state."""

    def take_bad_request(self, request: BadRequest) -> Deeds:
        return self.ignore()


@seeds("S21-OPEN", "S21-CHALLENGED", "S23-OPEN")
class AnswersEveryBadRequest(Session):
    """A bad request is answered in every state."""

    def take_bad_request(self, request: BadRequest) -> Deeds:
        return self.reply(request, "invalid_message")


@seeds("M30")
class ConnectsTheBad(Session):
    """A bad `connect` ends the user's connection to the server, though it is answered."""

    def take_bad_request(self, request: BadRequest) -> Deeds:
        deeds = super().take_bad_request(request)
        if request.name == "connect" and self.state is State.CHALLENGED:
            self.state = State.OPEN
        return deeds


@seeds("V10")
class AnswersTwice(Session):
    """Every reply comes twice."""

    def reply(self, to: Request | BadRequest, status: str, data: dict[str, object] | None = None) -> Deeds:
        return super().reply(to, status, data) * 2


@seeds("V11")
class NotesEachReply(Session):
    """A `message` that is not defined follows the reply to `connect`."""

    def welcome(self, request: Request) -> Deeds:
        note = {
            "time": self.replies.write_time(self.replies.stamp(self.now)),
            "type": "request",
            "name": "welcome",
            "conversation": 1,
            "data": {},
        }
        return [*super().welcome(request), self.encoding.encode(note)]


@seeds("V10")
class AnswersOutOfOrder(Session):
    """The answer to a challenge waits for the next request."""

    waiting: Deeds | None = None

    def challenge(self, request: Request) -> Deeds:
        self.waiting = super().challenge(request)
        return []

    def take_request(self, request: Request) -> Deeds:
        waiting, self.waiting = self.waiting or [], None
        return [*super().take_request(request), *waiting]


@seeds("E1", "V16")
class IgnoresMalformed(Session):
    """What is no valid envelope is passed over."""

    def malformed(self) -> Deeds:
        return []


@seeds("E1", "V16")
class ClosesMalformedByPolicy(Session):
    """What is no valid envelope is closed with 1008."""

    def malformed(self) -> Deeds:
        return [Close(1008, "no valid envelope")]


@seeds("S26-CONNECTED")
class ForgivesUsersMalformed(Session):
    """What is no valid envelope is passed over once a user is connected."""

    def malformed(self) -> Deeds:
        return [] if self.is_connected else super().malformed()


@seeds("T11")
class IgnoresTheWrongKind(Session):
    """Text where binary is due is passed over, and the reverse."""

    def wrong_kind(self, payload: str | bytes) -> Deeds:
        return []


@seeds("T11")
class ClosesTheWrongKindAsMalformed(Session):
    """Text where binary is due, or the reverse, is closed with 1007."""

    def wrong_kind(self, payload: str | bytes) -> Deeds:
        return self.malformed()


@seeds("T11")
class ReadsTheWrongKind(Session):
    """JSON in a binary message is read."""

    def receive(self, payload: str | bytes, now: float) -> Deeds:
        if isinstance(payload, bytes) and self.encoding.kind is str:
            payload = payload.decode(errors="replace")
        return super().receive(payload, now)


@seeds("B6", "B7")
class ClosesBigMessagesByPolicy(Session):
    """A message over the bound is closed with 1008."""

    def too_big(self, now: float) -> Deeds:
        return [Close(1008, "too big")]


@seeds("B6")
class DisconnectsForBigMessages(Session):
    """A message over the bound is answered, and its rest passed over."""

    def too_big(self, now: float) -> Deeds:
        self.now = now
        return [*self.reply(BadRequest("", 0), "invalid_message"), Close(1009, "too big")]


@seeds("M36")
class RefusesStrangeDisconnects(Session):
    """A second `disconnect` ends the connection."""

    def answers(self, name: str) -> bool:
        return self.is_connected or name in ("challenge", "connect")


@seeds("S0")
class StaysOpenForTheDisconnected(Session):
    """Who has disconnected may send what only users may."""

    def ignore(self) -> Deeds:
        return [] if self.state is State.DISCONNECTED else super().ignore()


@seeds("V8")
class RemembersConversations(Session):
    """A number of a conversation that was there before is refused."""

    seen: frozenset[int] = frozenset()

    def take_request(self, request: Request) -> Deeds:
        if request.conversation in self.seen:
            return self.reply(request, "invalid_message")
        self.seen |= {request.conversation}
        return super().take_request(request)
