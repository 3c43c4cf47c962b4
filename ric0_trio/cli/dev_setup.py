"""What `serve --dev` needs and makes: an identity, and a throw-away CA with a certificate for localhost."""

import errno
from dataclasses import dataclass
from pathlib import Path

import trustme

from ric0_trio.keyfile import save_private_key, write_new_secret
from ric0_trio.protocol import PrivateKey

DEV_FOLDER = Path("ric0-dev")


@dataclass(frozen=True)
class DevFiles:
    """Where things are in the development folder."""

    folder: Path

    @property
    def identity(self) -> Path:
        """The server's private key."""
        return self.folder / "identity.pem"

    @property
    def ca(self) -> Path:
        """The CA that clients are to trust, for tests alone. Its key is not kept."""
        return self.folder / "ca.pem"

    @property
    def cert(self) -> Path:
        """The certificate of localhost, 127.0.0.1 and ::1."""
        return self.folder / "cert.pem"

    @property
    def key(self) -> Path:
        """The certificate's private key."""
        return self.folder / "cert-key.pem"

    def make_missing(self) -> None:
        """Make what is not there yet, and overwrite nothing.

        Raises `OSError` when it cannot be written, and `FileExistsError` when there is a part of a certificate.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        there = [path for path in (self.ca, self.cert, self.key) if path.exists()]
        if there and len(there) < 3:
            why = "one of ca.pem, cert.pem and cert-key.pem, which belong together; move it away, or use another folder"
            raise FileExistsError(errno.EEXIST, why, str(there[0]))
        if not there:
            self._make_certificate()
        if not self.identity.exists():
            save_private_key(self.identity, PrivateKey.generate())

    def _make_certificate(self) -> None:
        ca = trustme.CA(organization_name="ric0-trio --dev")
        issued = ca.issue_cert("localhost", "127.0.0.1", "::1")
        write_new_secret(self.key, issued.private_key_pem.bytes())
        self.cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        self.ca.write_bytes(ca.cert_pem.bytes())
