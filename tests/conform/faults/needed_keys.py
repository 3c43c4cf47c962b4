"""Faults in which keys of a request are needed."""

from typing import Any, ClassVar

from tests.conform.faults.seeding import seeds
from tests.conform.faults.structures import Data, with_app, with_connect
from tests.conform.reference.envelopes import Envelopes
from tests.conform.reference.shapes import COUNT, LABEL, SOFTWARE_VERSION, USER_IDENTITY, Shape, text


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


@seeds("D17")
class NeedsNoHomeServer(Envelopes):
    """A user needs no home server."""

    data: ClassVar[Data] = with_connect(
        user=Shape({key: rule for key, rule in USER_IDENTITY.needed.items() if key != "home_server"})
    )


@seeds("D6")
class NeedsAPatch(Envelopes):
    """A version without its third number is refused."""

    data: ClassVar[Data] = with_app(
        version=Shape({**SOFTWARE_VERSION.needed, "patch": COUNT}, {"vcs_id": text(0, 128), "display": text(0, 128)})
    )


@seeds("M10")
class TakesNoChallenge(Envelopes):
    """A `challenge` without its challenge is answered `invalid_challenge`."""

    def is_valid(self, plain: dict[str, Any]) -> bool:
        if plain.get("name") == "challenge" and isinstance(plain.get("data"), dict):
            challenge = plain["data"].get("challenge")
            plain["data"]["challenge"] = challenge if isinstance(challenge, str) else ""
        return super().is_valid(plain)


@seeds("E13")
class TakesNullCapabilities(Envelopes):
    """A null is a capability."""

    def is_valid(self, plain: dict[str, Any]) -> bool:
        app = plain.get("data", {}).get("client_app") if isinstance(plain.get("data"), dict) else None
        if isinstance(app, dict) and isinstance(app.get("capabilities"), list):
            app["capabilities"] = [item for item in app["capabilities"] if item is not None]
        return super().is_valid(plain)
