"""`ric0-trio explain`: which rule decides about a user, and what `connect` would be answered."""

import sys
from typing import Final

import click

from ric0_trio.access import moments
from ric0_trio.access.records import JoinRequest
from ric0_trio.access.rules import Decision, Mode, Policy, Rule, decide
from ric0_trio.cli.data import Data, data_options
from ric0_trio.cli.exits import Exit
from ric0_trio.cli.show import show_json, to_words
from ric0_trio.cli.values import PROGRAM, SECRET, find_user
from ric0_trio.protocol import KEY_FORMATS, AppInfo, Fingerprint, Refused, Status
from ric0_trio.server.control import Answer, Who

_KEY: Final = "key"


@click.command()
@click.option("--user", "user", required=True, help="A public key, a fingerprint, or 12 digits or more of a known one.")
@click.option("--client", "app", type=PROGRAM, required=True, help="The software, such as RicChat@1.2.3.")
@click.option("--token", type=SECRET, help="The join token that they have; - reads it from standard input.")
@data_options
def explain(data: Data, as_json: bool, user: str, app: AppInfo, token: str | None) -> None:
    """Say which rule decides about a user, and how.

    It tells whether they could join now, and what their client would be answered. A token is looked at, and not used;
    the user's signature is not looked at. The running server's configuration counts; without one, that of --config.
    Exit code 0 when they could join, 3 when not.

    \b
    Example:
      ric0-trio explain --user ed25519:9f3c0a1b2c3d --client RicChat@1.2.3
    """
    data.require_database()
    running = data.ask(Who())
    answer = running or Answer(policy=data.config.access, key_formats=data.config.access.accept_key_formats)
    secret = sys.stdin.readline().strip() if token == "-" else token  # noqa: S105 - the name of standard input
    with data.reading() as rules:
        who = find_user(user, rules)
        live = sum(each.user == who for each in answer.present)
        request = JoinRequest(who, app, secret)
        facts = rules.gather_facts(request, answer.policy, live, moments.now())
    why_not = _refuse_key(who, answer)
    decision = why_not or decide(request, answer.policy, facts)
    step = _KEY if why_not else decision.rule
    refused = decision.verdict if isinstance(decision.verdict, Refused) else None
    status, reason = (Status.SUCCESS, None) if refused is None else (refused.status, refused.reason)
    if as_json:
        mode = answer.policy.mode
        show_json({"user": who, "status": status, "reason": reason, "rule": step, "why": decision.why, "mode": mode})
    else:
        source = "the running server's" if running else "the configuration's, as no server runs here"
        click.echo(f"user  {who}\nmode  {answer.policy.mode} ({source})\n")
        _show_steps(step, decision, answer.policy, is_member=facts.is_member)
        also = f", with the reason {reason!r}" if reason else ""
        click.echo(f"\nconnect would be answered: {status}{to_words(also)}")
    sys.exit(Exit.OK if refused is None else Exit.REFUSED)


def _refuse_key(who: Fingerprint, answer: Answer) -> Decision | None:
    """Checks 4 and 5, as far as a fingerprint tells."""
    formats = {rules.label: name for name, rules in KEY_FORMATS.items()}
    name = formats[who.partition(":")[0]]
    if name not in answer.key_formats:
        refused = Refused(Status.DISALLOWED_USER, "this server does not accept keys of that format")
        return Decision(verdict=refused, why=f"keys of the format {name} are not accepted")
    if who == answer.server:
        return Decision(verdict=Refused(Status.DISALLOWED_USER), why="it is the server's own key")
    return None


def _show_steps(decisive: str | None, decision: Decision, policy: Policy, *, is_member: bool) -> None:
    not_asked = {
        Rule.MEMBERSHIP: None if policy.mode is Mode.MEMBERS else f"not asked in the mode {policy.mode}",
        Rule.TOKEN: "a member needs none" if is_member else None,
        Rule.CONNECTIONS: None if policy.connections_per_user else "there is no bound",
    }
    if policy.mode is not Mode.INVITE:
        not_asked[Rule.TOKEN] = f"not asked in the mode {policy.mode}"
    for step in (_KEY, *Rule):
        if step == decisive:
            click.echo(f"  {click.style('REFUSED', fg='red')}  {step:<16}  {to_words(decision.why)}")
            return
        note = not_asked.get(Rule(step)) if step != _KEY else None
        mark = "-      " if note else click.style("ok", fg="green") + "     "
        click.echo(f"  {mark}  {step:<16}  {note or ''}".rstrip())
    click.echo(f"\nadmitted: {to_words(decision.why)}")
