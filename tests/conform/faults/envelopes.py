"""Faults in reading envelopes."""

from typing import Any

from tests.conform.faults.seeding import seeds
from tests.conform.reference import shapes
from tests.conform.reference.encodings import MalformedError
from tests.conform.reference.envelopes import BadRequest, Envelopes
from tests.conform.reference.shapes import Rule, Shape, text

KNOWN = {"time", "type", "name", "data", "conversation", "status"}


def heads(**rules: Rule) -> dict[str, Rule]:
    """The heads of envelopes with other rules for some keys."""
    return {
        kind: shape.but(**rules)
        for kind, shape in (("message", shapes.MESSAGE), ("request", shapes.REQUEST), ("reply", shapes.REPLY))
    }


def without(shape: Shape, key: str) -> Shape:
    return Shape({name: rule for name, rule in shape.needed.items() if name != key}, shape.optional)


@seeds("E8")
class RefusesUnknownKeys(Envelopes):
    """An envelope with a key that is not known is refused."""

    def is_valid(self, plain: dict[str, Any]) -> bool:
        return KNOWN.issuperset(plain) and super().is_valid(plain)


@seeds("E8")
class RefusesUnknownData(Envelopes):
    """A `challenge` whose data has a key that is not known is refused."""

    def is_valid(self, plain: dict[str, Any]) -> bool:
        return super().is_valid(plain) and not (plain["name"] == "challenge" and len(plain["data"]) > 1)


def _has_null(plain: object) -> bool:
    return plain is None or (isinstance(plain, dict) and any(map(_has_null, plain.values())))


@seeds("E11")
class RefusesNulls(Envelopes):
    """A null that stands for an absent key is refused."""

    def is_valid(self, plain: dict[str, Any]) -> bool:
        return super().is_valid(plain) and not _has_null(plain)


@seeds("V5")
class TakesOddConversations(Envelopes):
    """A client may use the server's numbers of conversations."""

    def is_clients(self, conversation: int) -> bool:
        return True


@seeds("V5")
class TakesSmallConversations(Envelopes):
    """A conversation above 2147483647 is refused."""

    heads = heads(conversation=shapes.COUNT)


class _AnyNumber(Envelopes):
    def salvage(self, plain: dict[str, Any]) -> BadRequest:
        number = plain.get("conversation")
        return super().salvage(plain) if not isinstance(number, int) else BadRequest(plain["name"], number)


@seeds("V12")
class TakesEveryConversation(_AnyNumber):
    """A conversation may be negative, or over 4294967295."""

    heads = heads(conversation=lambda value: isinstance(value, int))


@seeds("V12")
class TakesTextForConversations(Envelopes):
    """A conversation may be a string of digits."""

    def is_valid(self, plain: dict[str, Any]) -> bool:
        number = plain.get("conversation")
        if isinstance(number, str) and number.isdecimal():
            plain["conversation"] = int(number)
        return super().is_valid(plain)


@seeds("V12")
class TakesTrueForOne(Envelopes):
    """A boolean is an integer."""

    def salvage(self, plain: dict[str, Any]) -> BadRequest:
        if isinstance(plain.get("conversation"), bool):
            plain["conversation"] = int(plain["conversation"])
        return super().salvage(plain)


@seeds("V12")
class NeedsNoConversation(Envelopes):
    """A request without a conversation is number 0."""

    def is_valid(self, plain: dict[str, Any]) -> bool:
        if plain.get("type") == "request" and plain.get("conversation") is None:
            plain["conversation"] = 0
        return super().is_valid(plain)


@seeds("V4")
class TakesNullData(Envelopes):
    """The data of `disconnect` may be null or absent."""

    def is_valid(self, plain: dict[str, Any]) -> bool:
        if plain.get("data") is None:
            plain["data"] = {}
        return super().is_valid(plain)


@seeds("V2")
class TakesUnknownTypes(Envelopes):
    """An envelope of an unknown type is taken for a message."""

    def is_valid(self, plain: dict[str, Any]) -> bool:
        if plain.get("type") not in ("message", "request", "reply"):
            plain["type"] = "message"
        return super().is_valid(plain)


@seeds("V16")
class TakesLists(Envelopes):
    """A list of one envelope is an envelope."""

    def read(self, encoding: Any, payload: Any) -> Any:
        if isinstance(payload, str) and payload.lstrip().startswith("["):
            payload = payload.strip()[1:-1]
        return super().read(encoding, payload)


@seeds("V3")
class TakesEveryName(Envelopes):
    """A name may be empty, or longer than 64 characters."""

    heads = heads(name=text(0, 10_000))


@seeds("V3")
class TakesShortNames(Envelopes):
    """A name of 64 characters is refused."""

    heads = heads(name=text(1, 63))


@seeds("V15")
class RepeatsBadNames(Envelopes):
    """A reply repeats a name that is too long."""

    def salvage(self, plain: dict[str, Any]) -> BadRequest:
        bad = super().salvage(plain)
        return BadRequest(str(plain.get("name", "")), bad.conversation)


@seeds("V15")
class AnswersNoBadNames(Envelopes):
    """A request without a good name is closed with 1007, where it is to be answered."""

    def salvage(self, plain: dict[str, Any]) -> BadRequest:
        bad = super().salvage(plain)
        if not bad.name:
            raise MalformedError("no name")
        return bad


@seeds("V13")
class AnswersNoBadRequests(Envelopes):
    """Every bad request is closed with 1007."""

    def salvage(self, plain: dict[str, Any]) -> BadRequest:
        raise MalformedError("no valid envelope")


@seeds("V12")
class AnswersNoOddRequests(Envelopes):
    """A request with an odd number is closed with 1007."""

    def salvage(self, plain: dict[str, Any]) -> BadRequest:
        bad = super().salvage(plain)
        if bad.conversation % 2:
            raise MalformedError("an odd conversation")
        return bad


@seeds("V7")
class WantsAConversationInMessages(Envelopes):
    """A `message` without a conversation is refused."""

    heads = heads() | {"message": shapes.REQUEST.but(type=shapes.one_of("message"))}


@seeds("V7")
class MindsConversationsOfMessages(Envelopes):
    """A `message` with a key `conversation` that is no number is refused."""

    def is_valid(self, plain: dict[str, Any]) -> bool:
        if plain.get("type") == "message" and not isinstance(plain.get("conversation", 0), int):
            return False
        return super().is_valid(plain)


@seeds("V6")
class TakesRepliesWithoutStatus(Envelopes):
    """A `reply` needs no status."""

    heads = heads() | {"reply": without(shapes.REPLY, "status")}


@seeds("E24", "E25", "E26", encodings=("bson",))
class TakesForeignTypes(Envelopes):
    """Values of BSON types that JSON has not are let pass under unknown keys."""

    def has_foreign(self, plain: dict[str, Any]) -> bool:
        return False


@seeds("E18")
class MindsTheOrder(Envelopes):
    """An envelope has to begin with its `time`."""

    def is_valid(self, plain: dict[str, Any]) -> bool:
        return super().is_valid(plain) and next(iter(plain)) == "time"


@seeds("V14")
class ForgetsNamesOfBadRequests(Envelopes):
    """The reply to a bad request has an empty name."""

    def salvage(self, plain: dict[str, Any]) -> BadRequest:
        return BadRequest("", super().salvage(plain).conversation)
