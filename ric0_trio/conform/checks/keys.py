"""Keys: base64, Ed25519, and what holds for both formats."""

import base64
import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from nacl import bindings

from ric0_trio.conform.checks.attempts import (
    CHALLENGES,
    prove_server,
    refuse_connects,
    refuse_values,
    take_values,
)
from ric0_trio.conform.encodings import Plain
from ric0_trio.conform.evidence import show_value
from ric0_trio.conform.messages import NEVER_USED
from ric0_trio.conform.outcomes import FailedError
from ric0_trio.conform.people import ED25519, FORMATS, RSA, SPKI_PREFIX, UNKNOWN_KEY, key_problem, to_base64
from ric0_trio.conform.registry import Variants, check
from ric0_trio.conform.site import Site
from ric0_trio.conform.target import ACCESS_STATUSES

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_SMALL_ORDER = (
    "01" + 31 * "00",
    32 * "00",
    "ec" + 30 * "ff" + "7f",
    "ed" + 30 * "ff" + "7f",
    "ee" + 30 * "ff" + "7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
)
_OFF_THE_CURVE = (2, 7, 8, 11)
"""Values of y for which there is no x."""


async def _refuses_challenges(site: Site, *texts: str) -> None:
    for begin in range(0, len(texts), CHALLENGES):
        peer = await site.open()
        for text in texts[begin : begin + CHALLENGES]:
            await peer.ask("challenge", {"challenge": text})
            await peer.expect_reply("invalid_challenge")


@check("K1")
async def has_the_standard_alphabet(site: Site) -> None:
    peer = await site.open()
    await peer.challenge(b"\xfb\xef\xbe\xff" * 8)
    await _refuses_challenges(
        site, base64.urlsafe_b64encode(b"\xfb\xef\xbe\xff" * 8).decode(), "A" * 43 + "*", "\u00e4" * 44
    )


@check("K2")
async def needs_padding(site: Site) -> None:
    await _refuses_challenges(site, "A" * 43, "A" * 42, "A" * 43 + "==", "A" * 43 + "=" + "A" * 44)


@check("K3")
async def has_no_white_space(site: Site) -> None:
    good = "A" * 43 + "="
    await _refuses_challenges(
        site, f"{good}\n", f" {good}", f"{good[:20]}\n{good[20:]}", f"{good[:20]} {good[20:]}", f"{good}\r\n"
    )


@check("K4")
async def has_no_unused_bits(site: Site) -> None:
    await _refuses_challenges(site, "A" * 42 + "B=", "A" * 42 + "D=", "A" * 41 + "AB==")


def _spki(raw: bytes) -> str:
    return to_base64(SPKI_PREFIX + raw)


@check("K5")
async def has_ed25519_keys_as_spki(site: Site) -> None:
    peer = await site.challenged()
    if peer.server_key.get("format") == ED25519 and (problem := key_problem(peer.server_key)):
        raise FailedError("the server's key as docs/protocol.md has it", problem)
    x25519 = to_base64(bytes.fromhex("302a300506032b656e032100") + bytes(32))
    bad = (to_base64(bytes(32)), _spki(bytes(31)), _spki(bytes(33)), x25519, to_base64(b"ssh-ed25519" + bytes(33)))
    await refuse_connects(site, *({"user.pubkey": {"key": key, "format": ED25519}} for key in bad))


@check("K6")
async def signs_sha512_with_ed25519(site: Site) -> None:
    peer = await site.open()
    await prove_server(peer, ED25519)
    site.skip_if_refused(ED25519)
    await peer.connect(site.target.make_user(ED25519))


