"""Faults in which keys of users are well-formed."""

from collections.abc import Callable
from typing import Any, ClassVar

from tests.conform.faults.needed_keys import Fills
from tests.conform.faults.seeding import seeds
from tests.conform.faults.structures import Data, with_user
from tests.conform.reference import keys
from tests.conform.reference.envelopes import Envelopes
from tests.conform.reference.shapes import LABEL, Shape, both, text
from tests.independent.keys import RSA


def with_key(rule: Callable[[Any], bool]) -> Data:
    return with_user(pubkey=both(Shape({"key": text(1, 1024), "format": LABEL}), rule))


@seeds("K5", "K11")
class TakesMalformedKeys(Envelopes):
    """A user's key need not be the encoding of one."""

    data: ClassVar[Data] = with_key(lambda key: keys.decode(key["key"]) is not None)


@seeds("K1", "K2", "K3", "K4", "K16")
class TakesLooseBase64(Envelopes):
    """Of a user's key it is not asked that its base64 is strict."""

    data: ClassVar[Data] = with_key(lambda key: key["format"] in ("ed25519-sha512", RSA))


@seeds("K12", "K13")
class TakesEverySizeOfRsa(Envelopes):
    """An RSA key may have 1024 bits, and any exponent."""

    data: ClassVar[Data] = with_key(lambda key: keys.is_well_formed_key(key) or key["format"] == RSA)


@seeds("D1")
class TakesLongKeys(Envelopes):
    """The `key` of a PublicKey may have more than 1024 characters."""

    data: ClassVar[Data] = with_user(
        pubkey=both(Shape({"key": text(1, 10**5), "format": LABEL}), keys.is_well_formed_key)
    )


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

    data: ClassVar[Data] = with_user(
        pubkey=both(Shape({"key": text(1, 1024), "format": text(0, 10_000)}), keys.is_well_formed_key)
    )


@seeds("K9")
class CallsWeakKeysMalformed(Envelopes):
    """A key of small order is a bad request."""

    data: ClassVar[Data] = with_key(lambda key: keys.is_well_formed_key(key) and not keys.is_of_small_order(key))


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
