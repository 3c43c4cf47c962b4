"""The `openssl` command: a third implementation of both key formats."""

import hashlib
import subprocess
from pathlib import Path

from tests.independent.keys import ED25519, RSA, PublicKey, from_base64

PATIENCE_S = 30.0
KEY_OPTIONS = {ED25519: ["-algorithm", "ed25519"], RSA: ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]}


def openssl(*arguments: str | Path) -> bytes:
    run = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, check=False, timeout=PATIENCE_S)
    assert run.returncode == 0, run.stderr.decode()
    return run.stdout


def make_identity(path: Path, key_format: str) -> Path:
    openssl("genpkey", *KEY_OPTIONS[key_format], "-out", path)
    path.chmod(0o600)
    return path


def public_bytes(identity: Path, key_format: str) -> bytes:
    """What `openssl` says the public half is, in the protocol's form."""
    if key_format == ED25519:
        return openssl("pkey", "-in", identity, "-pubout", "-outform", "DER")
    return openssl("rsa", "-in", identity, "-RSAPublicKey_out", "-outform", "DER")


def assert_verifies(folder: Path, public: PublicKey, message: bytes, signature: bytes) -> None:
    key, signed, proof = (folder / name for name in ("key", "signed", "proof"))
    key.write_bytes(from_base64(public["key"]))
    proof.write_bytes(signature)
    if public["format"] == ED25519:
        # The format signs the digest as its message, so `-rawin` is given the digest.
        signed.write_bytes(hashlib.sha512(message).digest())
        check = ("pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", key, "-rawin", "-in", signed)
        assert b"Verified Successfully" in openssl(*check, "-sigfile", proof)
    else:
        signed.write_bytes(message)
        pem = folder / "key.pem"
        openssl("rsa", "-RSAPublicKey_in", "-inform", "DER", "-in", key, "-pubout", "-out", pem)
        assert openssl("dgst", "-sha256", "-verify", pem, "-signature", proof, signed) == b"Verified OK\n"
