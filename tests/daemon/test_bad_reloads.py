"""SIGHUP when something is wrong: nothing changes, the log says where and why, and all goes well once it is mended."""

import resource
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from tests.cli.certificates import issue
from tests.cli.test_socket_activation import starter
from tests.daemon.configured import Daemon, Sections, merge, running_daemon
from tests.hostile.process import limited
from tests.independent.keys import ED25519, make_key

HALF: Sections = {"server": {"name": "Half"}, "access": {"mode": "members"}, "limits": {"challenges": 1}}
"""What is good in a configuration that is bad: none of it is taken on."""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    listen = {"also_behind_proxy": ["127.0.0.1:0"], "trusted_proxies": ["127.0.0.1"]}
    with running_daemon(tmp_path_factory.mktemp("daemon"), {"listen": listen}) as daemon:
        make_bad_files(daemon.folder)
        yield daemon
        daemon.stop()


def make_bad_files(folder: Path) -> None:
    other = issue("localhost", "127.0.0.1")
    password = BestAvailableEncryption(b"secret")
    encrypted = other.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, password)
    cert = (folder / "cert.pem").read_bytes()
    files = {
        "other-key.pem": other.key_pem,
        "encrypted.pem": encrypted,
        "cut.pem": cert[: len(cert) // 2],
        "empty.pem": b"",
        "noise.pem": b"-----BEGIN CERTIFICATE-----\n\xff\x00\n-----END CERTIFICATE-----\n",
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "folder.pem").mkdir()
    (folder / "loop.pem").symlink_to("loop.pem")


BAD_VALUES: dict[str, tuple[Mapping[str, Mapping[str, Any]], str]] = {
    "a key that is not known": ({"limits": {"nonsense": 1}}, "[limits] nonsense: "),
    "a section that is not known": ({"nonsense": {"a": 1}}, "nonsense: "),
    "a value of another type": ({"listen": {"port": "many"}}, "[listen] port: "),
    "a value out of bounds": ({"limits": {"challenges": -1}}, "[limits] challenges: "),
    "no network": ({"listen": {"trusted_proxies": ["nowhere"]}}, "[listen] trusted_proxies: "),
    "nobody is trusted": ({"listen": {"trusted_proxies": []}}, "[listen] trusted_proxies: "),
    "a proxy, and a certificate": (
        {"listen": {"behind_proxy": True, "also_behind_proxy": []}},
        "[tls] cert and key: [listen] behind_proxy means plain ws://",
    ),
    "no certificate": ({"tls": {"cert": None}}, r"the server still needs\n  - a certificate: "),
    "no identity": ({"server": {"identity": None}}, r"the server still needs\n  - an identity: "),
    "the certificate is gone": ({"tls": {"cert": "{folder}/gone.pem"}}, "gone.pem: No such file or directory; "),
    "the certificate is a folder": ({"tls": {"cert": "{folder}/folder.pem"}}, "folder.pem: Is a directory; "),
    "the certificate cannot be read": ({"tls": {"cert": "{folder}/loop.pem"}}, "loop.pem: Too many levels of "),
    "the certificate is a key": ({"tls": {"cert": "{folder}/key.pem"}}, "key.pem: no certificate in PEM; "),
    "half a certificate": ({"tls": {"cert": "{folder}/cut.pem"}}, "cut.pem: {folder}/key.pem is not the key of "),
    "noise for a certificate": ({"tls": {"cert": "{folder}/noise.pem"}}, "noise.pem: {folder}/key.pem is not the key "),
    "no path": ({"tls": {"cert": "a\0b"}}, "[tls] cert: expected "),
    "the key is gone": ({"tls": {"key": "{folder}/gone.pem"}}, "gone.pem: No such file or directory; "),
    "the key of another": ({"tls": {"key": "{folder}/other-key.pem"}}, "other-key.pem is not the key of the cert"),
    "an encrypted key": ({"tls": {"key": "{folder}/encrypted.pem"}}, "encrypted.pem: the key is encrypted; "),
    "the identity for a key": ({"tls": {"key": "{folder}/identity.pem"}}, "is the server's identity as well; "),
    "the identity is gone": ({"server": {"identity": "{folder}/gone.pem"}}, "gone.pem: No such file or directory; "),
    "an empty identity": ({"server": {"identity": "{folder}/empty.pem"}}, "empty.pem: "),
    "an identity of another kind": ({"server": {"identity": "{folder}/key.pem"}}, "key.pem: "),
}
BAD_FILES = {
    "no TOML": (b"[access\n", "no valid TOML: "),
    "no UTF-8": (b"a = '\xff'\n", "no valid TOML: "),
    "nested without end": (b"a = " + 5000 * b"[", "no valid TOML: "),
    "a number without end": (b"a = " + 5000 * b"9", "no valid TOML: "),
    "a key twice": (b"[access]\nmode = 'open'\nmode = 'open'\n", "no valid TOML: "),
}


def in_folder(value: Any, folder: Path) -> Any:
    """With `{folder}` filled in."""
    if isinstance(value, Mapping):
        return {key: in_folder(inner, folder) for key, inner in value.items()}
    return value.replace("{folder}", str(folder)) if isinstance(value, str) else value


def check(daemon: Daemon, told: dict[str, Any], expected: str) -> None:
    """It was told, and nothing has changed; and it is taken on as soon as it is mended."""
    assert told["event"] == "server.reload_failed"
    assert in_folder(expected, daemon.folder) in told["error"]
    assert told["remedy"] == "nothing has changed; mend it and try again"
    assert identity_told(daemon)["name"] == "ric0-trio"
    assert daemon.change({"server": {"name": "Mended"}})["event"] == "server.reloaded"
    assert identity_told(daemon)["name"] == "Mended"
    daemon.change({})


def identity_told(daemon: Daemon) -> dict[str, Any]:
    with daemon.challenged() as client:
        assert client.challenge()["status"] == "success"  # two challenges: no limit has changed
        told: dict[str, Any] = client.connect(make_key(ED25519))["data"]["server_identity"]
        return told


@pytest.mark.parametrize(("bad", "expected"), BAD_VALUES.values(), ids=BAD_VALUES)
def test_a_bad_value(bad: Mapping[str, Mapping[str, Any]], expected: str, daemon: Daemon) -> None:
    with daemon.connected(make_key(ED25519)) as user:
        check(daemon, daemon.change(merge(HALF, in_folder(bad, daemon.folder))), expected)
        assert user.disconnect()["status"] == "success"


@pytest.mark.parametrize(("content", "expected"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file(content: bytes, expected: str, daemon: Daemon) -> None:
    daemon.config.write_bytes(content)
    check(daemon, daemon.hang_up(), f"{daemon.config}: {expected}")


def test_no_file(daemon: Daemon) -> None:
    daemon.config.unlink()
    check(daemon, daemon.hang_up(), f"{daemon.config}: No such file or directory")


def test_too_many_open_files(daemon: Daemon) -> None:
    """What is read needs a file for a moment."""
    daemon.write(HALF)
    with limited(daemon.server, resource.RLIMIT_NOFILE, 0):
        told = daemon.hang_up()
    check(daemon, told, f"{daemon.config}: Too many open files")


def test_no_url_for_a_unix_socket_that_was_passed(tmp_path: Path) -> None:
    listen: Sections = {"listen": {"host": "systemd:chat"}, "server": {"url": "wss://chat.example/ric0_chat"}}
    with socket.socket(socket.AF_UNIX) as passed:
        passed.bind(str(tmp_path / "chat.sock"))
        passed.listen()
        python, descriptors = starter("chat", passed), [passed.fileno()]
        with running_daemon(tmp_path, listen, python=python, passed=descriptors) as daemon:
            told = daemon.change({"server": {"url": None}})
            assert told["event"] == "server.reload_failed"
            assert told["error"].startswith("[server] url: needed when [listen] host is a unix socket")
            daemon.stop()
