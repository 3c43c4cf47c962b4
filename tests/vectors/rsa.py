"""RSA in integers: fixed keys, their DER, and the signatures of RFC 8017, right and wrong. PEM is `cryptography`'s."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateNumbers,
    RSAPublicNumbers,
    rsa_crt_dmp1,
    rsa_crt_dmq1,
    rsa_crt_iqmp,
)
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

EXPONENT = 65537
SHA1_INFO = bytes.fromhex("3021300906052b0e03021a05000414")
SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
SHA256_INFO_WITHOUT_NULL = bytes.fromhex("302f300b0609608648016503040201 0420")

# How many bits each prime has, and how far above its hashed start it lies. Found once, with a sieve and Miller-Rabin.
PRIMES = {
    "1024": ((512, 12), (512, 52)),
    "2047": ((1024, 544), (1023, 1268)),
    "2048": ((1024, 606), (1024, 1246)),
    "2048 other": ((1024, 1132), (1024, 666)),
    "2050": ((1025, 904), (1025, 274)),
    "3072": ((1536, 650), (1536, 96)),
    "4096": ((2048, 912), (2048, 862)),
    "4097": ((2049, 4), (2048, 516)),
}


@dataclass(frozen=True)
class Key:
    name: str

    @property
    def modulus(self) -> int:
        return self._primes[0] * self._primes[1]

    @property
    def size(self) -> int:
        """In bytes."""
        return (self.modulus.bit_length() + 7) // 8

    @property
    def public_bytes(self) -> bytes:
        return public_key(self.modulus, EXPONENT)

    def sign(self, message: bytes) -> bytes:
        return self.sign_digest(SHA256_INFO + hashlib.sha256(message).digest())

    def sign_digest(self, digest_info: bytes) -> bytes:
        """RSASSA-PKCS1-v1_5 from its second step on."""
        return self.power(b"\0\1" + b"\xff" * (self.size - len(digest_info) - 3) + b"\0" + digest_info)

    def sign_pss(self, message: bytes) -> bytes:
        """RSASSA-PSS with SHA-256 and an empty salt."""
        digest = hashlib.sha256(bytes(8) + hashlib.sha256(message).digest()).digest()
        block = bytes(self.size - len(digest) - 2) + b"\1"
        mask = b"".join(hashlib.sha256(digest + index.to_bytes(4)).digest() for index in range(self.size // 32 + 1))
        masked = bytearray(left ^ right for left, right in zip(block, mask, strict=False))
        masked[0] &= 0x7F
        return self.power(bytes(masked) + digest + b"\xbc")

    def power(self, block: bytes) -> bytes:
        return pow(int.from_bytes(block), self._private_exponent, self.modulus).to_bytes(self.size)

    @property
    def pem(self) -> str:
        """The private key in PKCS#8."""
        (p, q), d = self._primes, self._private_exponent
        public = RSAPublicNumbers(EXPONENT, self.modulus)
        numbers = RSAPrivateNumbers(p, q, d, rsa_crt_dmp1(d, p), rsa_crt_dmq1(d, q), rsa_crt_iqmp(p, q), public)
        return numbers.private_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    @cached_property
    def _primes(self) -> tuple[int, int]:
        (p_bits, p_above), (q_bits, q_above) = PRIMES[self.name]
        return _start(self.name, "p", p_bits) + p_above, _start(self.name, "q", q_bits) + q_above

    @cached_property
    def _private_exponent(self) -> int:
        p, q = self._primes
        return pow(EXPONENT, -1, (p - 1) * (q - 1))


def _start(name: str, prime: str, bits: int) -> int:
    # The two highest bits are set, so that the product has exactly as many bits as its factors together.
    stream = hashlib.shake_256(f"ric0 test vectors, RSA {name}, {prime}".encode()).digest((bits + 7) // 8)
    return int.from_bytes(stream) >> (-bits % 8) | 3 << (bits - 2) | 1


def public_key(modulus: int, exponent: int) -> bytes:
    """RSAPublicKey of RFC 8017, appendix A.1.1."""
    return tagged(0x30, integer(modulus) + integer(exponent))


def subject_public_key_info(public_bytes: bytes) -> bytes:
    algorithm = bytes.fromhex("300d06092a864886f70d0101010500")
    return tagged(0x30, algorithm + tagged(0x03, b"\0" + public_bytes))


def integer(number: int, *, padding: int = 0) -> bytes:
    return tagged(0x02, bytes(padding) + number.to_bytes(number.bit_length() // 8 + 1))


def tagged(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(octets)]) + octets + content
