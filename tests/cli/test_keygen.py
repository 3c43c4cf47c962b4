"""`keygen`: what it makes, says, and never overwrites."""

import errno
import json
import os
from pathlib import Path

import pytest

from ric0_trio.keyfile import load_private_key
from ric0_trio.protocol import KEY_FORMATS, InvalidKeyError
from tests.cli.conftest import Run
from tests.independent.keys import PublicKey, fingerprint, to_base64
from tests.independent.openssl import openssl, public_bytes

FORMATS = pytest.mark.parametrize("key_format", KEY_FORMATS)


@FORMATS
def test_the_key_is_what_it_says_it_is(key_format: str, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "identity.pem"
    ended = run("keygen", path, "--format", key_format)
    assert (ended.code, ended.err) == (0, "")
    shown: PublicKey = {"key": to_base64(public_bytes(path, key_format)), "format": key_format}
    assert dict(line.split(maxsplit=1) for line in ended.out.replace("public key", "key").splitlines()) == {
        "wrote": str(path),
        "format": key_format,
        "key": shown["key"],
        "fingerprint": fingerprint(shown),
    }
    assert path.stat().st_mode & 0o777 == 0o600
    openssl("pkey", "-in", path, "-noout")
    assert path.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----\n")


@FORMATS
def test_json(key_format: str, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "identity.pem"
    told = json.loads(run("keygen", path, "--format", key_format, "--json").out)
    public = load_private_key(path).public
    assert told == {
        "path": str(path),
        "format": public.format,
        "key": public.key,
        "fingerprint": public.fingerprint,
    }
    assert public.format == key_format


def test_a_file_is_never_overwritten(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "identity.pem"
    path.write_text("precious")
    ended = run("keygen", path)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == f"Error: {path} exists already; a key is never overwritten\n"
    assert path.read_text() == "precious"


def test_half_a_key_does_not_stay(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "identity.pem"
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        ended = run("keygen", path)
    assert (ended.code, ended.err) == (1, f"Error: {path}: No space left on device\n")
    assert run("keygen", path).code == 0


def test_a_link_is_not_followed(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "identity.pem"
    path.symlink_to(tmp_path / "elsewhere.pem")
    assert run("keygen", path).code == 1
    assert not (tmp_path / "elsewhere.pem").exists()


def test_a_folder_that_is_not_there(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "identity.pem"
    ended = run("keygen", path)
    assert ended.code == 1
    assert ended.err == f"Error: {path}: No such file or directory\n"


def test_the_private_key_is_never_shown(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "identity.pem"
    ended = run("keygen", path)
    secret = path.read_text().splitlines()[1]
    assert secret not in ended.out + ended.err


NO_KEYS = {
    "": "not a private key in PEM; expected -----BEGIN PRIVATE KEY-----",
    "x" * 100_000: "not a private key in PEM",
    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n": "not a private key in PEM",
}


@pytest.mark.parametrize(("text", "expected"), NO_KEYS.items(), ids=["empty", "long", "damaged"])
def test_a_file_that_holds_no_key_is_named(text: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "identity.pem"
    path.write_text(text)
    with pytest.raises(InvalidKeyError) as caught:
        load_private_key(path)
    assert str(caught.value).startswith(f"{path}: {expected}")
