"""Private keys on disk: PKCS#8 PEM that its owner alone can read, never overwritten."""

import os
from pathlib import Path

from ric0_trio.protocol import InvalidKeyError, PrivateKey

_MAX_PEM_BYTES = 64 * 1024


def load_private_key(path: Path) -> PrivateKey:
    """Read a key. Raises `OSError` if it can't be read, and `InvalidKeyError`, naming the file, if it holds none."""
    with path.open("rb") as file:
        pem = file.read(_MAX_PEM_BYTES)
    try:
        return PrivateKey.from_pem(pem)
    except InvalidKeyError as error:
        raise InvalidKeyError(f"{path}: {error}") from None


def save_private_key(path: Path, key: PrivateKey) -> None:
    """Write a new file of mode 0600. Raises `OSError` when it can't be written: `FileExistsError` if there is one."""
    write_new_secret(path, key.to_pem())


def write_new_secret(path: Path, content: bytes) -> None:
    """Write a new file that its owner alone can read, from its first byte on. Raises as `save_private_key` does."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
    except OSError:  # half a key would be taken for one, and never be overwritten
        path.unlink()
        raise
