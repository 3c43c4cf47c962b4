"""What `serve` needs and has not got: each is told with its file and its remedy, before anything is made."""

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme

from tests.cli.conftest import Run
from tests.independent.openssl import openssl

AN_IDENTITY = "an identity: make one with `ric0-trio keygen identity.pem`, and pass `--identity identity.pem`"
A_CERTIFICATE = "a certificate: get one from a certificate authority"
TRY_IT = "To try it out without either: ric0-trio serve --dev\n"
EVERYBODY = "0.0.0.0"  # noqa: S104 - it is refused
COMPLETE = ["--identity", "identity.pem", "--cert", "cert.pem", "--key", "key.pem"]


@pytest.fixture(scope="module")
def good_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """An identity, and a certificate with its key; and an encrypted key of either kind."""
    folder = tmp_path_factory.mktemp("files")
    issued = trustme.CA().issue_cert("localhost", key_type=trustme.KeyType.RSA)
    (folder / "cert.pem").write_bytes(issued.cert_chain_pems[0].bytes())
    (folder / "key.pem").write_bytes(issued.private_key_pem.bytes())
    (folder / "other.pem").write_bytes(
        trustme.CA().issue_cert("x", key_type=trustme.KeyType.RSA).private_key_pem.bytes()
    )
    openssl("genpkey", "-algorithm", "ed25519", "-out", folder / "identity.pem")
    encrypt = ("pkey", "-aes256", "-passout", "pass:x")
    openssl(*encrypt, "-in", folder / "identity.pem", "-out", folder / "locked-identity.pem")
    openssl(*encrypt, "-in", folder / "key.pem", "-out", folder / "locked.pem")
    openssl(*encrypt, "-traditional", "-in", folder / "key.pem", "-out", folder / "old-locked.pem")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@dataclass(frozen=True)
class Case:
    """A call, and what it is told."""

    words: list[str]
    told: list[str]
    code: int = 78
    spoil: Callable[[Path], object] = field(default=lambda folder: None)
    """What is done to the good files before."""


