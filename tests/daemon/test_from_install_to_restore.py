"""docs/operations.md, from its beginning to its end, as a new operator follows it on an empty machine.

Whatever the page shows to be typed is typed here, or stands in `NOT_HERE` with the reason.
"""

import json
import re
import shutil
import ssl
import subprocess
import sys
import urllib.request
from collections import Counter
from pathlib import Path

import pytest
import trustme
from cryptography import x509

from tests.daemon.operator_machine import COMMANDS, PAGE, ROOT, Machine, block
from tests.daemon.returning_users import ReturningUser, returning, wait_until_each_got_in
from tests.independent.client import Client
from tests.independent.keys import ED25519, UserKey, fingerprint, make_key
from tests.independent.serving import Server

BANNED, GOING_AWAY = 4001, 1001
NOT_HERE = {
    "useradd ": "makes an account",
    "cp docs/systemd/": "needs systemd; tests/docs/test_systemd_units.py has the units checked",
    "systemctl daemon-reload": "needs systemd",
    "systemctl enable ": "needs systemd; tests/cli/test_socket_activation.py has what it does",
}
CONFIG = "/etc/ric0-trio/ric0.toml"
ADMIN = """
admin.listen = "127.0.0.1:9108"
admin.token_file = "/etc/ric0-trio/admin.token"
"""


# `ssl` does not close a socket that was reset before it could begin, as some are in a restart.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning")
def test_the_whole_way(tmp_path: Path) -> None:
    for program in ("openssl", "curl"):
        if not shutil.which(program):
            pytest.skip(f"there is no {program}, which the page uses")
    machine, authority = Machine(tmp_path), trustme.CA()
    ann, bob = make_key(ED25519), make_key(ED25519)
    install(machine)
    set_up(machine, authority)
    with machine.serving() as server:
        invite(machine)
        connected = let_in(machine, server, ann, bob)
        watch(machine)
        renew_the_certificate(machine, server, authority)
        back_up_and_ban(machine, bob)
        with connected[0], connected[1]:
            assert connected[1].wait_closed()[0] == BANNED
            server.ask_to_stop()
            assert connected[0].wait_closed()[0] == GOING_AWAY
            assert server.exit_code() == 0
    restart_under_load(machine, ann, banned=bob)
    machine.follow("cd ", "rm -f ", "install -o ric0 ")
    with machine.serving() as server:
        bans = {each["user"]: each["ban"] for each in json.loads(machine.command("user list --json"))}
        assert [bans.get(fingerprint(user.public), "no member") for user in (ann, bob)] == [None, None]
        for user in (ann, bob):
            assert ReturningUser(server.url, server.ca, user).log_in() == "success"
    assert "Traceback" not in machine.log
    left_out = {each for each in COMMANDS for start in NOT_HERE if each.startswith(start)}
    assert set(machine.done) | left_out == set(COMMANDS)


def install(machine: Machine) -> None:
    """The wheel of this checkout is what the index would give."""
    dist = machine.root / "dist"
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(dist), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=120)
    (wheel,) = dist.glob("*.whl")
    package = "ric0-trio[bson,admin]"
    machine.follow("python3 -m venv ")
    machine.follow("/opt/ric0-trio/bin/pip ", words={package: f"{package} @ {wheel.as_uri()}"})
    machine.follow("ln -s ")


def set_up(machine: Machine, authority: trustme.CA) -> None:
    authority.cert_pem.write_to_path(machine.ca)
    machine.follow("install -d ", "ric0-trio keygen ")
    machine.follow("(umask 077; openssl ", "chown ric0 ")
    config = machine.moved(block("ini") + ADMIN)
    config = config.replace('"0.0.0.0"', '"127.0.0.1"').replace("listen.port = 443", f"listen.port = {machine.port}")
    machine.path(CONFIG).write_text(config)
    issue(machine, authority)
    machine.run(certbot_hook(machine, reloads=False), RENEWED_LINEAGE=str(machine.root / "lineage"))
    machine.follow("chown root:ric0 ", "chmod 640 ")
    told = machine.follow("ric0-trio check ")
    assert re.findall(r"^(?!ok|note).+$", told, re.MULTILINE) == []


