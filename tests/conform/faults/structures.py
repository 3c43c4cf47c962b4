"""Faults in what the data of a request has to be: bounds, needed keys."""

from collections.abc import Mapping
from typing import Any, ClassVar

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
class TakesNoChallenge(Envelopes):
    """A `challenge` without its challenge is answered `invalid_challenge`."""

    def is_valid(self, plain: dict[str, Any]) -> bool:
        if plain.get("name") == "challenge" and isinstance(plain.get("data"), dict):
            challenge = plain["data"].get("challenge")
            plain["data"]["challenge"] = challenge if isinstance(challenge, str) else ""
        return super().is_valid(plain)


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


@seeds("E13")
class TakesNullCapabilities(Envelopes):
    """A null is a capability."""

    def is_valid(self, plain: dict[str, Any]) -> bool:
        app = plain.get("data", {}).get("client_app") if isinstance(plain.get("data"), dict) else None
        if isinstance(app, dict) and isinstance(app.get("capabilities"), list):
            app["capabilities"] = [item for item in app["capabilities"] if item is not None]
        return super().is_valid(plain)


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


@seeds("D10", "D11", "D12")
class NeedsNoVersion(Envelopes):
    """A program needs no version, no capabilities and no extensions."""

    data: ClassVar[Data] = with_connect(client_app=Shape({"name": LABEL}))

    def is_valid(self, plain: dict[str, Any]) -> bool:
        data = plain.get("data")
        app = data.get("client_app") if isinstance(data, dict) else None
        if isinstance(app, dict):
            app["capabilities"], app["extensions"] = app.get("capabilities") or [], app.get("extensions") or {}
        return super().is_valid(plain)


@seeds("D6")
class NeedsAPatch(Envelopes):
    """A version without its third number is refused."""

    data: ClassVar[Data] = with_app(
        version=Shape({**SOFTWARE_VERSION.needed, "patch": COUNT}, {"vcs_id": text(0, 128), "display": text(0, 128)})
    )


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


@seeds("D17")
class NeedsNoHomeServer(Envelopes):
    """A user needs no home server."""

    data: ClassVar[Data] = with_connect(
        user=Shape({key: rule for key, rule in USER_IDENTITY.needed.items() if key != "home_server"})
    )


@seeds("D18")
class TakesLongUrls(Envelopes):
    """The URL of a home server may have more than 2048 characters, and be empty."""

    data: ClassVar[Data] = with_user(home_server_url=text(0, 100_000))


class Fills(Envelopes):
    """Puts something in place of what is missing in the data of `connect`."""

    def fill(self, data: dict[str, Any]) -> None:
        raise NotImplementedError

    def is_valid(self, plain: dict[str, Any]) -> bool:
        if plain.get("name") == "connect" and isinstance(plain.get("data"), dict):
            self.fill(plain["data"])
        return super().is_valid(plain)


@seeds("M19")
class NeedsNoProgram(Fills):
    """A client need not say what program it is."""

    def fill(self, data: dict[str, Any]) -> None:
        version = {"type": "dev", "major": 0, "minor": 0}
        nobody = {"name": "unknown", "version": version, "capabilities": [], "extensions": {}}
        data["client_app"] = data.get("client_app") or nobody


@seeds("M20")
class NeedsNoUser(Fills):
    """A client need not say who its user is."""

    def fill(self, data: dict[str, Any]) -> None:
        key = {"key": "AAAA", "format": "none"}
        data["user"] = data.get("user") or {"name": "guest", "type": "user", "pubkey": key, "home_server": key}


@seeds("E12")
class TakesNullsForNeeded(Fills):
    """A null stands for a usual name, and for the usual type of user."""

    def fill(self, data: dict[str, Any]) -> None:
        for part, key, usual in (("client_app", "name", "unknown"), ("user", "type", "user"), ("user", "name", "Ada")):
            if isinstance(data.get(part), dict) and data[part].get(key, "") is None:
                data[part][key] = usual
