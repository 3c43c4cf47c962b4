"""What a client remembers of servers, in a file that people read and edit, and in memory."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import platformdirs
import pytest

from ric0_trio.client import FileKnownServers, KnownServers, MemoryKnownServers, ServerIdentityError
from ric0_trio.protocol import PublicKey
from ric0_trio.testing import ed25519_key, rsa_key

A, B, C = (ed25519_key(seed).public for seed in (11, 12, 13))
R = rsa_key().public
HEADER = """\
# Servers that were met before, one a line: host:port, key format, public key.
# Delete a line to meet a server anew; a server with two names may have two lines.
"""


def line(host: str, key: PublicKey) -> str:
    return f"{host} {key.format} {key.key}\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "known_servers"


# Both kinds

Make = Callable[[Path], KnownServers]
BOTH = pytest.mark.parametrize("make", [FileKnownServers, lambda _: MemoryKnownServers()], ids=["file", "memory"])


@BOTH
def test_a_server_that_is_as_before(make: Make, path: Path) -> None:
    known = make(path)
    for _ in range(2):
        known.check("chat.example:443", A)
        known.check("other.example:443", R)


@BOTH
def test_a_host_with_another_key(make: Make, path: Path) -> None:
    known = make(path)
    known.check("chat.example:443", A)
    with pytest.raises(ServerIdentityError) as caught:
        known.check("chat.example:443", B)
    text = str(caught.value)
    assert text.startswith(f"chat.example:443 had the key {A.fingerprint} and now shows {B.fingerprint}; ")
    assert ("forget the old one" if isinstance(known, MemoryKnownServers) else f"edit {path}") in text
    known.check("chat.example:443", A)


@BOTH
def test_a_key_of_another_host(make: Make, path: Path) -> None:
    known = make(path)
    known.check("chat.example:443", A)
    with pytest.raises(ServerIdentityError, match=r"^chat\.example:8443 shows .*, known from chat\.example:443"):
        known.check("chat.example:8443", A)
    known.check("chat.example:8443", B)


# The file


def test_the_file_says_what_it_is(path: Path) -> None:
    known = FileKnownServers(path)
    for host, key in (("chat.example:443", A), ("[::1]:8443", R), ("chat.example:443", A)):
        known.check(host, key)
    assert path.read_text() == HEADER + line("chat.example:443", A) + line("[::1]:8443", R)
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "down" / "known_servers"
    FileKnownServers(path).check("chat.example:443", A)
    assert path.is_file()
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_the_users_own_file_is_in_their_configuration_folder() -> None:
    assert FileKnownServers().path == platformdirs.user_config_path("ric0-trio") / "known_servers"


def test_a_person_may_edit_it(path: Path) -> None:
    """Comments, blank lines, two keys of a host, two hosts of a key, Windows' marks and line ends."""
    text = f"\ufeff# mine\r\n\r\n  {line('a:1', A)}\t{line('a:1', B)}{line('b:1', A).rstrip()}  # the same server\r\n"
    path.write_bytes(text.encode())
    known = FileKnownServers(path)
    for host, key in (("a:1", A), ("a:1", B), ("b:1", A)):
        known.check(host, key)
    assert path.read_bytes() == text.encode()
    with pytest.raises(ServerIdentityError, match="a:1 had the key ") as caught:
        known.check("a:1", C)
    assert A.fingerprint in str(caught.value)
    assert B.fingerprint in str(caught.value)


def test_a_last_line_that_an_editor_left_open_stays_a_line(path: Path) -> None:
    path.write_text(line("a:1", A).rstrip())
    FileKnownServers(path).check("b:1", B)
    assert path.read_text() == line("a:1", A) + line("b:1", B)


def test_a_line_that_is_deleted_is_forgotten(path: Path) -> None:
    known = FileKnownServers(path)
    known.check("a:1", A)
    path.write_text(HEADER)
    known.check("a:1", B)


MALFORMED = {
    "two words": "a:1 ed25519-sha512",
    "four words": line("a:1", A).rstrip() + " Ann's",
    "a key that is none": "a:1 ed25519-sha512 AAAA",
    "no base64": "a:1 ed25519-sha512 *",
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_line_is_named(text: str, path: Path) -> None:
    """And no server is trusted meanwhile: the line could have been its."""
    path.write_text(f"# one\n\n{text}\n{line('b:1', B)}")
    with pytest.raises(ServerIdentityError) as caught:
        FileKnownServers(path).check("b:1", B)
    assert str(caught.value) == f"{path}, line 3: expected host:port, key format, public key"


def test_a_file_that_is_no_text(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ServerIdentityError, match="known_servers is not UTF-8 text; known servers cannot be checked"):
        FileKnownServers(path).check("a:1", A)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ServerIdentityError, match=f"^{tmp_path}: Is a directory; known servers cannot be checked"):
        FileKnownServers(tmp_path).check("a:1", A)


def test_a_file_that_cannot_be_written(path: Path) -> None:
    path.write_text("")
    with pytest.raises(ServerIdentityError, match="Not a directory; known servers cannot be checked"):
        FileKnownServers(path / "known_servers").check("a:1", A)


def test_programs_that_meet_servers_at_once_all_remember(path: Path) -> None:
    keys = [ed25519_key(seed).public for seed in range(1, 25)]
    ready = threading.Barrier(len(keys))

    def meet(number: int) -> None:
        ready.wait()
        FileKnownServers(path).check(f"host{number}:1", keys[number])

    threads = [threading.Thread(target=meet, args=(number,)) for number in range(len(keys))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = [text for text in path.read_text().splitlines(keepends=True) if not text.startswith("#")]
    assert sorted(lines) == sorted(line(f"host{number}:1", key) for number, key in enumerate(keys))
    for number, key in enumerate(keys):
        FileKnownServers(path).check(f"host{number}:1", key)


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_a_host_that_is_met_twice_at_once_has_one_key(kind: str, path: Path) -> None:
    for _ in range(25):
        store: KnownServers = FileKnownServers(path) if kind == "file" else MemoryKnownServers()
        assert meet_at_once(store, (A, B)) == 1
        path.unlink(missing_ok=True)


def meet_at_once(store: KnownServers, keys: Sequence[PublicKey]) -> int:
    """How many of the keys were taken for the key of one new host."""
    ready, taken = threading.Barrier(len(keys)), list[PublicKey]()

    def meet(key: PublicKey) -> None:
        ready.wait()
        with suppress(ServerIdentityError):
            store.check("host:1", key)
            taken.append(key)

    threads = [threading.Thread(target=meet, args=(key,)) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(taken)
