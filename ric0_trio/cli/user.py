"""`ric0-trio user`: members and bans."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import click

from ric0_trio.access import moments
from ric0_trio.access.moments import end_in_words
from ric0_trio.access.records import Ban, Member
from ric0_trio.cli.data import Data, data_options, find_account
from ric0_trio.cli.exits import CommandError, Exit
from ric0_trio.cli.show import (
    count,
    shorten,
    show_fields,
    show_json,
    show_table,
    tell_closed,
    tell_entry,
    tell_note,
    to_words,
)
from ric0_trio.cli.values import MOMENT, SENTENCE, SPAN, find_end, find_user, is_whole
from ric0_trio.protocol import Fingerprint
from ric0_trio.server.control import Present, Refresh, Review

_LAST: Final = 5


@click.group()
def user() -> None:
    """Say who is a member, and who is banned.

    USER is a public key, a fingerprint, or the first 12 digits or more of one that is known here.

    \b
    Examples:
      ric0-trio user list
      ric0-trio user add MCowBQYDK2VwAyEA7d2FqA1hD0cXvM6sG3Yy0m1nB8xkq4Zr5uT9wE2iJfo=
      ric0-trio user ban ed25519:9f3c0a1b2c3d --reason "spam" --for 3d
    """


@user.command("list")
@data_options
def list_users(data: Data, as_json: bool) -> None:
    """List members, and users who are banned."""
    with data.reading() as rules:
        members = {member.user: member for member in rules.members()}
        bans = {ban.user: ban for ban in rules.bans()}
    users = [*members, *(banned for banned in bans if banned not in members)]
    if as_json:
        show_json([_as_json(each, members.get(each), bans.get(each)) for each in users])
        return
    rows = [_row(each, members.get(each), bans.get(each)) for each in users]
    titles = ("user", "name", "status", "joined by", "last seen")
    show_table(titles, rows, empty="nobody is a member, and nobody is banned")


@user.command()
@click.argument("user")
@data_options
def show(data: Data, as_json: bool, user: str) -> None:
    """Show all that is known of USER, and what happened to them last."""
    with data.reading() as rules:
        who = find_user(user, rules)
        member, ban, uses = rules.find_member(who), rules.find_ban(who), rules.token_uses(user=who)
        last = list(rules.find_entries(user=who, last=_LAST))
    present = [each for each in _look_around(data) if each.user == who]
    if as_json:
        show_json({**_as_json(who, member, ban), "joined": uses, "present": present, "last": last})
        return
    names = [entry.name for entry in last if entry.name]
    show_fields(
        {
            "fingerprint": who,
            "name": member.name if member and member.name else names[-1] if names else None,
            "member": f"since {to_words(member.since)}, by {_joined_by(member)}" if member else "no",
            "last seen": member and member.seen,
            "ban": ban and _tell_ban(ban),
            "joined": "; ".join(f"{to_words(use.at)} with token {use.token}" for use in uses),
            "connected": f"{count(len(present), 'connection')} now" if present else "no",
        }
    )
    for entry in last:
        click.echo(f"  {tell_entry(entry)}")


@user.command()
@click.argument("user")
@data_options
def add(data: Data, as_json: bool, user: str) -> None:
    """Make USER a member."""
    with data.changing(makes=is_whole(user)) as editor:
        who = find_user(user, editor.rules)
        is_new = editor.add_member(who)
        ban = editor.rules.find_ban(who)
    if as_json:
        show_json({"user": who, "is_member": True, "was_member": not is_new})
    else:
        click.echo(f"{who} {'is a member now' if is_new else 'is a member already'}")
    if ban is not None and ban.holds(moments.now()):
        tell_note(f"they are {_tell_ban(ban)}; see `ric0-trio user unban`")


@user.command()
@click.argument("user")
@click.option("--now", is_flag=True, help="Close their connections, too, if they may not be here without it.")
@data_options
def remove(data: Data, as_json: bool, user: str, now: bool) -> None:
    """Take USER's membership away: from the next connect on, or at once with --now."""
    with data.changing() as editor:
        who = find_user(user, editor.rules)
        was_member = editor.remove_member(who)
        uses = editor.rules.token_uses(user=who)[-1:]
        tokens = [editor.rules.find_token_by_number(use.token) for use in uses]
    closed = data.make_known(Review(user=who, actor=find_account())) if now else None
    if not was_member and not closed:
        raise CommandError(f"{who} is not a member", Exit.FAILED)
    if as_json:
        show_json({"user": who, "is_member": False, "closed": closed})
    else:
        click.echo(f"{who} is no member any more{f'; {tell_closed(closed)}' if now else ''}")
    for token in tokens:
        if token is not None and token.state(moments.now()) == "valid":
            tell_note(f"token {token.id}, with which they joined, is still good; see `ric0-trio token revoke`")
    stay = 0 if now else sum(each.user == who for each in _look_around(data))
    if stay:
        tell_note(f"{count(stay, 'connection')} of theirs stays; --now closes it, or `ric0-trio kick`")