def without(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


def swapped(name: str, other: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes((folder / other).read_bytes())


def damaged(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text("-----BEGIN nothing-----\n")


def configured(text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "ric0.toml").write_text(text)


CONFIG = ["--config", "ric0.toml"]
ENCRYPTED = "the key is encrypted; "
DECRYPT = "decrypt it with `openssl pkey -in key.pem -out NEW`, and let its owner alone read it\n"
CASES = {
    "nothing": Case([], [AN_IDENTITY, A_CERTIFICATE, "behind a proxy", TRY_IT]),
    "no certificate": Case(COMPLETE[:2], ["the server still needs\n  - a certificate"]),
    "no identity": Case(COMPLETE[2:], ["the server still needs\n  - an identity"]),
    "a certificate without its key": Case(COMPLETE[:4], ["the server still needs\n  - a certificate"]),
    "the same, for a trial": Case(["--dev", *COMPLETE[2:4]], ["the server still needs\n  - a certificate"]),
    "no such identity": Case(
        COMPLETE, ["identity.pem: No such file or directory; make one with `ric0-trio keygen identity.pem`"],
        spoil=without("identity.pem"),
    ),
    "an identity that is none": Case(
        COMPLETE, ["identity.pem: not a private key in PEM; expected -----BEGIN PRIVATE KEY-----"],
        spoil=damaged("identity.pem"),
    ),
    "an encrypted identity": Case(
        COMPLETE, [f"identity.pem: {ENCRYPTED}store it unencrypted, readable by its owner alone"],
        spoil=swapped("identity.pem", "locked-identity.pem"),
    ),
    "no such certificate": Case(
        COMPLETE, ["cert.pem: No such file or directory; see --cert"], spoil=without("cert.pem")
    ),
    "no such key": Case(COMPLETE, ["key.pem: No such file or directory; see --key"], spoil=without("key.pem")),
    "a certificate that is none": Case(
        COMPLETE, ["cert.pem: no certificate in PEM; expected -----BEGIN CERTIFICATE-----"], spoil=damaged("cert.pem")
    ),
    "a key that is none": Case(
        COMPLETE, ["key.pem: no private key in PEM; expected -----BEGIN PRIVATE KEY-----"], spoil=damaged("key.pem")
    ),
    "a certificate's key that is not its": Case(
        COMPLETE, ["key.pem is not the key of the certificate cert.pem, or one of them is damaged"],
        spoil=swapped("key.pem", "other.pem"),
    ),
    "the identity as the certificate's key": Case(
        COMPLETE, ["key.pem: the certificate's key is the server's identity as well"],
        spoil=swapped("key.pem", "identity.pem"),
    ),
    "an encrypted key": Case(COMPLETE, [f"key.pem: {ENCRYPTED}{DECRYPT}"], spoil=swapped("key.pem", "locked.pem")),
    "an encrypted key of the old kind": Case(
        COMPLETE, [f"key.pem: {ENCRYPTED}{DECRYPT}"], spoil=swapped("key.pem", "old-locked.pem")
    ),
    "a key that is a folder": Case(
        [*COMPLETE[:4], *CONFIG], [".: Is a directory; see --key"], spoil=configured('[tls]\nkey = "."')
    ),
    "no such configuration": Case(CONFIG, ["ric0.toml: No such file or directory"]),
    "a wrong configuration": Case(
        CONFIG, ["ric0.toml: [listen] port: expected a whole number, got 'x'"], spoil=configured("[listen]\nport = 'x'")
    ),
    "a data folder that is a file": Case(
        ["--dev", *CONFIG], ["cert.pem: File exists"], spoil=configured('data_dir = "cert.pem"')
    ),
    "no folder for the ready file": Case(
        ["--dev", "--ready-file", "nowhere/ready"], ["--ready-file: no folder nowhere that can be written to"]
    ),
    "a ready file in a file": Case(
        ["--dev", "--ready-file", "cert.pem/ready"], ["--ready-file cert.pem/ready: Not a directory"]
    ),
    "plain text, and not for a trial": Case(["--plaintext"], ["--plaintext is for --dev alone; behind a proxy,"], 64),
    "plain text for everybody": Case(
        ["--dev", "--plaintext", "--host", EVERYBODY], ["a loopback address alone, and 0.0.0.0:8443 is none"], 64
    ),
    "plain text for everybody, by configuration": Case(
        ["--dev", "--plaintext", *CONFIG], ["a loopback address alone, and 0.0.0.0:8443 is none"], 64,
        spoil=configured('[listen]\nhost = "0.0.0.0"'),
    ),
    "plain text for everybody at a further place": Case(
        ["--dev", "--plaintext", *CONFIG], ["a loopback address alone, and [::]:8443 is none"], 64,
        spoil=configured('[listen]\nalso = ["[::]:8443"]'),
    ),
    "a proxy without a name": Case(
        [*COMPLETE[:2], *CONFIG], ["[listen] trusted_proxies: name the proxies that end TLS"],
        spoil=configured("[listen]\nbehind_proxy = true"),
    ),
    "a further proxy without a name": Case(
        [*COMPLETE, *CONFIG], ["[listen] trusted_proxies: name the proxies that end TLS"],
        spoil=configured('[listen]\nalso_behind_proxy = ["unix:chat.sock"]'),
    ),
    "a unix socket, and nowhere to come back to": Case(
        [*COMPLETE, "--host", "unix:chat.sock"], ["[server] url: needed when [listen] host is a unix socket"]
    ),
    "a unix socket that is a file": Case(
        [*COMPLETE, "--port", "0", *CONFIG], ["cannot listen on unix:cert.pem: ", "see [listen] in the config"], 1,
        spoil=configured('[listen]\nalso = ["unix:cert.pem"]'),
    ),
    "an address that is not ours": Case(
        ["--dev", "--host", "192.0.2.1"], ["cannot listen on 192.0.2.1, port 8443: ", "see --host and --port"], 1
    ),
    "a name that is no host's": Case(
        ["--dev", "--host", "chat..example"], ["cannot listen on chat..example, port 8443: that is not the name of"], 1
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_refuses_and_says_why(case: Case, good_files: dict[str, bytes], run: Run, tmp_path: Path) -> None:
    for name, content in good_files.items():
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o600)
    case.spoil(tmp_path)
    ended = run("serve", *case.words)
    assert (ended.code, ended.out) == (case.code, "")
    for words in case.told:
        assert words in ended.err
    assert "Error: " in ended.err
    for content in good_files.values():
        assert content.decode().splitlines()[1] not in ended.err


def test_a_port_that_is_taken(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = run("serve", "--dev", "--port", str(port))
    assert ended.code == 1
    assert (
        ended.err == f"Error: cannot listen on 127.0.0.1, port {port}: Address already in use; see --host and --port\n"
    )


def test_nothing_is_made_without_dev(run: Run, tmp_path: Path) -> None:
    run("serve")
    assert list(tmp_path.iterdir()) == []
