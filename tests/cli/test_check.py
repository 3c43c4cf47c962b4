"""`check` before a start: set-ups that are broken in every way, and one that is not."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from ric0_trio.keyfile import save_private_key
from ric0_trio.protocol import PrivateKey
from tests.cli.certificates import Issued, issue
from tests.cli.conftest import Run
from tests.independent.openssl import openssl
from tests.independent.ports import find_port

NOBODY = 65534
CONFIG = """
data_dir = "data"
[listen]
port = 0
[tls]
cert = "cert.pem"
key = "key.pem"
[server]
identity = "identity.pem"
url = "wss://chat.example/ric0_chat"
[limits]
max_connections = 10
"""
ROOT = issue("root")
BETWEEN = issue("between", issuer=ROOT)
OWN = issue("own", "chat.example", "*.chat.example", issuer=BETWEEN, offer="http://ca.example/between.crt")


def write(name: str, content: bytes | str, mode: int = 0o600) -> None:
    path = Path(name)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)


def certify(own: Issued, *others: Issued) -> None:
    write("cert.pem", b"".join(one.cert_pem for one in (own, *others)))
    write("key.pem", own.key_pem)


@pytest.fixture
def _complete() -> None:
    """Everything that a server needs, in the folder of the test."""
    save_private_key(Path("identity.pem"), PrivateKey.generate())
    certify(OWN, BETWEEN)
    write("ric0.toml", CONFIG)


@dataclass(frozen=True)
class Case:
    """How a set-up is spoiled, and what is told of it."""

    spoil: Callable[[], object]
    level: str
    subject: str
    told: list[str]
    """Words of what is wrong, and of the remedy."""
    code: int = 0


def failing(spoil: Callable[[], object], subject: str, *told: str, code: int = 78) -> Case:
    return Case(spoil, "FAILED", subject, list(told), code)


def warned(spoil: Callable[[], object], subject: str, *told: str) -> Case:
    return Case(spoil, "warning", subject, list(told))


def noted(spoil: Callable[[], object], subject: str, *told: str) -> Case:
    return Case(spoil, "note", subject, list(told))


def configured(old: str, new: str) -> Callable[[], None]:
    assert old in CONFIG
    return lambda: write("ric0.toml", CONFIG.replace(old, new))


def token_open_to_others() -> None:
    write("ric0.toml", f'{CONFIG}\n[admin]\nlisten = "127.0.0.1:0"\ntoken_file = "token"\n')
    write("token", "x" * 16)
    Path("token").chmod(0o644)


def listening(lines: str, old: str = "port = 0") -> Callable[[], None]:
    return configured(old, f"port = 0\n{lines}")


def administered(place: str, token_file: str = "", token: bytes | None = None, mode: int = 0o600) -> Callable[[], None]:
    def spoil() -> None:
        named = f'token_file = "{token_file}"' if token_file else ""
        write("ric0.toml", f'{CONFIG}\n[admin]\nlisten = "{place}"\n{named}\n')
        if token is not None:
            write(token_file, token, mode)

    return spoil


def recorded(spoil: Callable[[], object] = lambda: None, more: str = "") -> Callable[[], None]:
    def spoil_all() -> None:
        write("ric0.toml", f'{CONFIG}\n[record]\ndir = "said"\n{more}\n')
        spoil()

    return spoil_all


def certified(*days: float, hosts: tuple[str, ...] = ("chat.example",)) -> Callable[[], None]:
    def spoil() -> None:
        certify(issue("own", *hosts, issuer=BETWEEN, days=(days[0], days[1]) if days else (-1, 90)), BETWEEN)

    return spoil


def identity_as_key() -> None:
    write("key.pem", Path("identity.pem").read_bytes())


def encrypt(name: str) -> Callable[[], None]:
    def spoil() -> None:
        locked = openssl("pkey", "-aes256", "-passout", "pass:x", "-in", name)
        write(name, locked)

    return spoil


def make_link(name: str, target: str) -> Callable[[], None]:
    return lambda: Path(name).symlink_to(target)


def make_folder(name: str, mode: int) -> Callable[[], None]:
    def spoil() -> None:
        Path(name).mkdir()
        Path(name).chmod(mode)

    return spoil


def full_folder(name: str) -> Callable[[], None]:
    def spoil() -> None:
        make_folder(name, 0o700)()
        write(f"{name}/old.jsonl", bytes(65536))

    return spoil


ADMIN = "admin.token"
CERT, KEY, IDENTITY, DATA = "cert.pem", "key.pem", "identity.pem", "{folder}/data"
LONG = "x" * 120
BROKEN = {
    "a configuration that is wrong": failing(
        configured("port = 0", 'port = "x"'), "configuration", "ric0.toml: [listen] port: expected a whole number",
        "operations.md",
    ),
    "a configuration that is not there": failing(
        lambda: Path("ric0.toml").unlink(), "configuration", "ric0.toml: No such file or directory"
    ),
    "no identity": failing(
        configured('identity = "identity.pem"', ""), "configuration", "still needs an identity", "ric0-trio keygen"
    ),
    "no certificate": failing(
        configured('key = "key.pem"', ""), "configuration", "still needs a certificate", "certificate authority"
    ),
    "an identity that is not there": failing(
        lambda: Path(IDENTITY).unlink(), IDENTITY, "No such file or directory", "ric0-trio keygen identity.pem"
    ),
    "an identity that is none": failing(
        lambda: write(IDENTITY, "x"), IDENTITY, "not a private key in PEM", "expected -----BEGIN PRIVATE KEY-----"
    ),
    "an identity of an unknown format": failing(
        lambda: write(IDENTITY, OWN.key_pem), IDENTITY, "not a key of a known format", "expected one of ed25519-"
    ),
    "an identity that is encrypted": failing(encrypt(IDENTITY), IDENTITY, "encrypted", "store it unencrypted"),
    "an identity open to others": warned(
        lambda: Path(IDENTITY).chmod(0o644), IDENTITY, "others on this machine", "chmod 600 identity.pem"
    ),
    "a certificate that is not there": failing(
        lambda: Path(CERT).unlink(), CERT, "No such file or directory", "see --cert"
    ),
    "a certificate that is none": failing(
        lambda: write(CERT, "x"), CERT, "no certificate in PEM", "expected -----BEGIN CERTIFICATE-----"
    ),
    "a key that is not there": failing(lambda: Path(KEY).unlink(), KEY, "No such file or directory", "see --key"),
    "a key that is encrypted": failing(encrypt(KEY), KEY, "encrypted", "openssl pkey -in key.pem"),
    "a key of another certificate": failing(
        lambda: write(KEY, ROOT.key_pem), CERT, "key.pem is not the key of", "two files of one certificate"
    ),
    "a key that is the identity": failing(
        identity_as_key, KEY, "the server's identity as well", "make an identity of its own"
    ),
    "a key open to others": warned(lambda: Path(KEY).chmod(0o604), KEY, "others on this machine", "chmod 600 key.pem"),
    "a certificate that has expired": failing(certified(-90, -1), CERT, "it expired on 2", "renew it"),
    "a certificate of tomorrow": failing(certified(1, 90), CERT, "not valid before 2", "wait until then", "clock"),
    "a certificate that expires in 13 days": warned(certified(-1, 13), CERT, "expires soon, on 2", "renew it"),
    "a certificate for another host": warned(
        certified(hosts=("other.example", "192.0.2.7")), CERT,
        "for other.example, 192.0.2.7, and not for chat.example", "change the url",
    ),
    "a certificate for the hosts below": warned(
        certified(hosts=("*.chat.example",)), CERT, "and not for chat.example", "change the url"
    ),
    "a certificate for no host": warned(certified(hosts=()), CERT, "names no host", "have one issued"),
    "a certificate without its issuer's": warned(
        lambda: certify(issue("own", "chat.example", issuer=BETWEEN, offer="http://ca.example/between.crt")), CERT,
        "clients may miss the intermediate", "http://ca.example/between.crt", "fullchain.pem",
    ),
    "a chain out of order": warned(
        lambda: certify(OWN, ROOT, BETWEEN), CERT, "the chain is out of order", "the server's own first"
    ),
    "an issuer that has expired": warned(
        lambda: certify(OWN, issue("between", issuer=ROOT, days=(-90, -1), key=BETWEEN.key)), CERT,
        "the certificate of its issuer CN=between has expired", "take the chain",
    ),
    "a certificate issued by itself": noted(
        lambda: certify(issue("own", "chat.example")), CERT, "self-signed", "give it to them"
    ),
    "a certificate with RSA": noted(
        lambda: certify(
            issue("own", "chat.example", issuer=BETWEEN, key=rsa.generate_private_key(65537, 2048)), BETWEEN
        ),
        CERT, "its key is RSA-2048", "ECDSA",
    ),
    "a URL that no client takes": warned(
        configured("wss://chat.example/", "ws://chat.example/"), "[server] url", "plain ws:// is for this machine alone"
    ),
    "a data directory that is a file": failing(lambda: write("data", "x"), DATA, "it is no folder", "see --data-dir"),
    "a data directory that leads nowhere": failing(make_link("data", "nowhere"), DATA, "it is no folder", "--data-dir"),
    "a data directory in a file": failing(
        configured('"data"', '"key.pem/data"'), "{folder}/key.pem/data", "cannot be made in {folder}/key.pem",
        "see --data-dir",
    ),
    "a data directory with a long path": failing(
        configured('"data"', f'"{LONG}"'), f"{{folder}}/{LONG}", "too long for the socket", "less than 90 bytes"
    ),
    "a data directory open to others": warned(
        make_folder("data", 0o755), DATA, "others on this machine can look in", "chmod 700 data"
    ),
    "nothing kept yet": noted(lambda: None, f"{DATA}/access.sqlite3", "nothing is kept yet: the server makes it"),
    "proxies that are not named": failing(
        listening('also_behind_proxy = ["127.0.0.1:0"]'), "[listen] trusted_proxies", "name the proxies",
        'trusted_proxies = ["127.0.0.1", "::1"]',
    ),
    "a certificate of no use": failing(
        listening('behind_proxy = true\ntrusted_proxies = ["::1"]'), "[tls] cert and key", "of no use", "leave out one"
    ),
    "a unix socket and no URL": failing(
        lambda: write(
            "ric0.toml", CONFIG.replace("port = 0", 'host = "unix:chat.sock"').replace("url =", "description =")
        ),
        "[server] url", "needed when [listen] host is a unix socket", "wss://chat.example",
    ),
    "an address that is not ours": failing(
        listening('host = "192.0.2.1"'), "192.0.2.1:0", "cannot listen there: ", "an address of this machine", code=1
    ),
    "a name that is no host's": failing(
        listening('host = "chat..example"'), "chat..example:0", "not the name of a host", "see [listen]", code=1
    ),
    "no token for the admin listener": failing(
        lambda: write("ric0.toml", f'{CONFIG}\n[admin]\nlisten = "127.0.0.1:0"\ntoken_file = "token"\n'),
        "[admin] token_file token", "No such file", "openssl rand -hex 24 > token",
    ),
    "a taken place for the admin listener": failing(
        lambda: write("ric0.toml", f'{CONFIG}\n[admin]\nlisten = "unix:cert.pem"\n'),
        "unix:cert.pem", "cannot listen there: Address already in use", "stop whoever listens there", code=1,
    ),
    "a token open to others": warned(
        token_open_to_others, "token", "others on this machine can read this token", "chmod 600 token"
    ),
    "the same place twice": failing(
        listening('also = ["unix:chat.sock", "unix:chat.sock"]'), "configuration", "unix:chat.sock is there twice", "",
    ),
    "a place within another": failing(
        lambda: write("ric0.toml", CONFIG.replace("port = 0", 'port = 20113\nalso = ["[::1]:20113", "0.0.0.0:20113"]')),
        "0.0.0.0:20113", "[listen] has it already, as 127.0.0.1:20113", "leave out one", code=1,
    ),
    "no folder for a unix socket": failing(
        listening('also = ["unix:no/chat.sock"]'), "unix:no/chat.sock", "No such file", "make the folder no", code=1
    ),
    "a file where a unix socket is to be": failing(
        listening('also = ["unix:key.pem"]'), "unix:key.pem", "Address already in use", "move it away", code=1
    ),
    "a unix socket with a long path": failing(
        listening(f'also = ["unix:{LONG}"]'), f"unix:{LONG}", "too long", "less than 100 bytes", code=1
    ),
    "an admin listener where clients come": failing(
        lambda: write("ric0.toml", CONFIG.replace("port = 0", "port = 20113") + '[admin]\nlisten = "127.0.0.1:20113"'),
        "127.0.0.1:20113", "[listen] has it already", "leave out one", code=1,
    ),
    "no folder for the admin's unix socket": failing(
        administered("unix:no/admin.sock"), "unix:no/admin.sock", "No such file", "make the folder no", code=1
    ),
    "an admin token that is not there": failing(
        administered("127.0.0.1:0", ADMIN), f"[admin] token_file {ADMIN}", "No such file", "openssl rand"
    ),
    "an admin token that is none": failing(
        administered("127.0.0.1:0", ADMIN, b"short"), f"[admin] token_file {ADMIN}",
        "expected 16 to 1024 ASCII characters", "openssl rand",
    ),
    "an admin token open to others": warned(
        administered("127.0.0.1:0", ADMIN, b"x" * 16, 0o644), ADMIN, "others on this machine",
        f"chmod 600 {ADMIN}",
    ),
    "a folder of transcripts that is none": warned(
        recorded(lambda: write("said", "x")), "said", "no transcript can be written there", "give [record] dir a folder"
    ),
    "a folder of transcripts open to others": warned(
        recorded(make_folder("said", 0o755)), "said", "others on this machine can look in", "chmod 700 said"
    ),
    "a folder of transcripts that is full": warned(
        recorded(full_folder("said"), "max_total_bytes = 65536"), "said", "it is full", "move some away"
    ),
    "a folder of transcripts that is not there yet": Case(
        recorded(), "ok", "said", ["transcripts of conversations can be written there"]
    ),
    "an admin listener without a token": noted(
        administered("127.0.0.1:0"), "[admin] token_file", "nobody may see the connections"
    ),
}  # fmt: skip


def findings(out: str, folder: Path) -> list[dict[str, Any]]:
    told = json.loads(out.replace(str(folder), "{folder}"))
    assert all(each["remedy"] for each in told["findings"] if each["level"] in ("warning", "FAILED"))
    found: list[dict[str, Any]] = told["findings"]
    return found


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN)
@pytest.mark.usefixtures("_complete")
def test_what_is_wrong_is_told(case: Case, run: Run, tmp_path: Path) -> None:
    case.spoil()
    ended = run("check", "--config", "ric0.toml", "--json")
    assert (ended.code, ended.err) == (case.code, "")
    assert json.loads(ended.out)["ok"] == (case.code == 0)
    worst = [each for each in findings(ended.out, tmp_path) if each["level"] == case.level]
    (found,) = [each for each in worst if each["subject"] == case.subject]
    for words in case.told:
        assert words in f"{found['text']}; {found['remedy']}"
    lines = run("check", "--config", "ric0.toml").out.replace(str(tmp_path), "{folder}").splitlines()
    said = " ".join(f"{found['subject']}: {found['text']}; {found['remedy']}".split()).removesuffix("; None")
    assert f"{case.level:<8}{said}" in lines


NO_START = {
    name: case
    for name, case in BROKEN.items()
    if case.level == "FAILED" and name not in ("a certificate that has expired", "a certificate of tomorrow")
}


@pytest.mark.parametrize("case", NO_START.values(), ids=NO_START)
@pytest.mark.usefixtures("_complete")
def test_serve_fails_where_check_does(case: Case, run: Run) -> None:
    case.spoil()
    too_late = threading.Timer(20, os.kill, (os.getpid(), signal.SIGTERM))  # should it start, it would go on for ever
    too_late.start()
    try:
        ended = run("serve", "--config", "ric0.toml")
    finally:
        too_late.cancel()
        too_late.join()
    assert ended.code == case.code


@pytest.mark.usefixtures("_complete")
def test_a_clean_set_up(run: Run, tmp_path: Path) -> None:
    assert run("user", "list", "--data-dir", "data").code == 78  # nothing is kept there yet
    assert run("token", "create", "--data-dir", "data").code == 0
    ended = run("check", "--config", "ric0.toml")
    assert (ended.code, ended.err) == (0, "")
    said = [line.split(maxsplit=1) for line in ended.out.replace(f"{tmp_path}/", "").splitlines()]
    assert [(level, text.split(": ")[0]) for level, text in said] == [
        ("ok", subject)
        for subject in (
            "ric0.toml", IDENTITY, KEY, CERT, CERT, "data", "data", "data/access.sqlite3", "127.0.0.1:0",
            "[limits] max_connections",
        )
    ]  # fmt: skip
    told = json.loads(run("check", "--config", "ric0.toml", "--json").out)
    assert told.pop("findings")[0] == {
        "level": "ok",
        "subject": "ric0.toml",
        "text": "each key is known, and has a value that it can have",
        "remedy": None,
    }
    database = str(tmp_path / "data/access.sqlite3")
    assert told == {"ok": True, "database": database, "schema": 1, "damage": []}


@pytest.mark.usefixtures("_complete")
def test_a_name_that_is_covered(run: Run) -> None:
    for url, hosts in {
        "wss://CHAT.example:8443": ("chat.example",),
        "wss://a.chat.example.": ("*.chat.EXAMPLE",),
        "wss://[2001:db8::7]": ("2001:db8::7",),
        "wss://192.0.2.7": ("x.example", "192.0.2.7"),
    }.items():
        certified(hosts=hosts)()
        write("ric0.toml", CONFIG.replace("wss://chat.example/ric0_chat", url))
        assert f"ok      cert.pem: for {', '.join(hosts)}\n" in run("check", "--config", "ric0.toml").out


@pytest.mark.usefixtures("_complete")
def test_a_wildcard_is_one_label(run: Run) -> None:
    certified(hosts=("*.example", "*.0.2.7"))()
    for host in ("a.chat.example", "192.0.2.7", "example"):
        write("ric0.toml", CONFIG.replace("wss://chat.example/ric0_chat", f"wss://{host}"))
        assert f"and not for {host}, where" in run("check", "--config", "ric0.toml").out


def test_a_server_that_is_given_its_files_by_hand(run: Run) -> None:
    """Nothing of them is in the configuration: that is no mistake, as long as something is kept."""
    assert run("token", "create").code == 0
    write("ric0.toml", "[listen]\nport = 0")
    ended = run("check", "--config", "ric0.toml")
    assert ended.code == 0
    assert "warning configuration: the server still needs an identity; make one with" in ended.out
    ended = run("check", "--config", "ric0.toml", "--data-dir", "elsewhere")
    assert ended.code == 78
    assert "nothing is kept in" in ended.out
    assert "see --data-dir and --config" in ended.out


@pytest.mark.usefixtures("_complete")
def test_a_damaged_database_beside_what_is_worse(run: Run) -> None:
    assert run("token", "create", "--data-dir", "data").code == 0
    os.truncate("data/access.sqlite3", 5000)
    assert run("check", "--config", "ric0.toml").code == 1
    Path(KEY).unlink()
    ended = run("check", "--config", "ric0.toml")
    assert ended.code == 78
    assert "put a backup in its place" in ended.out


@pytest.mark.usefixtures("_complete")
def test_a_lock_that_is_none(run: Run) -> None:
    (Path("data") / "server.lock").mkdir(parents=True)
    ended = run("check", "--config", "ric0.toml")
    assert ended.code == 78
    assert "server.lock: Is a directory; let the server's account" in ended.out


@pytest.mark.usefixtures("_complete")
def test_places_of_others(run: Run) -> None:
    port = find_port()
    with socket.create_server(("127.0.0.1", port)), socket.socket(socket.AF_UNIX) as unix:
        unix.bind("chat.sock")
        unix.listen()
        configured("port = 0", f'port = {port}\nalso = ["unix:chat.sock"]')()
        ended = run("check", "--config", "ric0.toml")
        assert ended.code == 1
        taken = "cannot listen there: Address already in use; stop who"
        assert f"FAILED  127.0.0.1:{port}: {taken.removesuffix('who')}what listens there (ss -ltnp" in ended.out
        assert f"FAILED  unix:chat.sock: {taken}ever listens there" in ended.out
    ended = run("check", "--config", "ric0.toml")  # what is left of a crash is no hindrance
    assert ended.code == 0
    assert "ok      unix:chat.sock: free\n" in ended.out


@pytest.mark.usefixtures("_complete")
def test_too_few_files(run: Run) -> None:
    configured("max_connections = 10", "max_connections = 5000")()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1000, hard))
    try:
        ended = run("check", "--config", "ric0.toml")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert ended.code == 0
    text = "the limit on open files, 1000 for this command, has room for 800 of 5000; raise it to 6250 for the server"
    assert f"note    [limits] max_connections: {text} (ulimit -n, or LimitNOFILE=" in ended.out


def snapshot(folder: Path) -> dict[str, tuple[int, int, bytes | None]]:
    """Everything there; but SQLite makes files beside the database, and removes them: its folder's time shows that."""
    return {
        str(path): (
            0 if path.name == "data" else path.lstat().st_mtime_ns,
            path.lstat().st_mode,
            path.read_bytes() if path.is_file() else None,
        )
        for path in [folder, *folder.rglob("*")]
    }


