"""Keys: RSA."""

import base64
import hashlib

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ric0_trio.conform.checks.attempts import prove_server, refuse_connects
from ric0_trio.conform.encodings import Plain
from ric0_trio.conform.outcomes import FailedError
from ric0_trio.conform.people import RSA, User, encode_rsa, key_problem, to_base64
from ric0_trio.conform.registry import check
from ric0_trio.conform.site import Site

_EXPONENT = 65537


def _pubkey(bits: int, exponent: int = _EXPONENT) -> Plain:
    """A key of that size. Its modulus is no product of two primes, which its bytes do not show."""
    modulus = 1 << bits - 1 | int.from_bytes(hashlib.sha512(str(bits).encode()).digest()) | 1
    raw = encode_rsa(rsa.RSAPublicNumbers(exponent, modulus).public_key())
    return {"key": to_base64(raw), "format": RSA}


def _private_key(user: User) -> rsa.RSAPrivateKey:
    loaded = serialization.load_pem_private_key(user.key.to_pem(), password=None)
    if not isinstance(loaded, rsa.RSAPrivateKey):
        raise TypeError("a user with another key")
    return loaded


async def _finds_well_formed(site: Site, *keys: Plain) -> None:
    """See that these keys are taken for keys: a proof by them is wrong, and not the message."""
    changes = ({"user.pubkey": key, "challenge": to_base64(bytes(256))} for key in keys)
    await refuse_connects(site, *changes, status="invalid_challenge")


@check("K10")
async def has_rsa_keys_as_pkcs1(site: Site) -> None:
    peer = await site.challenged()
    if peer.server_key.get("format") == RSA and (problem := key_problem(peer.server_key)):
        raise FailedError("the server's key as docs/protocol.md has it", problem)
    site.skip_if_refused(RSA)
    await _finds_well_formed(site, _pubkey(3072))
    raw = base64.b64decode(_pubkey(2048)["key"])
    bad = (raw[:-1], raw[:-5] + b"\x02\x01\x03", b"\x30\x00", b"ssh-rsa", raw[:8] + raw[9:])
    await refuse_connects(site, *({"user.pubkey": {"key": to_base64(key), "format": RSA}} for key in bad))


@check("K11")
async def refuses_rsa_keys_as_spki(site: Site) -> None:
    key = _private_key(site.target.make_user(RSA)).public_key()
    spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    await refuse_connects(site, {"user.pubkey": {"key": to_base64(spki), "format": RSA}})


@check("K12")
async def bounds_rsa_keys(site: Site) -> None:
    site.skip_if_refused(RSA)
    await _finds_well_formed(site, _pubkey(2048), _pubkey(4096))
    await refuse_connects(site, *({"user.pubkey": _pubkey(bits)} for bits in (1024, 2040, 2047, 4097, 4104)))


@check("K13")
async def has_one_exponent(site: Site) -> None:
    await refuse_connects(site, *({"user.pubkey": _pubkey(2048, exponent)} for exponent in (3, 17, 65539, 16777217)))


@check("K14")
async def signs_sha256_with_pkcs1(site: Site) -> None:
    peer = await site.open()
    await prove_server(peer, RSA)
    site.skip_if_refused(RSA)
    user = site.target.make_user(RSA)
    key, message = _private_key(user), base64.b64decode(peer.server_key["key"])
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH)
    wrong = (key.sign(message, pss, hashes.SHA256()), key.sign(message, padding.PKCS1v15(), hashes.SHA512()))
    for proof in wrong:
        await peer.connect(user, "invalid_challenge", changes={"challenge": to_base64(proof)})
    await peer.connect(user)


@check("K15")
async def has_signatures_as_long_as_the_modulus(site: Site) -> None:
    site.skip_if_refused(RSA)
    user = site.target.make_user(RSA)
    peer = await site.challenged()
    good = base64.b64decode(user.prove(peer.server_key))
    for proof in (b"\0" + good, good + b"\0", good[:-1], good[1:], b""):
        await peer.connect(user, "invalid_challenge", changes={"challenge": to_base64(proof)})
