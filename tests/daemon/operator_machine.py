"""docs/operations.md as its reader follows it: the commands that it shows, run as they stand.

The reader's machine is a folder: /etc and its like are in there. Its accounts are the one that runs the test, and its
ports are free ones.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from tests.independent.operating import wait_until
from tests.independent.ports import find_port
from tests.independent.serving import NO_BOUND_PER_ADDRESS, PATIENT, STOP_S, Server

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()
COMMANDS = re.findall(
    r"^\$ (.*)$", "".join(re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)), re.MULTILINE
)

# What this machine has instead of the real ones: `{root}` is its folder.
STAND_INS = {
    "python3": f'exec {shlex.quote(sys.executable)} "$@"',
    "sudo": 'shift 2; exec "$@"',  # -u ACCOUNT
    "systemctl": '[ "$*" = "reload ric0-trio" ] && kill -HUP "$(cat {root}/run/server.pid)"',
}


def block(language: str, *, after: str = "") -> str:
    """The one block of a language that the page shows, or the first one after some text of it."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", PAGE[PAGE.index(after) :], re.MULTILINE | re.DOTALL)
    assert after or len(blocks) == 1
    return str(blocks[0])


@dataclass
class Machine:
    root: Path
    port: int = field(default_factory=find_port)
    admin_port: int = field(default_factory=find_port)
    done: list[str] = field(default_factory=list)
    """The commands of the page that have been run."""

    def __post_init__(self) -> None:
        self.bin.mkdir(parents=True)
        for folder in ("opt", "etc", "var/lib", "run/ric0-trio"):
            (self.root / folder).mkdir(parents=True)
        for name, script in STAND_INS.items():
            path = self.bin / name
            path.write_text(f"#!/bin/sh\n{script.replace('{root}', str(self.root))}\n")
            path.chmod(0o755)

    @property
    def bin(self) -> Path:
        return self.root / "usr/local/bin"

    @property
    def ca(self) -> Path:
        """The one authority that the machine trusts, once it is there."""
        return self.root / "ca.pem"

    @property
    def url(self) -> str:
        return f"wss://127.0.0.1:{self.port}/ric0_chat"

    @property
    def environment(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith(("RIC0_TRIO_", "PYTHON"))}
        return {
            **own,
            **NO_BOUND_PER_ADDRESS,
            **PATIENT,
            "PATH": f"{self.bin}:/usr/bin:/bin",
            "RIC0_TRIO_READY_FILE": str(self.root / "run/ready.json"),
            "XDG_CONFIG_HOME": str(self.root / "home"),
            **({"SSL_CERT_FILE": str(self.ca)} if self.ca.exists() else {}),
        }

    def path(self, path: str) -> Path:
        """Where a path of the page is."""
        return self.root / path.removeprefix("/")

    def moved(self, text: str) -> str:
        """What the page says, with this machine's paths, accounts and ports."""
        text = re.sub(r"(?<![\w./])/(?=(opt|etc|var|run|usr)/)", f"{self.root}/", text)
        user, group = os.getuid(), os.getgid()
        text = re.sub(r"-o (root|ric0) -g ric0", f"-o {user} -g {group}", text)
        text = re.sub(r"\bchown (root:)?ric0\b", f"chown {user}:{group}", text)
        return text.replace("127.0.0.1:9108", f"127.0.0.1:{self.admin_port}")

    def shown(self, start: str, words: Mapping[str, str] = MappingProxyType({})) -> str:
        """The one command of the page that begins so, with `words` in the place of others."""
        (command,) = [each for each in COMMANDS if each.startswith(start)]
        self.done.append(command)
        command = self.moved(command).replace("wss://chat.example/ric0_chat", self.url)
        for word, instead in words.items():
            command = command.replace(word, instead)
        return command

    def follow(self, *starts: str, words: Mapping[str, str] = MappingProxyType({})) -> str:
        """Run commands of the page, in one shell, and return what they printed."""
        return self.run("\n".join(self.shown(start, words) for start in starts))

    def run(self, script: str, **environment: str) -> str:
        """Run a script that has to succeed."""
        ran = subprocess.run(
            ["sh", "-e", "-c", script],
            cwd=self.root,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ran.returncode == 0, f"{script}\n{ran.stdout}{ran.stderr}"
        return ran.stdout

    def command(self, words: str) -> str:
        """Give a command about the server, in the way that the page says."""
        return self.run(self.moved(f"sudo -u ric0 ric0-trio {words} --config /etc/ric0-trio/ric0.toml"))

    @property
    def log(self) -> str:
        return (self.root / "log.txt").read_text()

    @contextmanager
    def serving(self) -> Iterator[Server]:
        """The page's server, from when it listens; it has to end with 0 when asked at the end, or before."""
        ready = self.root / "run/ready.json"
        ready.unlink(missing_ok=True)
        words = shlex.split(self.shown("ric0-trio serve"))
        with (
            (self.root / "log.txt").open("ab") as log,
            subprocess.Popen(words, env=self.environment, cwd=self.root, stdout=log, stderr=log) as process,
        ):
            try:
                wait_until(lambda: ready.exists() or process.poll() is not None, bool)
                assert process.poll() is None, self.log
                told = json.loads(ready.read_bytes())
                (self.root / "run/server.pid").write_text(str(told["pid"]))
                yield Server(told["url"], told["pubkey"], told["fingerprint"], self.ca, process)
                if process.poll() is None:
                    process.terminate()
                assert process.wait(STOP_S) == 0
            finally:
                process.kill()

    def reload(self, script: str, **environment: str) -> None:
        """Run what has the server read its configuration again, and wait until it has."""
        before = self.log.count("server.reloaded")
        self.run(script, **environment)
        wait_until(lambda: self.log.count("server.reloaded"), lambda now: now > before)
