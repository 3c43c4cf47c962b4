"""Looking things up: tokens by their secret, users by the beginning of a fingerprint."""

from pathlib import Path

import pytest

from ric0_trio.access.database import NonsenseError, StoreError
from ric0_trio.access.rulebook import Rulebook
from ric0_trio.protocol import Fingerprint
from tests.access.files import create_token, editing, fill, opened, reading
from tests.access.stage import fingerprint

# Secrets


def test_a_tokens_secret_is_nowhere_in_the_file(path: Path) -> None:
    with opened(path) as database:
        assert database.version  # from now on, the log of writes stays in its place
        with editing(path) as editor:
            made, secret = create_token(editor, 1, None, "for Zoë")
            other, another_secret = create_token(editor, 1, None, "")
            assert editor.rules.find_token(secret) == made
            assert editor.rules.find_token(another_secret) == other
            assert editor.rules.find_token("") is None
            assert editor.rules.find_token(secret.upper()) is None
            assert editor.rules.find_token(secret[:-1]) is None
        kept = {file.name: file.read_bytes() for file in path.parent.iterdir()}
        assert set(kept) == {path.name + suffix for suffix in ("", "-wal", "-shm")}
    assert any(b"for Zo" in content for content in kept.values())
    for content in (*kept.values(), path.read_bytes()):
        assert secret.encode() not in content
        assert secret.encode("utf-16-le") not in content
    assert len(secret) == 32  # 160 bits
    assert secret != another_secret


# Users


def test_a_user_is_found_by_a_prefix_wherever_they_occur(path: Path) -> None:
    fill(path)
    with reading(path) as rules:
        for number in (1, -1, -2, 3, 1000):  # a member, banned ones, one of the audit alone, one of a token
            user = fingerprint(number)
            label, digits = user.split(":")
            for prefix in (user, user[:-1], f"{label}:{digits[:12]}", digits, digits[:12]):
                assert rules.find_users(prefix) == [user]


@pytest.mark.parametrize("prefix", ["ed25519:" + "0" * 12, "0" * 12, "rsa:", "x25519:", "0" * 64])
def test_an_unknown_prefix_finds_nobody(path: Path, prefix: str) -> None:
    fill(path)
    with reading(path) as rules:
        assert rules.find_users(prefix) == []


def test_an_ambiguous_prefix_finds_five_at_most(path: Path) -> None:
    same = "0123456789ab"
    users = [Fingerprint(f"{label}:{same}{digit * 52}") for label in ("rsa", "ed25519") for digit in "0f3"]
    with editing(path) as editor:
        for user in users:
            editor.add_member(user)
            editor.ban(user, "", None, is_silent=False)
        assert editor.rules.find_users(same) == sorted(users)[:5]
        assert editor.rules.find_users(f"rsa:{same}") == sorted(users)[3:]
        assert editor.rules.find_users(f"{same}f") == [users[4], users[1]]


def test_what_makes_no_sense_is_the_files_fault(path: Path) -> None:
    fill(path)
    with opened(path) as database:
        for table in ("member", "ban", "client_rule", "token"):
            with database.transaction() as connection:
                connection.execute(f"UPDATE {table} SET since = 'yesterday'")  # noqa: S608
        with database.transaction("read") as connection:
            rules = Rulebook(connection)
            for read in (rules.members, rules.bans, rules.client_rules, rules.tokens):
                with pytest.raises(NonsenseError, match=r"'yesterday'.* makes no sense"):
                    read()

        def read_all() -> None:
            with database.transaction("read") as connection:
                Rulebook(connection).members()

        with pytest.raises(StoreError, match=rf"^{path}: .*makes no sense; put a backup in its place"):
            read_all()