def issue(machine: Machine, authority: trustme.CA) -> bytes:
    """Have the authority issue a certificate, into certbot's folder."""
    lineage = machine.root / "lineage"
    lineage.mkdir(exist_ok=True)
    issued = authority.issue_cert("chat.example", "127.0.0.1")
    (lineage / "fullchain.pem").write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(lineage / "privkey.pem")
    return issued.cert_chain_pems[0].bytes()


def certbot_hook(machine: Machine, *, reloads: bool = True) -> str:
    hook = machine.moved(block("sh"))
    return hook if reloads else hook.replace("systemctl reload ric0-trio", "")


def invite(machine: Machine) -> None:
    """With the token that the first command prints, the probe of the second goes all the way."""
    token = machine.follow("ric0-trio token create ").strip()
    assert "let the user in" in machine.follow("ric0-trio probe ", words={"TOKEN": token})


def let_in(machine: Machine, server: Server, ann: UserKey, bob: UserKey) -> list[Client]:
    """Ann is made a member, and Bob gets a token."""
    machine.command(f"user add {fingerprint(ann.public)}")
    token = machine.command("token create").strip()
    refused = make_key(ED25519)
    assert ReturningUser(server.url, server.ca, refused).log_in() == "join_token_required"
    clients = []
    for key, name, join_token in ((ann, "Ann", None), (bob, "Bob", token)):
        client = server.client()
        client.challenge()
        assert client.connect(key, name, join_token=join_token)["status"] == "success"
        clients.append(client)
    return clients


def watch(machine: Machine) -> None:
    """What shows Ann and Bob to the operator."""
    present = json.loads(machine.command("who --json"))
    assert [(each["name"], each["peer"]) for each in present] == [("Bob", "127.0.0.1"), ("Ann", "127.0.0.1")]
    described = json.loads(machine.follow("curl -H "))["connections"]
    shown = {(each["name"], each["state"], each["user"]) for each in described if each["user"]}
    assert shown == {(each["name"], "connected", each["user"]) for each in present}
    assert ask(machine, "/readyz") == "ready\n"
    metrics = ask(machine, "/metrics")
    assert 'ric0_connections{state="connected"} 2.0' in metrics
    shown_metrics = {name.removesuffix("_info") for name in re.findall(r"^# TYPE (\S+)", metrics, re.MULTILINE)}
    listed = set(re.findall(r"^\| `((?:ric0|process)_[a-z_]+)", PAGE, re.MULTILINE))
    assert shown_metrics == {name.removesuffix("_info") for name in listed}


def ask(machine: Machine, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{machine.admin_port}{path}", timeout=10) as answer:
        return str(answer.read().decode())


def renew_the_certificate(machine: Machine, server: Server, authority: trustme.CA) -> None:
    """Who comes sees the new one; who is on stays."""
    renewed = issue(machine, authority)
    assert served_certificate(machine) != x509.load_pem_x509_certificate(renewed)
    machine.reload(certbot_hook(machine), RENEWED_LINEAGE=str(machine.root / "lineage"))
    assert served_certificate(machine) == x509.load_pem_x509_certificate(renewed)
    assert len(json.loads(machine.command("who --json"))) == 2


def served_certificate(machine: Machine) -> x509.Certificate:
    return x509.load_pem_x509_certificate(ssl.get_server_certificate(("127.0.0.1", machine.port), timeout=10).encode())


def back_up_and_ban(machine: Machine, bob: UserKey) -> None:
    machine.follow("sudo -u ric0 ric0-trio backup ")
    machine.command(f"user ban {fingerprint(bob.public)} --reason spam")


def restart_under_load(machine: Machine, ann: UserKey, *, banned: UserKey) -> None:
    """The admin listener is at a unix socket from then on, which takes a restart."""
    users = [ReturningUser(machine.url, machine.ca, ann) for _ in range(4)]
    with returning(users):
        with machine.serving():
            wait_until_each_got_in(users)
        config = machine.path(CONFIG)
        socket = machine.path("/run/ric0-trio/admin.sock")
        config.write_text(re.sub(r"127\.0\.0\.1:\d+(?=\"\nadmin)", f"unix:{socket}", config.read_text()))
        with machine.serving():
            wait_until_each_got_in(users)
            assert machine.follow("curl --unix-socket ") == "ready\n"
            assert ReturningUser(machine.url, machine.ca, banned).log_in() == "disallowed_user"
    answers = sum((user.answers for user in users), Counter[str]())
    assert answers.keys() <= {"success", str(GOING_AWAY), "refused", "reset"}, answers
