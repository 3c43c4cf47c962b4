"""`ric0-trio conform`: check a server by the numbered rules of the protocol."""

import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import click
import trio

from ric0_trio.cli.exits import CommandError, Exit
from ric0_trio.cli.paths import FILE
from ric0_trio.cli.remote import check_text, check_url, load_ca
from ric0_trio.cli.show import show_json, show_table
from ric0_trio.client import ServerIdentityError
from ric0_trio.conform.encodings import AVAILABLE
from ric0_trio.conform.junit import as_junit
from ric0_trio.conform.outcomes import EndedError, Result, Status
from ric0_trio.conform.registry import all_checks
from ric0_trio.conform.report import TITLES, as_object, rows, tell
from ric0_trio.conform.rules import Level
from ric0_trio.conform.run import JOBS, Findings, Plan, run_checks
from ric0_trio.conform.verdicts import Verdict, by_reason, judge
from ric0_trio.keyfile import load_private_key
from ric0_trio.protocol import InvalidKeyError, PrivateKey


@click.command(short_help="Check a server by the rules of the protocol.")
@click.argument("url", required=False)
@click.option("--only", help="These rules alone: T7,S20-OPEN, or patterns such as 'S*,T3?'.")
@click.option("--list", "is_list", is_flag=True, help="List the rules, and check nothing.")
@click.option("--encoding", type=click.Choice(["json", "bson"]), help="In this encoding alone.  [default: both]")
@click.option("--user-key", type=FILE, help="The private key of a user who may join; without it, some are made.")
@click.option("--join-token", help="A token, for a server that asks for one.")
@click.option("--ca", type=FILE, help="Trust the certificate authorities in this PEM file, and no others.")
@click.option("--jobs", type=click.IntRange(1, 64), default=JOBS, show_default=True, help="So many checks at once.")
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object.")
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Write JUnit XML there as well.")
def conform(
    url: str | None,
    only: str | None,
    is_list: bool,
    encoding: str | None,
    user_key: Path | None,
    join_token: str | None,
    ca: Path | None,
    jobs: int,
    is_json: bool,
    junit: Path | None,
) -> None:
    """Check the RIC server at URL, over the wire alone: each numbered rule of docs/protocol.md, with the evidence.

    It sends hostile frames and forged proofs, and holds connections until they time out: point it at servers of your
    own alone, with their default limits. Servers bound what one address may do, so tell the one that you check to
    exempt yours (ric0-trio: exempt_networks in [limits]). It takes about 40 seconds.

    \b
    Examples:
      ric0-trio conform wss://127.0.0.1:8443 --ca ric0-dev/ca.pem
      ric0-trio conform wss://chat.example --user-key member.pem --encoding json --junit conform.xml
      ric0-trio conform wss://127.0.0.1:8443 --ca ca.pem --only 'K*,S3-OPEN' --json
      ric0-trio conform --list

    \b
    Exit codes:
      0   every MUST holds that was checked; look for those that were skipped, and for warnings
      1   a MUST does not hold, or a check of one could not be run
      2   the server's certificate did not verify
      3   nothing failed, but no user was let in, so that much was skipped
      4   no RIC server answered
      64  wrong usage
      130 stopped with Ctrl-C
    """
    chosen = _choose(only)
    if is_list:
        _list(chosen, is_json=is_json)
        return
    if url is None:
        raise click.UsageError("Missing argument 'URL'.")
    plan = Plan(
        address=check_url(url),
        ssl_context=load_ca(ca),
        encodings=_check_encoding(encoding),
        checks=chosen,
        user_key=_load_user_key(user_key),
        join_token=check_text("--join-token", join_token),
        jobs=jobs,
    )
    findings = _run(plan, _Progress(is_shown=not is_json and sys.stderr.isatty()))
    verdicts = judge(findings)
    code = _exit_code(findings, verdicts)
    if is_json:
        show_json(as_object(url, code, findings, verdicts))
    else:
        _show(url, findings, verdicts)
    if junit is not None:  # last: if it cannot be written, all is told nevertheless
        _write(junit, as_junit(url, verdicts, findings.seconds))
    sys.exit(code)


