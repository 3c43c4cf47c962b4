"""Faults in `connect`: who is let in, and what others are told."""

from collections.abc import Callable
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from tests.conform.faults.seeding import seeds
from tests.conform.reference import keys
from tests.conform.reference.envelopes import BadRequest, Request
from tests.conform.reference.identity import Identity
from tests.conform.reference.session import Close, Deeds, Session, State
from tests.independent.keys import RSA, PublicKey, from_base64, to_base64, verify

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


@seeds("K6")
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


@seeds("K19", "M26")
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


@seeds("K7")
class TakesUnhashedProofs(Identity):
    """A proof may be Ed25519 of the server's key itself, not of its hash."""

    def is_proof(self, key: PublicKey, text: str) -> bool:
        return super().is_proof(key, text) or self.is_unhashed(key, text)

    def is_unhashed(self, key: PublicKey, text: str) -> bool:
        public = load_der_public_key(from_base64(key["key"]))
        try:
            if isinstance(public, Ed25519PublicKey):
                public.verify(keys.decode(text) or b"", from_base64(self.key.public["key"]))
                return True
        except InvalidSignature:
            pass
        return False


@seeds("M23")
class CallsBadConnectsUnproved(Session):
    """A bad `connect` is answered `invalid_challenge`."""

    def take_bad_request(self, request: BadRequest) -> Deeds:
        if request.name == "connect" and not self.is_connected:
            return self.reply(request, "invalid_challenge")
        return super().take_bad_request(request)


@seeds("M29")
class LooksAtTokens(Session):
    """A `join_token` that is not needed has to be a good one."""

    def check_proof(self, data: dict[str, Any]) -> str | None:
        return super().check_proof(data) or ("invalid_join_token" if data.get("join_token") else None)


@seeds("K15")
class TakesPaddedProofs(Identity):
    """An RSA signature may have zero bytes before it."""

    def is_proof(self, key: PublicKey, text: str) -> bool:
        signature = keys.decode(text)
        if key["format"] == RSA and signature is not None:
            text = to_base64(signature.lstrip(b"\0"))
        return super().is_proof(key, text)


@seeds("K14")
class TakesEveryPadding(Identity):
    """A user's RSA signature may be padded by PSS."""

    def is_proof(self, key: PublicKey, text: str) -> bool:
        return super().is_proof(key, text) or (key["format"] == RSA and self.is_pss(key, text))

    def is_pss(self, key: PublicKey, text: str) -> bool:
        public = load_der_public_key(from_base64(key["key"]))
        scheme = PSS(MGF1(SHA256()), PSS.AUTO)
        try:
            if isinstance(public, RSAPublicKey):
                public.verify(keys.decode(text) or b"", from_base64(self.key.public["key"]), scheme, SHA256())
                return True
        except InvalidSignature:
            pass
        return False
