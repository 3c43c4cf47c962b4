"""`ric0-trio token`: invitations."""

from datetime import timedelta
from typing import Any, Final

import click

from ric0_trio.access import moments
from ric0_trio.access.records import Token, TokenUse
from ric0_trio.access.rules import Mode
from ric0_trio.cli.data import Data, data_options
from ric0_trio.cli.exits import CommandError, Exit
from ric0_trio.cli.show import shorten, show_json, show_table, tell_note
from ric0_trio.cli.values import SENTENCE, SPAN, find_end

_NAMED: Final = 3


@click.group()
def token() -> None:
    """Invite people: make, list and revoke tokens.

    In the mode `invite`, a token lets someone in who is no member yet, and makes them one.

    \b
    Examples:
      ric0-trio token create --note "for Ann"
      ric0-trio token create --uses 100 --for 5d --note "the allotment's newsletter"
      ric0-trio token revoke 2
    """


@token.command()
@click.option("--uses", type=click.IntRange(1, 1_000_000), default=1, show_default=True, help="Users it lets in.")
@click.option("--for", "span", type=SPAN, help="How long it is good, such as 12h or 5d.  [default: until it is used]")
@click.option("--note", type=SENTENCE, default="", help="What it is for: kept here, and told nobody.")
@click.option("--count", type=click.IntRange(1, 10_000), default=1, show_default=True, help="How many to make.")
@data_options
def create(data: Data, as_json: bool, uses: int, span: timedelta | None, note: str, count: int) -> None:
    """Make tokens, and print them: this once, for only a hash of each is kept."""
    expires = find_end(None, span, flags="--for")
    with data.changing(makes=True) as editor:
        made = editor.create_tokens(count, uses=uses, expires=expires, note=note)
    if as_json:
        show_json([{"id": each.id, "token": secret, "uses": uses, "expires": expires} for each, secret in made])
    else:
        for _, secret in made:
            click.echo(secret)
        first, last = made[0][0], made[-1][0]
        numbers = f"token {first.id}: good" if count == 1 else f"tokens {first.id} to {last.id}: each good"
        click.echo(f"{numbers} {first.purpose}; not shown again", err=True)
    answer = data.glance()
    if answer is not None and answer.policy.mode is not Mode.INVITE:
        tell_note(f"the server that runs has the mode {answer.policy.mode}, in which tokens let nobody in")


@token.command("list")
@data_options
def list_tokens(data: Data, as_json: bool) -> None:
    """List all tokens by their numbers, and who joined with each: the last three, or all with --json.

    The tokens themselves are not kept.
    """
    with data.reading() as rules:
        found, uses = rules.tokens(), rules.token_uses()
    joined: dict[int, list[TokenUse]] = {each.id: [] for each in found}
    for use in uses:
        joined[use.token].append(use)
    if as_json:
        show_json([_as_json(each, joined[each.id]) for each in found])
        return
    now = moments.now()
    rows = [
        (
            each.id,
            each.state(now),
            f"{each.used} of {each.uses}",
            each.expires,
            each.note,
            _name_some(joined[each.id]),
        )
        for each in found
    ]
    titles = ("token", "state", "used", "expires", "note", "joined with it")
    show_table(titles, rows, empty="there are no tokens; make one with `ric0-trio token create`")


@token.command()
@click.argument("numbers", type=click.IntRange(1, 2**63 - 1), nargs=-1, required=True, metavar="NUMBER...")
@data_options
def revoke(data: Data, as_json: bool, numbers: tuple[int, ...]) -> None:
    """Make the tokens of these numbers (see `token list`) worthless. Who joined with one stays a member."""
    with data.changing() as editor:
        revoked = [editor.revoke_token(number) for number in numbers]
        unknown = [number for number, each in zip(numbers, revoked, strict=True) if each is None]
        if unknown:
            raise CommandError(f"there is no token {unknown[0]}; see `ric0-trio token list`", Exit.FAILED)
        found = [each for each in revoked if each is not None]
        joined = {each.id: editor.rules.token_uses(token=each.id) for each in found}
    if as_json:
        show_json([_as_json(each, joined[each.id]) for each in found])
        return
    for each in found:
        stay = "; who joined with it stays a member" if each.used else ""
        click.echo(f"token {each.id} is revoked; it had let in {each.used} of {each.uses}{stay}")


def _name_some(uses: list[TokenUse]) -> str:
    named = [f"{use.name} ({shorten(use.user)})" for use in uses[-_NAMED:]]
    more = len(uses) - len(named)
    return ", ".join(named) + (f" and {more} before them" if more else "")


def _as_json(each: Token, joined: list[TokenUse]) -> dict[str, Any]:
    return {
        "id": each.id,
        "state": each.state(moments.now()),
        "uses": each.uses,
        "used": each.used,
        "expires": each.expires,
        "since": each.since,
        "made_by": each.made_by,
        "revoked": each.revoked,
        "note": each.note,
        "joined": [{"user": use.user, "name": use.name, "at": use.at} for use in joined],
    }
