"""A key format of one's own: ECDSA on P-256 with SHA-256, keys as SubjectPublicKeyInfo (docs/key-formats.md)."""

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from ric0_trio.protocol import KEY_FORMATS, InvalidKeyError, KeyFormat, PrivateKey, PublicKey
from ric0_trio.protocol.keys import encode_base64

# RFC 5480: SEQUENCE { SEQUENCE { OID ecPublicKey, OID P-256 } BIT STRING { 04 …, before x and y, 32 bytes each
SPKI_PREFIX: Final = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
SPKI_BYTES: Final = 91
COORDINATE_BYTES: Final = 32
ECDSA: Final = ec.ECDSA(hashes.SHA256())


class P256Sha256(KeyFormat):
    """`ecdsa-p256-sha256`: ECDSA (FIPS 186-5) with SHA-256; signatures are r and s, 32 bytes each."""

    name = "ecdsa-p256-sha256"
    label = "p256"
    signs_slowly = False

    def resembles(self, raw: bytes) -> bool:
        return len(raw) == SPKI_BYTES and raw.startswith(SPKI_PREFIX)

    def check(self, raw: bytes) -> None:
        if not self.resembles(raw):  # compressed points and explicit curves would be second spellings
            raise InvalidKeyError("an ecdsa-p256-sha256 key is a 91-byte SubjectPublicKeyInfo (RFC 5480)")
        try:
            _load(raw)
        except ValueError:
            raise InvalidKeyError("an ecdsa-p256-sha256 key is a point of the curve P-256") from None

    def verify(self, raw: bytes, message: bytes, signature: bytes) -> bool:
        if len(signature) != 2 * COORDINATE_BYTES:
            return False
        r, s = (int.from_bytes(half) for half in (signature[:COORDINATE_BYTES], signature[COORDINATE_BYTES:]))
        try:
            _load(raw).verify(utils.encode_dss_signature(r, s), message, ECDSA)
        except InvalidSignature:
            return False
        return True

    def generate(self) -> PrivateKey:
        return self._wrap(ec.generate_private_key(ec.SECP256R1()))

    def adopt(self, loaded: object) -> PrivateKey | None:
        if isinstance(loaded, ec.EllipticCurvePrivateKey) and isinstance(loaded.curve, ec.SECP256R1):
            return self._wrap(loaded)
        return None

    def _wrap(self, private: ec.EllipticCurvePrivateKey) -> PrivateKey:
        spki = private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return PrivateKey(PublicKey(encode_base64(spki), self.name), lambda message: _sign(private, message), private)


def _load(raw: bytes) -> ec.EllipticCurvePublicKey:
    key = serialization.load_der_public_key(raw)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key


def _sign(private: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    r, s = utils.decode_dss_signature(private.sign(message, ECDSA))
    return r.to_bytes(COORDINATE_BYTES) + s.to_bytes(COORDINATE_BYTES)


KEY_FORMATS[P256Sha256.name] = P256Sha256()
