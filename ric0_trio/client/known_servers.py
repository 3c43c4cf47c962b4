"""Which server has which key: what a client has met before (docs/security.md, "Known servers").

A server can show another server's key and pass the client's challenge on to it. So both ways are checked before a
proof is sent: that a host still has its key, and that a key is not known from another host.
"""

import fcntl
import os
import threading
from io import FileIO
from pathlib import Path
from typing import Protocol

import platformdirs

from ric0_trio.client.errors import ServerIdentityError
from ric0_trio.protocol import InvalidKeyError, PublicKey

_HEADER = """\
# Servers that were met before, one a line: host:port, key format, public key.
# Delete a line to meet a server anew; a server with two names may have two lines.
"""


class KnownServers(Protocol):
    """What the client asks. It is called in a worker thread, so it may wait for a disk."""

    def check(self, host: str, key: PublicKey) -> None:
        """Remember a new `host` ("name:port") with its `key`, or see that both are as before.

        Raises `ServerIdentityError` when the host had another key, or the key is another host's.
        """


class MemoryKnownServers:
    """Remembers for as long as the program runs."""

    def __init__(self) -> None:
        self._keys: dict[str, set[PublicKey]] = {}
        self._lock = threading.Lock()

    def check(self, host: str, key: PublicKey) -> None:
        """See `KnownServers.check`."""
        with self._lock:
            _check(self._keys, host, key, "forget the old one first, if it is right")
            self._keys.setdefault(host, {key})


class FileKnownServers:
    """Remembers in a text file that a person can read and edit."""

    def __init__(self, path: Path | str | None = None) -> None:
        """Use the file `path`, or the user's own in the configuration folder. It is made when it is needed.

        Raises `ValueError` when there is no path, and no user with a home.
        """
        self.path = _own_file() if path is None else Path(path)

    def check(self, host: str, key: PublicKey) -> None:
        """See `KnownServers.check`. Raises `ServerIdentityError` for a file that cannot be used, too."""
        try:
            if key not in self._read().get(host, ()):
                self._meet(host, key)
        except OSError as error:
            raise ServerIdentityError(f"{self.path}: {error.strerror}; known servers cannot be checked") from None

    def _meet(self, host: str, key: PublicKey) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "r+b", buffering=0) as file:
            # Two that meet one host at once must not both take what they are shown for its key.
            fcntl.flock(file, fcntl.LOCK_EX)
            keys = self._read()
            _check(keys, host, key, f"if that is right, edit {self.path}")
            if host not in keys:
                _append_line(file, f"{host} {key.format} {key.key}\n")

    def _read(self) -> dict[str, set[PublicKey]]:
        keys: dict[str, set[PublicKey]] = {}
        try:
            lines = self.path.read_text(encoding="utf-8-sig").splitlines()
        except FileNotFoundError:
            return keys
        except UnicodeDecodeError:
            raise ServerIdentityError(f"{self.path} is not UTF-8 text; known servers cannot be checked") from None
        for number, line in enumerate(lines, start=1):
            words = line.partition("#")[0].split()
            if not words:
                continue
            try:
                host, key_format, key = words
                keys.setdefault(host, set()).add(PublicKey(key, key_format))
            except (ValueError, InvalidKeyError):
                wanted = "expected host:port, key format, public key"
                raise ServerIdentityError(f"{self.path}, line {number}: {wanted}") from None
        return keys


def _own_file() -> Path:
    try:
        return platformdirs.user_config_path("ric0-trio") / "known_servers"
    except RuntimeError:
        raise ValueError("there is no home folder to keep known servers in; name a file for them") from None


def _append_line(file: FileIO, line: str) -> None:
    size = file.seek(0, os.SEEK_END)
    before = "" if size else _HEADER
    if size and os.pread(file.fileno(), 1, size - 1) != b"\n":  # an editor left the last line open
        before = "\n"
    file.write((before + line).encode("utf-8"))


def _check(keys: dict[str, set[PublicKey]], host: str, key: PublicKey, remedy: str) -> None:
    if key in keys.get(host, ()):
        return
    if host in keys:
        before = ", ".join(known.fingerprint for known in keys[host])
        raise ServerIdentityError(f"{host} had the key {before} and now shows {key.fingerprint}; {remedy}")
    elsewhere = [other for other, known in keys.items() if key in known]
    if elsewhere:
        raise ServerIdentityError(f"{host} shows the key {key.fingerprint}, known from {elsewhere[0]}; {remedy}")
