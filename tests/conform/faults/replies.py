"""Faults in the envelopes that the server sends."""

from typing import Any

from tests.conform.faults.seeding import seeds
from tests.conform.reference.envelopes import BadRequest, Request
from tests.conform.reference.replies import Replies


class _Changed(Replies):
    """Changes each reply after it is built."""

    def build(self, to: Request | BadRequest, status: str, data: dict[str, Any], now: float) -> dict[str, Any]:
        reply = super().build(to, status, data, now)
        self.change(reply)
        return reply

    def change(self, reply: dict[str, Any]) -> None:
        raise NotImplementedError


@seeds("V1")
class LeavesOutTheTime(_Changed):
    """A reply has no `time`."""

    def change(self, reply: dict[str, Any]) -> None:
        del reply["time"]


@seeds("V22")
class WritesAnOffset(_Changed):
    """A reply's `time` ends in `+00:00`, not in `Z`."""

    def change(self, reply: dict[str, Any]) -> None:
        reply["time"] = reply["time"].replace("Z", "+00:00")


@seeds("V22")
class WritesNoOffset(_Changed):
    """A reply's `time` has no offset."""

    def change(self, reply: dict[str, Any]) -> None:
        reply["time"] = reply["time"].replace("Z", "")


@seeds("V22")
class WritesMilliseconds(_Changed):
    """A reply's `time` has three digits of a second."""

    def change(self, reply: dict[str, Any]) -> None:
        reply["time"] = reply["time"][:-4] + "Z"


@seeds("V22")
class WritesSecondsSince1970(_Changed):
    """A reply's `time` is a number."""

    def change(self, reply: dict[str, Any]) -> None:
        reply["time"] = self._last_us // 1_000_000


@seeds("V23")
class StampsTheSame(Replies):
    """Every reply has the time of the first."""

    def stamp(self, now: float) -> int:
        return self._last_us or super().stamp(now)


@seeds("V23")
class StampsMilliseconds(Replies):
    """Replies of one millisecond have the same time."""

    def stamp(self, now: float) -> int:
        return super().stamp(now) // 1000 * 1000


@seeds("V23")
class StampsBackwards(Replies):
    """Each reply has an earlier time than the one before."""

    def stamp(self, now: float) -> int:
        self._last_us = self._last_us - 1 if self._last_us else super().stamp(now)
        return self._last_us


@seeds("V2")
class SaysResponse(_Changed):
    """The type of a reply is `response`."""

    def change(self, reply: dict[str, Any]) -> None:
        reply["type"] = "response"


@seeds("V2")
class SaysRequest(_Changed):
    """The type of a reply is `request`."""

    def change(self, reply: dict[str, Any]) -> None:
        reply["type"] = "request"


@seeds("V3")
class LeavesOutTheName(_Changed):
    """A reply has no `name`."""

    def change(self, reply: dict[str, Any]) -> None:
        del reply["name"]


@seeds("V9")
class ChangesTheName(_Changed):
    """A reply has a name of its own."""

    def change(self, reply: dict[str, Any]) -> None:
        reply["name"] += "_reply"


@seeds("V9")
class AnswersAnotherConversation(_Changed):
    """A reply has the number of another conversation."""

    def change(self, reply: dict[str, Any]) -> None:
        reply["conversation"] += 2


@seeds("V9")
class CountsItsOwnConversations(_Changed):
    """Replies are numbered 0, 2, 4, whatever the requests are."""

    count = -2

    def change(self, reply: dict[str, Any]) -> None:
        self.count += 2
        reply["conversation"] = self.count


@seeds("V5")
class LeavesOutTheConversation(_Changed):
    """A reply has no conversation."""

    def change(self, reply: dict[str, Any]) -> None:
        del reply["conversation"]


@seeds("V9")
class WritesConversationsAsText(_Changed):
    """The conversation of a reply is a string."""

    def change(self, reply: dict[str, Any]) -> None:
        reply["conversation"] = str(reply["conversation"])


@seeds("V5")
class CutsConversations(_Changed):
    """Of a conversation the lower 31 bits come back."""

    def change(self, reply: dict[str, Any]) -> None:
        reply["conversation"] &= 0x7FFFFFFF


@seeds("V6")
class LeavesOutTheStatus(_Changed):
    """A reply has no status."""

    def change(self, reply: dict[str, Any]) -> None:
        del reply["status"]


@seeds("M1")
class SaysOk(_Changed):
    """The status of success is `ok`."""

    def change(self, reply: dict[str, Any]) -> None:
        reply["status"] = reply["status"].replace("success", "ok")


@seeds("V4")
class LeavesOutEmptyData(_Changed):
    """A reply whose data is empty has none."""

    def change(self, reply: dict[str, Any]) -> None:
        if not reply["data"]:
            del reply["data"]


@seeds("V4")
class WritesNullForEmptyData(_Changed):
    """A reply whose data is empty has null."""

    def change(self, reply: dict[str, Any]) -> None:
        reply["data"] = reply["data"] or None


@seeds("M7")
class ExplainsRefusals(_Changed):
    """The data of a refusal has an explanation that is not defined."""

    def change(self, reply: dict[str, Any]) -> None:
        if reply["status"] != "success":
            reply["data"] = {"message": "no"}


@seeds("M35")
class ExplainsDisconnects(_Changed):
    """The data of a `disconnect` reply is not empty."""

    def change(self, reply: dict[str, Any]) -> None:
        if reply["name"] == "disconnect":
            reply["data"] = {"goodbye": True}


class _Misspelt(_Changed):
    status: str
    instead: str

    def change(self, reply: dict[str, Any]) -> None:
        if reply["status"] == self.status:
            reply["status"] = self.instead


@seeds("M2")
class MisspellsInvalidMessage(_Misspelt):
    """`invalid_message` is written `invalid_request`."""

    status, instead = "invalid_message", "invalid_request"


@seeds("M3")
class MisspellsInvalidChallenge(_Misspelt):
    """`invalid_challenge` is written `challenge_invalid`."""

    status, instead = "invalid_challenge", "challenge_invalid"


@seeds("M5")
class MisspellsNotConnected(_Misspelt):
    """`not_connected` is written `disconnected`."""

    status, instead = "not_connected", "disconnected"


@seeds("M4")
class MisspellsAlreadyConnected(_Misspelt):
    """`already_connected` is written `connected`."""

    status, instead = "already_connected", "connected"


@seeds("M6")
class MisspellsDisallowedUser(_Misspelt):
    """`disallowed_user` is written `user_disallowed`."""

    status, instead = "disallowed_user", "user_disallowed"


@seeds("E10")
class AddsAKey(_Changed):
    """A reply has a key that is not defined."""

    def change(self, reply: dict[str, Any]) -> None:
        reply["server"] = "reference"
