"""`ric0-trio client`: which client software may connect."""

from collections.abc import Callable
from typing import Any

import click

from ric0_trio.access.records import ClientRule, Ruling
from ric0_trio.cli.data import Data, data_options, find_account
from ric0_trio.cli.show import show_json, show_table, tell_closed, tell_note, to_words
from ric0_trio.cli.values import PROGRAM_NAME, SENTENCE, VERSION
from ric0_trio.protocol import SoftwareVersion
from ric0_trio.server.control import Review


@click.group()
def client() -> None:
    """Say which client software may connect, by its name and version.

    The newest rule that speaks of a version decides; without one, the default does. What a client says of itself
    is not proved: this asks people to upgrade, and keeps nobody out who lies.

    \b
    Examples:
      ric0-trio client deny "OldApp" --below 2.3.0 --reason "upgrade: https://chat.example/get"
      ric0-trio client allow "OldApp"
      ric0-trio client allow "RicChat" --from 1.4 --default deny
    """


def _rule_options(command: Callable[..., None]) -> Callable[..., None]:
    now_help = "Close the connections with it that would not be let in any more, too."
    default_help = "What becomes of software that no rule speaks of."
    for add in (
        data_options,
        click.option("--now", is_flag=True, help=now_help),
        click.option("--default", type=click.Choice([each.value for each in Ruling]), help=default_help),
        click.option("--below", type=VERSION, help="Below this version."),
        click.option("--from", "at_least", type=VERSION, help="From this version on."),
        click.argument("name", type=PROGRAM_NAME, required=False),
    ):
        command = add(command)
    return command


@client.command()
@_rule_options
@click.option("--reason", type=SENTENCE, default="", help="What its user is told: where to get a newer one, say.")
def deny(**told: Any) -> None:
    """Deny the software NAME, or some of its versions: from the next connect on, or at once with --now."""
    _change(Ruling.DENY, **told)


@client.command()
@_rule_options
def allow(**told: Any) -> None:
    """Allow the software NAME, or some of its versions."""
    _change(Ruling.ALLOW, **told)


def _change(
    ruling: Ruling,
    *,
    data: Data,
    as_json: bool,
    name: str | None,
    at_least: SoftwareVersion | None,
    below: SoftwareVersion | None,
    reason: str = "",
    default: str | None,
    now: bool,
) -> None:
    if name is None and (default is None or at_least or below or reason):
        raise click.UsageError("NAME is missing: which software?")
    if name is not None and "@" in name:
        raise click.UsageError(f"NAME {name!r}: give the version with --from and --below")
    if at_least is not None and below is not None and not at_least < below:
        raise click.UsageError("--from and --below: no version is in that range")
    rule = None
    with data.changing(makes=True) as editor:
        if name is not None:
            rule = editor.set_client_rule(name, ruling, at_least=at_least, below=below, reason=reason)
        if default is not None:
            editor.set_client_default(Ruling(default))
        standing = editor.rules.client_default()
    # A default concerns everyone; a rule, those with that software.
    closed = data.make_known(Review(client=None if default else name, actor=find_account())) if now else None
    if as_json:
        show_json({"rule": rule and _as_json(rule), "default": standing, "closed": closed})
        return
    if rule is not None:
        click.echo(to_words(f"{rule.name}, {rule.versions}: {rule.ruling}"))
    click.echo(f"software that no rule speaks of: {standing}")
    if now:
        click.echo(tell_closed(closed))
    elif ruling is Ruling.DENY or default == Ruling.DENY:
        tell_note("whoever is on with denied software stays; --now closes them")


@client.command("list")
@data_options
def list_rules(data: Data, as_json: bool) -> None:
    """List the rules, by name, the newest first, and the default."""
    with data.reading() as rules:
        found, default = rules.client_rules(), rules.client_default()
    if as_json:
        show_json({"rules": [_as_json(rule) for rule in found], "default": default})
        return
    rows = [(rule.name, rule.versions, rule.ruling, rule.reason, rule.since, rule.made_by) for rule in found]
    show_table(("software", "versions", "ruling", "reason", "since", "by"), rows, empty="there is no rule")
    click.echo(f"\nsoftware that no rule speaks of: {default}")


def _as_json(rule: ClientRule) -> dict[str, object]:
    return {
        "name": rule.name,
        "ruling": rule.ruling,
        "from": rule.at_least and str(rule.at_least),
        "below": rule.below and str(rule.below),
        "reason": rule.reason,
        "since": rule.since,
        "made_by": rule.made_by,
    }