class _Stranger:
    """Someone with an Ed25519 key, who signs in another way."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self._raw = self._key.public_key().public_bytes_raw()

    @property
    def pubkey(self) -> Plain:
        return {"key": _spki(self._raw), "format": ED25519}

    def sign_itself(self, message: bytes) -> str:
        return to_base64(self._key.sign(message))

    def sign_twice(self, message: bytes) -> str:
        return to_base64(self._key.sign(hashlib.sha512(hashlib.sha512(message).digest()).digest()))

    def sign_prehashed(self, message: bytes) -> str:
        state = bindings.crypto_sign_ed25519ph_state()
        bindings.crypto_sign_ed25519ph_update(state, message)
        return to_base64(bindings.crypto_sign_ed25519ph_final_create(state, self._key.private_bytes_raw() + self._raw))


@check("K7")
async def refuses_other_signatures(site: Site) -> None:
    site.skip_if_refused(ED25519)
    stranger = _Stranger()
    peer = await site.challenged()
    message = base64.b64decode(peer.server_key["key"])
    for proof in (stranger.sign_itself(message), stranger.sign_prehashed(message), stranger.sign_twice(message)):
        changes = {"user.pubkey": stranger.pubkey, "challenge": proof}
        await peer.connect(site.make_user(), "invalid_challenge", changes=changes)


def _forge(key: bytes, message: bytes) -> bytes:
    """A signature that OpenSSL takes for this key of small order, if there is one of the simplest kind."""
    for point in _SMALL_ORDER:
        forged = bytes.fromhex(point) + bytes(32)
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(forged, hashlib.sha512(message).digest())
        except (InvalidSignature, ValueError):
            continue
        return forged
    return bytes.fromhex(_SMALL_ORDER[0]) + bytes(32)


@check("K8", Variants.ONCE)
async def refuses_small_order(site: Site) -> None:
    site.skip_if_refused(ED25519)
    peer = await site.challenged()
    message = base64.b64decode(peer.server_key["key"])
    raws = [bytes.fromhex(point) for point in _SMALL_ORDER]
    raws += [raw[:-1] + bytes([raw[-1] | 0x80]) for raw in raws]
    changes = [
        {"user.pubkey": {"key": _spki(raw), "format": ED25519}, "challenge": to_base64(_forge(raw, message))}
        for raw in raws
    ]
    await refuse_connects(site, *changes, status="invalid_challenge")


@check("K9", Variants.ONCE)
async def verifies_nothing_with_no_point(site: Site) -> None:
    site.skip_if_refused(ED25519)
    raws = [y.to_bytes(32, "little") for y in _OFF_THE_CURVE] + [b"\xff" * 32]
    signature = to_base64(bytes.fromhex(_SMALL_ORDER[0]) + bytes(32))
    changes = [{"user.pubkey": {"key": _spki(raw), "format": ED25519}, "challenge": signature} for raw in raws]
    await refuse_connects(site, *changes, status="invalid_challenge")


@check("K16", Variants.KEYS)
async def has_one_spelling(site: Site) -> None:
    key = site.make_user().pubkey
    raw = base64.b64decode(key["key"])
    spellings = [
        f"{key['key']}\n",
        key["key"].rstrip("=") + ("" if key["key"].endswith("=") else "="),
        f" {key['key']}",
    ]
    if key["key"].endswith("="):
        bare = key["key"].rstrip("=")
        padding = key["key"][len(bare) :]
        spellings.append(bare[:-1] + _ALPHABET[_ALPHABET.index(bare[-1]) + 1] + padding)
    if key["format"] == RSA:
        long_form = b"\x30\x83\x00" + raw[2:]
        spellings += [to_base64(long_form), to_base64(raw + b"\0")]
    else:
        with_null = bytes.fromhex("302c300706032b65700500032100") + raw[12:]
        spellings += [to_base64(with_null), to_base64(raw + b"\0"), to_base64(b"\x30\x81" + raw[1:])]
    await refuse_values(site, "user.pubkey.key", *spellings)


@check("K17")
async def minds_no_unknown_format(site: Site) -> None:
    await take_values(site, "user.home_server", UNKNOWN_KEY)


@check("K18")
async def needs_base64_in_unknown_formats(site: Site) -> None:
    for key in ("not base64!", "AAA", "AB==", " AAAA"):
        await refuse_values(site, "user.home_server", {"key": key, "format": NEVER_USED})


@check("K19")
async def refuses_users_of_unknown_formats(site: Site) -> None:
    await refuse_connects(site, {"user.pubkey": UNKNOWN_KEY}, status="disallowed_user")


@check("K20", Variants.ONCE)
async def accepts_fewer_formats(site: Site) -> None:
    statuses = set()
    for key_format in FORMATS:
        peer = await site.challenged()
        await peer.ask("connect", peer.connect_data(site.target.make_user(key_format)))
        statuses.add((await peer.expect_reply("success", *ACCESS_STATUSES))["status"])
    if "disallowed_user" not in statuses:
        raise FailedError("`disallowed_user` for users with keys of one format", ", ".join(sorted(statuses)))


@check("K21", Variants.ONCE)
async def has_one_key(site: Site) -> None:
    peers = [await site.challenged() for _ in range(2)]
    peers += [await site.in_encoding(name).challenged() for name in site.target.spoken]
    for peer in peers:
        if peer.server_key != peers[0].server_key:
            raise FailedError(
                f"the same key on every connection, {show_value(peers[0].server_key)}", show_value(peer.server_key)
            )
