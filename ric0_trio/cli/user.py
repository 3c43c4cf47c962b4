"""`ric0-trio user`: members and bans."""

from datetime import datetime, timedelta
from typing import Any

import click

from ric0_trio.access import moments
from ric0_trio.access.moments import end_in_words
from ric0_trio.access.records import Ban, Member
from ric0_trio.cli.data import Data, data_options
from ric0_trio.cli.exits import CommandError, Exit
from ric0_trio.cli.show import count, shorten, show_fields, show_json, show_table, tell_closed, to_words
from ric0_trio.cli.values import MOMENT, SENTENCE, SPAN, find_end, find_user
from ric0_trio.protocol import Fingerprint
from ric0_trio.server.control import Who

_NOW_HELP = "Close the connections of everyone who would not be let in any more, too."


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
    """Show all that is known of USER."""
    with data.reading() as rules:
        who = find_user(user, rules)
        member, ban, uses = rules.find_member(who), rules.find_ban(who), rules.token_uses(user=who)
    answer = data.ask(Who())
    present = [] if answer is None else [each for each in answer.present if each.user == who]
    if as_json:
        show_json({**_as_json(who, member, ban), "joined": uses, "present": present})
        return
    show_fields(
        {
            "fingerprint": who,
            "name": member and member.name,
            "member": f"since {to_words(member.since)}, by {_joined_by(member)}" if member else "no",
            "last seen": member and member.seen,
            "ban": ban and _tell_ban(ban),
            "joined": "; ".join(f"{to_words(use.at)} with token {use.token}" for use in uses),
            "connected": f"{count(len(present), 'connection')} now" if present else "no",
        }
    )


@user.command()
@click.argument("user")
@data_options
def add(data: Data, as_json: bool, user: str) -> None:
    """Make USER a member."""
    with data.changing() as editor:
        who = find_user(user, editor.rules)
        is_new = editor.add_member(who)
    if as_json:
        show_json({"user": who, "is_member": True, "was_member": not is_new})
    else:
        click.echo(f"{who} {'is a member now' if is_new else 'is a member already'}")


@user.command()
@click.argument("user")
@click.option("--now", is_flag=True, help=_NOW_HELP)
@data_options
def remove(data: Data, as_json: bool, user: str, now: bool) -> None:
    """Take USER's membership away: from the next connect on, or at once with --now."""
    with data.changing() as editor:
        who = find_user(user, editor.rules)
        if not editor.remove_member(who):
            raise CommandError(f"{who} is not a member", Exit.FAILED)
    closed = data.make_known(review=True) if now else None
    if as_json:
        show_json({"user": who, "is_member": False, "closed": closed})
    else:
        click.echo(f"{who} is no member any more{f'; {tell_closed(closed)}' if now else ''}")


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
    with data.changing() as editor:
        who = find_user(user, editor.rules)
        made = editor.ban(who, reason, end, is_silent=silent)
        last_used = editor.rules.token_uses(user=who)[-1:] if revoke_token else []
        revoked = [editor.revoke_token(use.token) for use in last_used]
    closed = data.make_known(review=False)
    tokens = [token.id for token in revoked if token is not None]
    if as_json:
        show_json({"user": who, "ban": made, "revoked_tokens": tokens, "closed": closed})
        return
    also = f"; token {tokens[0]} revoked" if tokens else ""
    click.echo(f"{who} is banned {end_in_words(made.until)}{also}; {tell_closed(closed)}")
    if revoke_token and not tokens:
        click.echo("no token let them in, so none was revoked", err=True)


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
    return member.added_by if member.token is None else f"token {member.token}"


def _tell_ban(ban: Ban) -> str:
    if not ban.holds(moments.now()):
        return f"was banned {end_in_words(ban.until)}"
    silently = " (silent)" if ban.is_silent else ""
    return f"banned {end_in_words(ban.until)}{silently}{': ' if ban.reason else ''}{ban.reason}"