def _look_around(data: Data) -> Sequence[Present]:
    answer = data.glance()
    return () if answer is None else answer.present


@user.command()
@click.argument("user")
@click.option("--reason", type=SENTENCE, default="", help="Why: the user is told, unless --silent.")
@click.option("--until", type=MOMENT, help="When it ends, such as 2026-12-31T00:00:00Z.  [default: never]")
@click.option("--for", "span", type=SPAN, help="How long it lasts, such as 12h or 3d.")
@click.option("--silent", is_flag=True, help="Do not tell the user why.")
@click.option("--revoke-token", is_flag=True, help="Also revoke the token that let them in.")
@data_options
def ban(
    data: Data,
    as_json: bool,
    user: str,
    reason: str,
    until: datetime | None,
    span: timedelta | None,
    silent: bool,
    revoke_token: bool,
) -> None:
    """Ban USER, in place of any ban before. Their connections are closed at once, with 4001.

    \b
    Examples:
      ric0-trio user ban ed25519:9f3c0a1b2c3d --reason "spam"
      ric0-trio user ban ed25519:9f3c0a1b2c3d --reason "cool down" --for 3d
      ric0-trio user ban ed25519:9f3c0a1b2c3d --reason "sold the invitation" --silent --revoke-token
    """
    end = find_end(until, span, flags="--until and --for")
    present = _look_around(data)
    with data.changing(makes=is_whole(user)) as editor:
        who = find_user(user, editor.rules)
        is_known = editor.rules.find_users(who) != []
        made = editor.ban(who, reason, end, is_silent=silent)
        last_used = editor.rules.token_uses(user=who)[-1:] if revoke_token else []
        revoked = [editor.revoke_token(use.token) for use in last_used]
    # By itself, the server may have come first: whoever was on is out.
    closed = data.make_known(Refresh())
    closed = closed if closed is None else max(closed, sum(each.user == who for each in present))
    tokens = [token.id for token in revoked if token is not None]
    if as_json:
        show_json({"user": who, "ban": made, "revoked_tokens": tokens, "closed": closed})
        return
    also = f"; token {tokens[0]} revoked" if tokens else ""
    click.echo(f"{who} is banned {end_in_words(made.until)}{also}; {tell_closed(closed)}")
    if revoke_token and not tokens:
        tell_note("no token let them in, so none was revoked")
    if not is_known:
        tell_note("nobody with this key has been here yet: compare it, if you expected otherwise")


@user.command()
@click.argument("user")
@data_options
def unban(data: Data, as_json: bool, user: str) -> None:
    """Lift the ban of USER."""
    with data.changing() as editor:
        who = find_user(user, editor.rules)
        if not editor.unban(who):
            raise CommandError(f"{who} is not banned", Exit.FAILED)
    if as_json:
        show_json({"user": who, "ban": None})
    else:
        click.echo(f"{who} is not banned any more")


def _row(who: Fingerprint, member: Member | None, ban: Ban | None) -> list[object]:
    status = [*(["member"] if member else []), *([_tell_ban(ban)] if ban else [])]
    return [
        shorten(who),
        member and member.name,
        ", ".join(status),
        member and _joined_by(member),
        member and member.seen,
    ]


def _as_json(who: Fingerprint, member: Member | None, ban: Ban | None) -> dict[str, Any]:
    return {"user": who, "name": member and member.name, "member": member, "ban": ban}


def _joined_by(member: Member) -> str:
    return member.made_by if member.token is None else f"token {member.token}"


def _tell_ban(ban: Ban) -> str:
    if not ban.holds(moments.now()):
        return f"was banned {end_in_words(ban.until)}"
    silently = " (silent)" if ban.is_silent else ""
    return f"banned {end_in_words(ban.until)}{silently}{': ' if ban.reason else ''}{ban.reason}"
