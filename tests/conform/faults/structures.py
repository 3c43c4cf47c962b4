"""Faults in what the data of a request has to be: bounds and types."""

from collections.abc import Mapping
from typing import ClassVar

from tests.conform.faults.seeding import seeds
from tests.conform.reference.envelopes import Envelopes
from tests.conform.reference.shapes import (
    APP_INFO,
    CHALLENGE,
    CONNECT,
    COUNT,
    LABEL,
    SOFTWARE_VERSION,
    USER_IDENTITY,
    Rule,
    Shape,
    one_of,
    several,
    table,
    text,
    whole,
)

Data = Mapping[str, Rule]


def with_connect(**rules: Rule) -> Data:
    return {**Envelopes.data, "connect": CONNECT.but(**rules)}


def with_app(**rules: Rule) -> Data:
    return with_connect(client_app=APP_INFO.but(**rules))


def with_version(**rules: Rule) -> Data:
    return with_app(version=SOFTWARE_VERSION.but(**rules))


def with_user(**rules: Rule) -> Data:
    return with_connect(user=USER_IDENTITY.but(**rules))


@seeds("M34")
class TakesLongReasons(Envelopes):
    """A reason to leave may have more than 512 characters."""

    data: ClassVar[Data] = {**Envelopes.data, "disconnect": Shape({}, {"reason": text(0, 10_000)})}


@seeds("E2")
class CountsBytesOfReasons(Envelopes):
    """The bound on a reason to leave counts bytes."""

    data: ClassVar[Data] = {
        **Envelopes.data,
        "disconnect": Shape({}, {"reason": lambda value: isinstance(value, str) and len(value.encode()) <= 512}),
    }


@seeds("M34")
class TakesNumbersForReasons(Envelopes):
    """A reason to leave may be a number."""

    data: ClassVar[Data] = {**Envelopes.data, "disconnect": Shape({}, {})}


@seeds("M10")
class TakesLongChallenges(Envelopes):
    """A challenge of more than 16384 characters is taken for a bad one, not for a bad request."""

    data: ClassVar[Data] = {**Envelopes.data, "challenge": Shape({"challenge": text(0, 10**6)})}


@seeds("M10")
class BoundsChallengesTightly(Envelopes):
    """A challenge that is too long for a signature, but within its bound, is a bad request."""

    data: ClassVar[Data] = {**Envelopes.data, "challenge": CHALLENGE.but(challenge=text(0, 256))}


@seeds("M21")
class TakesLongProofs(Envelopes):
    """A proof may have more than 1024 characters."""

    data: ClassVar[Data] = with_connect(challenge=text(0, 100_000))


@seeds("M22")
class TakesLongTokens(Envelopes):
    """A `join_token` may have more than 256 characters."""

    data: ClassVar[Data] = with_connect(join_token=text(0, 100_000))


@seeds("D11")
class TakesManyCapabilities(Envelopes):
    """A program may have more than 64 capabilities."""

    data: ClassVar[Data] = with_app(capabilities=several(LABEL, 1000))


@seeds("D11")
class TakesFewCapabilities(Envelopes):
    """A program with 64 capabilities is refused."""

    data: ClassVar[Data] = with_app(capabilities=several(LABEL, 63))


@seeds("D11")
class TakesLongCapabilities(Envelopes):
    """The name of a capability may be of any length, and empty."""

    data: ClassVar[Data] = with_app(capabilities=several(text(0, 1000), 64))


@seeds("D12")
class TakesManyExtensions(Envelopes):
    """A program may have more than 64 extensions."""

    data: ClassVar[Data] = with_app(extensions=table(LABEL, several(COUNT, 16), 1000))


@seeds("D12")
class TakesManyVersions(Envelopes):
    """An extension may have more than 16 versions."""

    data: ClassVar[Data] = with_app(extensions=table(LABEL, several(COUNT, 1000), 64))


@seeds("D12")
class TakesLongExtensions(Envelopes):
    """The name of an extension may be of any length, and empty."""

    data: ClassVar[Data] = with_app(extensions=table(text(0, 1000), several(COUNT, 16), 64))


@seeds("D12")
class TakesBigExtensionVersions(Envelopes):
    """A version of an extension may be over 2147483647, and negative."""

    data: ClassVar[Data] = with_app(extensions=table(LABEL, several(lambda value: isinstance(value, int), 16), 64))


@seeds("D9")
class TakesLongPrograms(Envelopes):
    """The name of a program may be of any length, and empty."""

    data: ClassVar[Data] = with_app(name=text(0, 1000))


@seeds("D13")
class TakesLongDescriptions(Envelopes):
    """The description of a program may have more than 512 characters."""

    data: ClassVar[Data] = with_app(description=text(0, 10_000))


@seeds("D3")
class TakesEveryKindOfVersion(Envelopes):
    """The type of a version may be any text."""

    data: ClassVar[Data] = with_version(type=text(0, 64))


@seeds("D4", "D5", "D6")
class TakesBigVersions(Envelopes):
    """The number of a version may be over 2147483647."""

    data: ClassVar[Data] = with_version(major=whole(2**60), minor=whole(2**60), patch=whole(2**60))


@seeds("D7", "D8")
class TakesLongRevisions(Envelopes):
    """`vcs_id` and `display` may have more than 128 characters."""

    data: ClassVar[Data] = with_version(vcs_id=text(0, 1000), display=text(0, 1000))


@seeds("D15")
class TakesEveryKindOfUser(Envelopes):
    """The type of a user may be any text."""

    data: ClassVar[Data] = with_user(type=text(0, 64))


@seeds("D15")
class KnowsNoBots(Envelopes):
    """Bots and relays of logs are refused."""

    data: ClassVar[Data] = with_user(type=one_of("user"))


@seeds("D18")
class TakesLongUrls(Envelopes):
    """The URL of a home server may have more than 2048 characters, and be empty."""

    data: ClassVar[Data] = with_user(home_server_url=text(0, 100_000))


@seeds("E4")
class TakesBooleansForNumbers(Envelopes):
    """The number of a version may be a boolean, and a string of digits."""

    data: ClassVar[Data] = with_version(
        major=lambda value: COUNT(value) or isinstance(value, bool | str),
        patch=lambda value: COUNT(value) or isinstance(value, bool | str),
    )
