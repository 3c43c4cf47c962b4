"""TLS as this server speaks it: 1.2 and later, forward secrecy and AEAD ciphers, ALPN `http/1.1`."""

import ssl
from pathlib import Path
from typing import Final

from cryptography import x509

# For TLS 1.2 alone; every cipher of TLS 1.3 is good. (Mozilla's "intermediate" list, without plain DHE.)
_TLS12_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"


def make_server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Load a PEM certificate chain, the server's own first, and its PEM private key.

    Raises `OSError` when a file cannot be read, and its subclass `ssl.SSLError` when the two do not fit.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_TLS12_CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.load_cert_chain(certificate, key)
    return context


def find_expiry(certificate: Path) -> float | None:
    """Until when a PEM certificate chain's first is good, in seconds since the epoch; None when that cannot be read."""
    try:
        return x509.load_pem_x509_certificates(certificate.read_bytes())[0].not_valid_after_utc.timestamp()
    except (OSError, ValueError):  # TLS is more lenient
        return None