@pytest.mark.usefixtures("_complete")
def test_nothing_on_disk_changes(run: Run, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as crashed:
        crashed.bind("left.sock")
    listening('also = ["unix:chat.sock", "unix:left.sock"]')()
    before = snapshot(tmp_path)
    assert run("check", "--config", "ric0.toml").code == 0
    assert snapshot(tmp_path) == before
    run("token", "create", "--data-dir", "data")
    before = snapshot(tmp_path)
    assert run("check", "--config", "ric0.toml").code == 0
    assert snapshot(tmp_path) == before


AS_NOBODY = f"""
import cryptography.hazmat.backends.openssl.backend, encodings.idna, os, sys  # loaded later, it may be out of reach
import ric0_trio.cli
if os.geteuid() == 0:
    os.setgroups([]), os.setgid({NOBODY}), os.setuid({NOBODY})
sys.argv = ["ric0-trio", *sys.argv[1:]]
ric0_trio.cli.main()
"""


@pytest.fixture
def common_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that any account reaches: those of pytest are for its own alone."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        monkeypatch.chdir(folder)
        yield folder
        for path in folder.iterdir():
            path.chmod(0o700)


def give_away(*paths: Path) -> None:
    for path in paths:
        if os.geteuid() == 0:
            os.chown(path, NOBODY, NOBODY)


def test_what_an_account_may_not_do(common_folder: Path) -> None:
    save_private_key(Path("identity.pem"), PrivateKey.generate())
    certify(OWN, BETWEEN)
    for name, mode in {"data": 0o500, "places": 0o500}.items():
        Path(name).mkdir(mode=mode)
    give_away(*map(Path, (CERT, KEY, "data", "places")))
    Path(IDENTITY).chmod(0)
    write("ric0.toml", CONFIG.replace("port = 0", 'port = 0\nalso = ["unix:places/chat.sock", "127.0.0.1:1"]'), 0o644)
    words = [sys.executable, "-c", AS_NOBODY, "check", "--config", "ric0.toml"]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)
    assert (ended.returncode, ended.stderr) == (78, "")
    failed = [line for line in ended.stdout.splitlines() if line.startswith("FAILED")]
    assert "FAILED  identity.pem: Permission denied; let the server's account read it, and start" in failed[0]
    assert f"FAILED  {common_folder}/data: this account may not write there; let the server's account" in failed[1]
    assert "nothing is kept in" in failed[2]
    denied = "cannot listen there: Permission denied"
    assert f"unix:places/chat.sock: {denied}; let the server's account write to places" in failed[3]
    ports = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
    if ports.exists() and int(ports.read_text()) > 1:
        assert f"127.0.0.1:1: {denied}; give it CAP_NET_BIND_SERVICE" in failed[4]
