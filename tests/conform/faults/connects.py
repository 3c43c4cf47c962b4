"""Faults in `connect` and `disconnect`."""

from collections.abc import Callable
from typing import Any

from tests.conform.faults.seeding import seeds
from tests.conform.reference import keys
from tests.conform.reference.envelopes import Request
from tests.conform.reference.identity import Identity
from tests.conform.reference.session import Close, Deeds, Session, State
from tests.independent.keys import PublicKey, from_base64, make_key, verify

Check = Callable[[dict[str, Any]], str | None]


@seeds("M28")
class TakesForgedProofs(Identity):
    """The proof is not verified."""

    def is_proof(self, key: PublicKey, text: str) -> bool:
        return keys.decode(text) is not None


@seeds("M28")
class TakesEveryProof(Session):
    """The proof is not even looked at."""

    def check_proof(self, data: dict[str, Any]) -> str | None:
        return None


@seeds("M1")
class WantsTheNonceSigned(Session):
    """The proof has to be a signature over the nonce."""

    nonce = b""

    def answer_challenge(self, request: Request, challenge: bytes) -> dict[str, Any]:
        self.nonce = challenge
        return super().answer_challenge(request, challenge)

    def check_proof(self, data: dict[str, Any]) -> str | None:
        signature = keys.decode(data["challenge"])
        is_signed = signature is not None and keys.has_signed(data["user"]["pubkey"], self.nonce, signature)
        return None if is_signed else "invalid_challenge"


@seeds("M28")
class TakesTheNonceSigned(WantsTheNonceSigned):
    """The proof may be a signature over the nonce."""

    def check_proof(self, data: dict[str, Any]) -> str | None:
        return super().check_proof(data) and Session.check_proof(self, data)


@seeds("M28")
class TakesProofsForOthers(Identity):
    """A proof of the user's home server passes too."""

    def is_proof(self, key: PublicKey, text: str) -> bool:
        signature = keys.decode(text)
        text_of_key = self.key.public["key"].encode()
        return super().is_proof(key, text) or (signature is not None and keys.has_signed(key, text_of_key, signature))


@seeds("M28")
class TakesLooseProofs(Identity):
    """The base64 of a proof need not be strict."""

    def is_proof(self, key: PublicKey, text: str) -> bool:
        mended = "".join(text.split()).rstrip("=")
        return super().is_proof(key, mended + "=" * (-len(mended) % 4))


@seeds("K8")
class TakesWeakKeys(Identity):
    """Public keys of small order verify."""

    def is_proof(self, key: PublicKey, text: str) -> bool:
        signature = keys.decode(text)
        return signature is not None and verify(key, from_base64(self.key.public["key"]), signature)


@seeds("M27")
class TakesItsOwnKey(Session):
    """A user may have the server's key."""

    def check_owner(self, data: dict[str, Any]) -> str | None:
        return None


@seeds("K19")
class TakesUnknownFormats(Session):
    """A key of an unknown format needs no proof."""

    def check_format(self, data: dict[str, Any]) -> str | None:
        return None

    def check_proof(self, data: dict[str, Any]) -> str | None:
        return super().check_proof(data) if keys.is_known(data["user"]["pubkey"]) else None


@seeds("K19")
class CallsUnknownFormatsUnproved(Session):
    """A key of an unknown format gets `invalid_challenge`."""

    def check_format(self, data: dict[str, Any]) -> str | None:
        return None


@seeds("M25")
class LooksAtKeysFirst(Session):
    """The kind of key is looked at before anything else."""

    def connect_checks(self) -> list[Check]:
        return [self.check_format, self.check_owner, self.check_unconnected, self.check_challenged, self.check_proof]


@seeds("M24")
class LooksAtProofsFirst(Session):
    """The proof is looked at before anything else."""

    def connect_checks(self) -> list[Check]:
        return [self.check_proof, *super().connect_checks()]


@seeds("M27")
class LooksAtProofsBeforeOwners(Session):
    """The proof is looked at before whose key it is."""

    def connect_checks(self) -> list[Check]:
        return [self.check_unconnected, self.check_challenged, self.check_format, self.check_proof, self.check_owner]


@seeds("M24")
class ReplacesUsers(Session):
    """A second `connect` replaces the user."""

    def check_unconnected(self, data: dict[str, Any]) -> str | None:
        return None


