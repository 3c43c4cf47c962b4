"""`ric0-trio explain`: which rule decides about a user, and what `connect` would be answered."""

import sys
from typing import Final

import click

from ric0_trio.access import moments
from ric0_trio.access.registrar import gather_facts
from ric0_trio.access.rules import JoinRequest, Policy, Rule, decide
from ric0_trio.cli.data import Data, data_options
from ric0_trio.cli.exits import Exit
from ric0_trio.cli.show import show_json, to_words
from ric0_trio.cli.values import PROGRAM, SECRET, find_user
from ric0_trio.protocol import KEY_FORMATS, AppInfo, Fingerprint, Refused, Status, Verdict
from ric0_trio.server.control import Answer, Who

_KEY: Final = "key"
_ORDER: Final = (_KEY, *Rule)


@click.command()
@click.option("--user", "user", required=True, help="A public key, a fingerprint, or 12 digits or more of a known one.")
@click.option("--client", "app", type=PROGRAM, required=True, help="The software, such as RicChat@1.2.3.")
@click.option("--token", type=SECRET, help="The join token that they have. It is not used.")
@data_options
def explain(data: Data, as_json: bool, user: str, app: AppInfo, token: str | None) -> None:
    """Say which rule decides about a user, and how.

    It tells whether they could join now, and what their client would be answered.

    The running server's configuration counts; without one, that of --config. Exit code 0 when they could join, 3
    when not. The user's signature is not looked at.

    \b
    Example:
      ric0-trio explain --user ed25519:9f3c0a1b2c3d --client RicChat@1.2.3
    """
    with data.reading() as rules:
        who = find_user(user, rules)
        answer = data.ask(Who()) or _answer_for(data)
        live = sum(each.user == who for each in answer.present)
        request = JoinRequest(who, app, token)
        decision = decide(request, answer.policy, gather_facts(rules, request, answer.policy, live, moments.now()))
    verdict, rule, why = decision.verdict, decision.rule, decision.why
    refused_key = _check_key(who, answer)
    if refused_key is not None:
        (verdict, why), rule = refused_key, None
    _tell(who, verdict, rule or (_KEY if refused_key else None), why, answer, as_json=as_json)
    sys.exit(Exit.REFUSED if isinstance(verdict, Refused) else Exit.OK)


def _answer_for(data: Data) -> Answer:
    """What a server with this configuration would say, if it ran."""
    told = data.config.access
    policy = Policy(told.mode, told.connections_per_user, told.when_exceeded)
    return Answer(policy=policy, key_formats=told.accept_key_formats)


def _check_key(who: Fingerprint, answer: Answer) -> tuple[Verdict, str] | None:
    """Checks 4 and 5, as far as a fingerprint tells."""
    formats = {rules.label: name for name, rules in KEY_FORMATS.items()}
    name = formats[who.partition(":")[0]]
    if name not in answer.key_formats:
        reason = "this server does not accept keys of that format"
        return Refused(Status.DISALLOWED_USER, reason), f"keys of the format {name} are not accepted"
    if who == answer.server:
        return Refused(Status.DISALLOWED_USER), "it is the server's own key"
    return None


def _tell(who: Fingerprint, verdict: Verdict, rule: str | None, why: str, answer: Answer, *, as_json: bool) -> None:
    status = verdict.status if isinstance(verdict, Refused) else Status.SUCCESS
    reason = verdict.reason if isinstance(verdict, Refused) else None
    if as_json:
        told = {"user": who, "status": status, "reason": reason, "rule": rule, "why": why, "mode": answer.policy.mode}
        show_json(told)
        return
    click.echo(f"user  {who}\nmode  {answer.policy.mode}\n")
    for step in _ORDER:
        if step == rule:
            click.echo(f"  {click.style('REFUSED', fg='red')}  {step:<16}  {to_words(why)}")
            break
        click.echo(f"  {click.style('ok', fg='green')}       {step}")
    else:
        click.echo(f"\nadmitted: {to_words(why)}")
    also = f", with the reason {reason!r}" if reason else ""
    click.echo(f"\nconnect would be answered: {status}{to_words(also)}")
