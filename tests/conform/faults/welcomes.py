"""Faults in how the server introduces itself to a user."""

from collections.abc import Callable
from typing import Any

from tests.conform.faults.seeding import seeds
from tests.conform.reference.session import Session
from tests.independent.keys import make_key

Check = Callable[[dict[str, Any]], str | None]


class _Introduces(Session):
    def change(self, welcome: dict[str, Any]) -> None:
        raise NotImplementedError

    def introduce(self, client_app: dict[str, Any]) -> dict[str, Any]:
        welcome = super().introduce(client_app)
        self.change(welcome)
        return welcome


@seeds("M33")
class ChangesItsIdentity(_Introduces):
    """The identity in the reply to `connect` has another key than the reply to `challenge`."""

    other = make_key("ed25519-sha512")

    def change(self, welcome: dict[str, Any]) -> None:
        welcome["server_identity"]["pubkey"] = self.other.public


@seeds("M32")
class HasNoIdentity(_Introduces):
    """The reply to `connect` has no `server_identity`."""

    def change(self, welcome: dict[str, Any]) -> None:
        del welcome["server_identity"]


@seeds("D20")
class HasNoUrl(_Introduces):
    """The server's identity has no `url`."""

    def change(self, welcome: dict[str, Any]) -> None:
        del welcome["server_identity"]["url"]


@seeds("D21")
class HasALongName(_Introduces):
    """The server's name has more than 64 characters."""

    def change(self, welcome: dict[str, Any]) -> None:
        welcome["server_identity"]["name"] *= 10


@seeds("M31")
class HasNoProgram(_Introduces):
    """The reply to `connect` has no `server_app`."""

    def change(self, welcome: dict[str, Any]) -> None:
        del welcome["server_app"]


@seeds("M31")
class HasNoVersion(_Introduces):
    """The server's program has no version."""

    def change(self, welcome: dict[str, Any]) -> None:
        del welcome["server_app"]["version"]


@seeds("M31")
class HasATextForVersion(_Introduces):
    """The version of the server's program is a text."""

    def change(self, welcome: dict[str, Any]) -> None:
        welcome["server_app"]["version"] = "1.0"


@seeds("M31")
class HasAnUnknownKindOfVersion(_Introduces):
    """The type of the server's version is `rc`."""

    def change(self, welcome: dict[str, Any]) -> None:
        welcome["server_app"]["version"] = {**welcome["server_app"]["version"], "type": "rc"}


@seeds("M31")
class DisplaysItsVersionAtLength(_Introduces):
    """How the server's version is displayed is longer than it may be."""

    def change(self, welcome: dict[str, Any]) -> None:
        welcome["server_app"]["version"] = {**welcome["server_app"]["version"], "display": 129 * "1"}


@seeds("D19")
class HasNoKey(_Introduces):
    """The server's identity has no key."""

    def change(self, welcome: dict[str, Any]) -> None:
        del welcome["server_identity"]["pubkey"]


@seeds("D22")
class HasALongDescription(_Introduces):
    """The description of the server has more than 512 characters."""

    def change(self, welcome: dict[str, Any]) -> None:
        welcome["server_identity"]["description"] = 513 * "x"