@seeds("M25")
class ConnectsUnchallenged(Session):
    """`connect` needs no `challenge` before it."""

    def check_challenged(self, data: dict[str, Any]) -> str | None:
        return None


@seeds("M25")
class ClosesForUnchallenged(Session):
    """A `connect` before any `challenge` ends the connection."""

    def connect(self, request: Request) -> Deeds:
        return self.ignore() if self.state is State.OPEN else super().connect(request)


@seeds("M30")
class ClosesAfterRefusals(Session):
    """A refused `connect` ends the connection."""

    def refuse_connect(self, request: Request, status: str) -> Deeds:
        return [*super().refuse_connect(request, status), Close(1008, "refused")]


@seeds("M30")
class ForgetsAtRefusals(Session):
    """After a refused `connect` a new challenge is needed."""

    def refuse_connect(self, request: Request, status: str) -> Deeds:
        self.state = State.OPEN if self.state is State.CHALLENGED else self.state
        return super().refuse_connect(request, status)


@seeds("M30")
class ConnectsTheRefused(Session):
    """A user who is refused is connected all the same."""

    def refuse_connect(self, request: Request, status: str) -> Deeds:
        if self.state is State.CHALLENGED:
            self.welcome(request)
        return super().refuse_connect(request, status)


@seeds("M7")
class ExplainsUnderAnotherKey(Session):
    """The reason of a refused user is under `reason`."""

    def explain(self, status: str) -> dict[str, Any]:
        why = super().explain(status)
        return {"reason": why["disallowed_user_reason"]} if why else why


@seeds("M8")
class ExplainsTheProgram(Session):
    """The reason of a refused user is under `disallowed_client_reason`."""

    def explain(self, status: str) -> dict[str, Any]:
        why = super().explain(status)
        return {"disallowed_client_reason": why["disallowed_user_reason"]} if why else why


@seeds("M9")
class ExplainsAtLength(Session):
    """The reason of a refused user has more than 512 characters."""

    def explain(self, status: str) -> dict[str, Any]:
        return {key: text * 100 for key, text in super().explain(status).items()}


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


@seeds("D10")
class HasNoVersion(_Introduces):
    """The server's program has no version."""

    def change(self, welcome: dict[str, Any]) -> None:
        del welcome["server_app"]["version"]


@seeds("D10")
class HasATextForVersion(_Introduces):
    """The version of the server's program is a text."""

    def change(self, welcome: dict[str, Any]) -> None:
        welcome["server_app"]["version"] = "1.0"


@seeds("D3")
class HasAnUnknownKindOfVersion(_Introduces):
    """The type of the server's version is `rc`."""

    def change(self, welcome: dict[str, Any]) -> None:
        welcome["server_app"]["version"] = {**welcome["server_app"]["version"], "type": "rc"}


# Leaving


@seeds("M35")
class KeepsWhoLeave(Session):
    """After `disconnect` the user is still connected."""

    def leave(self) -> None:
        return


@seeds("M36")
class LeavesTwice(Session):
    """A second `disconnect` succeeds as well."""

    def disconnect(self, request: Request) -> Deeds:
        self.leave()
        return self.reply(request, "success")


@seeds("M37")
class ClosesAfterDisconnect(Session):
    """The server closes after `disconnect`."""

    def disconnect(self, request: Request) -> Deeds:
        return [*super().disconnect(request), Close(1000, "goodbye")]


@seeds("M39")
class ForgetsTheChallengeAtDisconnect(Session):
    """After `disconnect` a new challenge is needed."""

    def check_challenged(self, data: dict[str, Any]) -> str | None:
        return "invalid_challenge" if self.state is State.DISCONNECTED else super().check_challenged(data)


@seeds("M38")
class ConnectsOneUser(Session):
    """After `disconnect` nobody else may connect."""

    user: PublicKey | None = None

    def check_owner(self, data: dict[str, Any]) -> str | None:
        self.user = self.user or data["user"]["pubkey"]
        return super().check_owner(data) or (None if self.user == data["user"]["pubkey"] else "disallowed_user")


@seeds("M35")
class DoesNotSayGoodbye(Session):
    """`disconnect` has no reply."""

    def disconnect(self, request: Request) -> Deeds:
        super().disconnect(request)
        return []
