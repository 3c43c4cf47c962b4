"""TLS 1.3 records made by hand, once a library has done the handshake: what no library would send (RFC 8446)."""

import ssl
from pathlib import Path
from typing import Final

import trio
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

HANDSHAKE, DATA, ALERT, CHANGE_CIPHER_SPEC = 22, 23, 21, 20
KEY_UPDATE, KEY_UPDATE_BOTH = b"\x18\0\0\1\0", b"\x18\0\0\1\1"
_SECRET: Final = "CLIENT_TRAFFIC_SECRET_0"  # noqa: S105 - its name
_CIPHERS: Final = {"TLS_AES_256_GCM_SHA384": (hashes.SHA384(), 32), "TLS_AES_128_GCM_SHA256": (hashes.SHA256(), 16)}


class HandmadeTls(trio.abc.Stream):
    """A stream over TLS 1.3 that receives as any does, and sends what it is told."""

    def __init__(self, tls: trio.SSLStream[trio.SocketStream], secret: bytes) -> None:
        """Go on with `tls`, of which nothing has been sent yet but the handshake."""
        self._tls = tls
        name, _, _ = tls.cipher()
        self._hash, self._key_bytes = _CIPHERS[name]
        self._take_keys(secret)

    def record(self, kind: int, content: bytes) -> bytes:
        """The bytes of one record."""
        inner = content + bytes([kind])
        header = b"\x17\3\3" + (len(inner) + 16).to_bytes(2)
        nonce = (int.from_bytes(self._iv) ^ self._sequence).to_bytes(12)
        self._sequence += 1
        return header + self._cipher.encrypt(nonce, inner, header)

    def key_update(self, message: bytes = KEY_UPDATE) -> bytes:
        """The bytes of a record that says that the next has a new key; it has."""
        record = self.record(HANDSHAKE, message)
        self._take_keys(self._expand(b"traffic upd", self._hash.digest_size))
        return record

    @property
    def below(self) -> trio.SocketStream:
        """Where records go."""
        return self._tls.transport_stream

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self.below.send_all(self.record(DATA, bytes(data)))

    async def wait_send_all_might_not_block(self) -> None:
        await self.below.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self._tls.receive_some(max_bytes)

    async def aclose(self) -> None:
        await trio.aclose_forcefully(self._tls)

    def _take_keys(self, secret: bytes) -> None:
        self._secret = secret
        self._cipher = AESGCM(self._expand(b"key", self._key_bytes))
        self._iv = self._expand(b"iv", 12)
        self._sequence = 0

    def _expand(self, label: bytes, length: int) -> bytes:
        label = b"tls13 " + label
        info = length.to_bytes(2) + bytes([len(label)]) + label + b"\0"
        return HKDFExpand(self._hash, length, info).derive(self._secret)


async def open_handmade_tls(stream: trio.SocketStream, log: Path) -> HandmadeTls:
    """Do the handshake on `stream`. Secrets pass through the file `log`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.keylog_filename = str(log)
    tls = trio.SSLStream(stream, context, server_hostname="localhost")
    await tls.do_handshake()
    context.keylog_filename = None  # type: ignore[assignment] # which closes it
    lines = (await trio.Path(log).read_text()).splitlines()
    (secret,) = [line.split()[2] for line in lines if line.startswith(_SECRET)]
    return HandmadeTls(tls, bytes.fromhex(secret))