class _Progress:
    """Shows how it goes on, where someone is looking."""

    def __init__(self, *, is_shown: bool) -> None:
        self._is_shown = is_shown
        self._failed = 0

    def hear(self, result: Result, done: int, total: int) -> None:
        self._failed += result.status is Status.FAILED
        failed = f", {self._failed} failed" if self._failed else ""
        self._show(f"{done} of {total} runs of checks{failed}")

    def clear(self) -> None:
        self._show("")

    def _show(self, text: str) -> None:
        if self._is_shown:
            click.echo(f"\r\x1b[K{text}", nl=False, err=True)


def _run(plan: Plan, progress: _Progress) -> Findings:
    try:
        return trio.run(run_checks, plan, progress.hear)
    except EndedError as error:
        code = Exit.IDENTITY if isinstance(error.__cause__, ServerIdentityError) else Exit.NO_ANSWER
        raise CommandError(str(error), code) from None
    except BaseExceptionGroup as group:  # Ctrl-C, in whichever task it came
        if group.split(KeyboardInterrupt)[1] is not None:
            raise
        raise click.Abort from None
    finally:
        progress.clear()


def _choose(only: str | None) -> list[str]:
    names = list(all_checks())
    if only is None:
        return names
    patterns = [pattern.strip() for pattern in only.split(",")]
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise click.UsageError(f"--only: no rule is called {pattern!r}; see ric0-trio conform --list")
    return [name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)]


def _list(chosen: Sequence[str], *, is_json: bool) -> None:
    rules = [all_checks()[name].rule for name in chosen]
    if is_json:
        show_json(rules)
        return
    for rule in rules:
        click.echo(f"{rule.id:<16} {rule.level:<7} {rule.text}")


def _check_encoding(encoding: str | None) -> Sequence[str]:
    if encoding is not None and encoding not in AVAILABLE:
        raise click.UsageError("--encoding bson needs pymongo: pip install 'ric0-trio[bson]'")
    return tuple(AVAILABLE) if encoding is None else (encoding,)


def _load_user_key(path: Path | None) -> PrivateKey | None:
    try:
        return None if path is None else load_private_key(path)
    except InvalidKeyError as error:
        raise click.UsageError(f"--user-key: {error}") from None
    except OSError as error:
        raise click.UsageError(f"--user-key: {path}: {error.strerror}") from None


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise CommandError(f"--junit {path}: {error.strerror}", Exit.FAILED) from None


def _exit_code(findings: Findings, verdicts: Sequence[Verdict]) -> Exit:
    if any(verdict.breaks_rule for verdict in verdicts):
        return Exit.FAILED
    is_refused = all(reason is not None for reason in findings.admissions.values())
    is_skipped = any(verdict.told[0].reason in findings.admissions.values() for verdict in verdicts)
    return Exit.REFUSED if is_refused and is_skipped else Exit.OK


def _show(url: str, findings: Findings, verdicts: Sequence[Verdict]) -> None:
    spoken = ", ".join(name for name, problem in findings.encodings.items() if problem is None)
    click.echo(f"{url}: {len(verdicts)} rules in {findings.seconds:.0f} s, in {spoken}\n")
    show_table(TITLES, rows(verdicts), empty="nothing was checked")
    for key_format, reason in findings.admissions.items():
        if reason is not None:
            click.echo(f"\nusers with keys of {key_format}: {reason}")
    for word in ("does", "does not"):
        if names := [verdict.rule.id for verdict in verdicts if verdict.word == word]:
            click.echo(f"\nwhat a server MAY do, and this one {word}: {', '.join(names)}")
    failed = [
        verdict for verdict in verdicts if verdict.status is Status.FAILED and verdict.rule.level is not Level.MAY
    ]
    if len(failed) > 1:
        click.echo(f"\n{len(failed)} rules do not hold. Begin with the first: others may follow from it.")
    for verdict in failed:
        click.echo("\n" + "\n".join(tell(verdict)))
    for status in (Status.NOT_RUN, Status.SKIPPED):
        for reason, alike in by_reason(verdicts, status).items():
            click.echo(f"\n{status}: {', '.join(verdict.rule.id for verdict in alike)}\n  {reason}")
            for line in alike[0].told[0].evidence:
                click.echo(f"    {line}")
