"""What every peer serves with: one identity, one certificate, the same bounds, and the line that says where it is."""

import argparse
import json
import os
import ssl
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from benchmarks.bench_core import PROFILE, SERVER_KEY
from benchmarks.peers.rules import MemoryRules
from ric0_trio.cli.dev_setup import DevFiles
from ric0_trio.protocol import PATH, Codec, PrivateKey, ServerProfile, available_codecs
from ric0_trio.server import ServerLimits, make_server_context
from ric0_trio.server.garbage import spare_the_garbage_collector
from ric0_trio.server.limits import fit_to_descriptors

IDENTITIES: Final = ("ed25519", "rsa-2048")
CODECS: Final = {codec.subprotocol: codec for codec in available_codecs()}
BACKLOG: Final = 1024
LIFTED: Final[dict[str, int | list[str]]] = {
    "exempt_networks": ["127.0.0.0/8"],
    "messages_per_s": 1_000_000,
    "messages_burst": 1_000_000_000,
    "max_connections": fit_to_descriptors(1_000_000),
}
"""The bounds that are raised, in all alike, as the load comes from few addresses and sends more than people do."""


@dataclass(frozen=True)
class Site:
    """One server to be."""

    key: PrivateKey
    profile: ServerProfile
    limits: ServerLimits
    rules: MemoryRules
    codec: Codec
    """What a floor speaks; the others ask the client."""
    tls: ssl.SSLContext | None
    ca: Path | None

    def announce(self, port: int) -> None:
        """Print where the server listens; to be called when it does, and all that it needs is imported."""
        spare_the_garbage_collector()  # as `ric0-trio serve` does for itself: it is no difference then
        scheme = "ws" if self.tls is None else "wss"
        url = f"{scheme}://127.0.0.1:{port}{PATH}"
        print(json.dumps({"url": url, "pid": os.getpid(), "ca": self.ca and str(self.ca)}), flush=True)


def parse_options(
    parser: argparse.ArgumentParser | None = None, argv: Sequence[str] | None = None
) -> argparse.Namespace:
    """Take the options that all peers have, and those of `parser`."""
    parser = parser or argparse.ArgumentParser()
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--identity", choices=IDENTITIES, default=IDENTITIES[0])
    parser.add_argument("--encoding", choices=sorted(CODECS), default="json")
    return parser.parse_args(argv)


@contextmanager
def open_site(options: argparse.Namespace) -> Iterator[Site]:
    """Make a site. The files of its certificate are there while the block lasts."""
    key = make_identity(options.identity)
    profile = msgspec.structs.replace(PROFILE, info=msgspec.structs.replace(PROFILE.info, pubkey=key.public))
    limits = msgspec.convert(LIFTED, ServerLimits)
    with tempfile.TemporaryDirectory() as folder:
        tls, ca = None, None
        if options.tls:
            files = DevFiles(Path(folder, "site"))
            files.make_missing()
            tls, ca = make_server_context(files.cert, files.key), files.ca
        yield Site(key, profile, limits, MemoryRules(), CODECS[options.encoding], tls, ca)


def make_identity(name: str) -> PrivateKey:
    """The server's key: the same Ed25519 key in every run; an RSA key is made anew, which costs all the same."""
    if name == "ed25519":
        return SERVER_KEY
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return PrivateKey.from_pem(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
