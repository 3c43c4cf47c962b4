"""Whatever strangers and operators write: it breaks nothing, and is kept as it was written."""

from pathlib import Path

import pytest
import trio
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ric0_trio.access.records import Ruling
from ric0_trio.protocol import AppInfo, CloseCode, Kick, Refused, SoftwareVersion, Status
from tests.access.files import create_token, editing, entries, reading
from tests.access.stage import INVITE, OPEN, OPERATOR, Visitor, fingerprint, open_store
from tests.protocol.given import labels, names, versions

NUL_AND_MORE = "\0'\";--\n\x1b[2J\u202egnp.exe\u202c \U0001f9d1\u200d\U0001f680 \uffff\U0010ffff"
LONGEST = "\U0010ffff" * 512
NEWEST = SoftwareVersion("dev", 2**31 - 1, 2**31 - 1, 2**31 - 1, "\0" * 128, "\u202e" * 128)

TRICKS = ["", "' OR 1 = 1 --", "%", "_", "*", "?", "\\"]

texts = st.text(max_size=512) | st.sampled_from(["", NUL_AND_MORE, LONGEST])


@settings(max_examples=25)
@given(names, labels, versions, texts, texts, texts)
@example("Zoë", NUL_AND_MORE[:64], NEWEST, NUL_AND_MORE, NUL_AND_MORE, NUL_AND_MORE[:256])
@example("日本語", LONGEST[:64], NEWEST, LONGEST, LONGEST, LONGEST[:256])
def test_any_text_is_kept_as_it_is(
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    software: str,
    version: SoftwareVersion,
    why: str,
    reason: str,
    token: str,
) -> None:
    path = tmp_path_factory.mktemp("texts") / "file"
    client = AppInfo(name=software, version=version, capabilities=[], extensions={})
    visitor = Visitor(1, name=name, app=client, peer=why, token=token)

    async def visit() -> None:
        async with open_store(path) as access:
            await visitor.must_join(access)
            await visitor.leave(access, why)
            await visitor.must_join(access)
            await access.kick(visitor.user, reason, OPERATOR)
            await visitor.leave(access, why)
        with editing(path) as editor:
            editor.ban(visitor.user, reason, None, is_silent=False)
            editor.set_client_rule(software, Ruling.DENY, at_least=None, below=None, reason=reason)
            create_token(editor, 1, None, reason)
        async with open_store(path) as access:
            assert await visitor.join(access) == Refused(Status.DISALLOWED_CLIENT, reason or None)

    trio.run(visit)
    told = {(entry.name, entry.client, entry.peer) for entry in entries(path) if entry.actor == "server"}
    assert told == {(name, f"{software} {version}", why)}
    details = [entry.detail for entry in entries(path) if entry.event == "left"]
    assert details == [why, f"kicked: {reason or 'you were put out by the operator'}"]
    assert visitor.kicks == [Kick(CloseCode.KICKED, reason or "you were put out by the operator")]
    with reading(path) as rules:
        assert [ban.reason for ban in rules.bans()] == [reason]
        assert [rule.reason for rule in rules.find_client_rules(software)] == [reason]
        assert [rule.name for rule in rules.client_rules()] == [software]
        assert [kept.note for kept in rules.tokens()] == [reason]


def test_no_text_is_a_token_but_a_token(path: Path) -> None:
    with editing(path) as editor:
        _, secret = create_token(editor, 1, None, "")

        @given(st.text(max_size=256) | st.sampled_from([NUL_AND_MORE, *TRICKS]))
        def find_nothing(text: str) -> None:
            for near in (text, secret + text + "\0", text + secret + " ", secret[:-1] + text[:1] + " "):
                assert editor.rules.find_token(near) is None

        find_nothing()


async def test_no_trick_is_a_token(path: Path) -> None:
    with editing(path) as editor:
        _, secret = create_token(editor, 1, None, "")
    async with open_store(path, INVITE) as access:
        for text in (NUL_AND_MORE, *TRICKS):
            for brought in (text, secret + "\0" + text):
                assert await Visitor(1, token=brought).join(access) == Refused(Status.INVALID_JOIN_TOKEN)
    assert secret not in repr(entries(path))


def test_any_text_can_be_looked_up(path: Path) -> None:
    with editing(path) as editor:
        editor.add_member(fingerprint(1))

        @given(texts, labels)
        def look_up(text: str, name: str) -> None:
            assert set(editor.rules.find_users(text)) <= {fingerprint(1)}
            assert editor.rules.find_client_rules(name) == []

        look_up()


async def test_names_are_compared_exactly(path: Path) -> None:
    """Neither case nor form, and nothing behind a NUL is left out."""
    with editing(path) as editor:
        for name in ("App", "Zoë", "One\0two"):
            editor.set_client_rule(name, Ruling.DENY, at_least=None, below=None, reason="")
    version = SoftwareVersion.parse("1.0")
    async with open_store(path, OPEN) as access:
        for name, is_denied in {
            "App": True,
            "app": False,
            "App ": False,
            "Zoë": True,
            "Zoe\u0308": False,
            "One\0two": True,
            "One": False,
            "One\0three": False,
        }.items():
            client = AppInfo(name=name, version=version, capabilities=[], extensions={})
            verdict = await Visitor(1, app=client).join(access)
            assert isinstance(verdict, Refused) == is_denied, name
