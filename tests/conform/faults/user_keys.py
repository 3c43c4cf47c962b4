"""Faults in which keys of users are well-formed."""

import base64
from collections.abc import Callable
from typing import Any, ClassVar

from nacl.bindings import crypto_core_ed25519_is_valid_point

from tests.conform.faults.needed_keys import Fills
from tests.conform.faults.seeding import seeds
from tests.conform.faults.structures import Data, with_user
from tests.conform.reference import keys
from tests.conform.reference.envelopes import Envelopes
from tests.conform.reference.shapes import LABEL, Shape, both, text
from tests.independent.keys import ED25519, RSA, from_base64, to_base64

BOUNDS = Shape({"key": text(1, 1024), "format": LABEL})


def with_key(rule: Callable[[Any], bool], bounds: Shape = BOUNDS) -> Data:
    """A request whose keys, the user's and the home server's, have another rule."""
    return with_user(pubkey=both(bounds, rule), home_server=both(bounds, rule))


@seeds("K5", "K11")
class TakesMalformedKeys(Envelopes):
    """A user's key need not be the encoding of one."""

    data: ClassVar[Data] = with_key(lambda key: keys.decode(key["key"]) is not None)


def mend(text: str) -> str:
    """Strict base64 of what loose base64 stands for."""
    digits = "".join(text.split()).replace("-", "+").replace("_", "/").rstrip("=")
    return to_base64(base64.b64decode(digits + "=" * (-len(digits) % 4)))


@seeds("K16")
class TakesLooseBase64(Fills):
    """Of a user's key it is not asked that its base64 is strict."""

    def fill(self, data: dict[str, Any]) -> None:
        data["user"]["pubkey"]["key"] = mend(data["user"]["pubkey"]["key"])


@seeds("K12", "K13")
class TakesEverySizeOfRsa(Envelopes):
    """An RSA key may have 1024 bits, and any exponent."""

    data: ClassVar[Data] = with_key(lambda key: keys.is_well_formed_key(key) or key["format"] == RSA)


@seeds("D1")
class TakesLongKeys(Envelopes):
    """The `key` of a PublicKey may have more than 1024 characters."""

    data: ClassVar[Data] = with_key(keys.is_well_formed_key, BOUNDS.but(key=text(1, 10**5)))


@seeds("K17")
class KnowsItsFormatsAlone(Envelopes):
    """A key of an unknown format is a bad request."""

    data: ClassVar[Data] = with_key(lambda key: keys.is_well_formed_key(key) and keys.is_known(key))


@seeds("K10")
class KnowsNoRsa(Envelopes):
    """RSA keys are malformed."""

    data: ClassVar[Data] = with_key(lambda key: keys.is_well_formed_key(key) and key["format"] != RSA)


@seeds("D2")
class TakesEveryFormat(Envelopes):
    """The `format` of a PublicKey may be of any length, and empty."""

    data: ClassVar[Data] = with_key(keys.is_well_formed_key, BOUNDS.but(format=text(0, 10_000)))


def is_point(key: Any) -> bool:
    raw = from_base64(key["key"])[-32:]
    return key["format"] != ED25519 or crypto_core_ed25519_is_valid_point(raw)


@seeds("K9")
class CallsBadPointsMalformed(Envelopes):
    """A key that is no point of the curve, or one of small order, is a bad request."""

    data: ClassVar[Data] = with_key(lambda key: keys.is_well_formed_key(key) and is_point(key))


@seeds("K18")
class TakesOpaqueKeys(Envelopes):
    """A key of an unknown format need not be base64."""

    data: ClassVar[Data] = with_key(lambda key: not keys.is_known(key) or keys.is_well_formed_key(key))


@seeds("D16")
class NeedsNoKey(Fills):
    """A user without a key is taken for one of their home server's."""

    def fill(self, data: dict[str, Any]) -> None:
        user = data.get("user")
        if isinstance(user, dict) and user.get("pubkey") is None:
            user["pubkey"] = user.get("home_server")


@seeds("D17")
class TakesEveryHomeServer(Envelopes):
    """The key of the home server may be malformed."""

    data: ClassVar[Data] = with_user(home_server=lambda value: isinstance(value, dict))
