"""`ric0-trio bench`: put a load on a server, and measure what it does."""

import json
import math
import resource
import select
import sys
from pathlib import Path
from typing import Final

import click

from ric0_trio.cli.exits import CommandError, Exit
from ric0_trio.cli.paths import FILE
from ric0_trio.cli.remote import HINTS, check_text, check_url, exit_code_of, load_ca
from ric0_trio.client import ChatError, ConnectRefusedError
from ric0_trio.load.crew import WorkerLostError
from ric0_trio.load.plan import Plan, Scenario
from ric0_trio.load.report import as_object
from ric0_trio.load.run import Measured, NotConnectedError, run
from ric0_trio.load.server_usage import read_usage
from ric0_trio.load.summary import summary
from ric0_trio.printable import make_printable
from ric0_trio.protocol import DEFAULT_FORMAT, KEY_FORMATS, available_codecs

_CONNECTIONS: Final = 16
_CONNECTIONS_AT_A_RATE: Final = 256
_RSA_USERS: Final = 16
_SECONDS: Final = 5.0
_STORM_S: Final = 60.0
_SPARE_FILES: Final = 64

_A_DAY_S: Final = 86_400


class _Seconds(click.FloatRange):
    name = "seconds"

    def __init__(self) -> None:
        super().__init__(0, _A_DAY_S, min_open=True)


@click.command(short_help="Put a load on a server of yours, and measure it.")
@click.argument("url")
@click.option(
    "--scenario", type=click.Choice([one.value for one in Scenario]), default="session", show_default=True,
    help="What the users do.",
)  # fmt: skip
@click.option(
    "--connections", type=click.IntRange(1, 1_000_000), help="At most so many at once.  [default: 16; 256 with --rate]"
)
@click.option("--seconds", type=_Seconds(), help="For how long.  [default: 5; a storm may take 60]")
@click.option(
    "--rate", type=click.FloatRange(0, 10_000_000, min_open=True),
    help="Begin so many a second, whatever becomes of them.",
)  # fmt: skip
@click.option(
    "--encoding", type=click.Choice(["json", "bson"]), default="json", show_default=True,
    help="Offer this encoding alone.",
)  # fmt: skip
@click.option(
    "--user-format", type=click.Choice(list(KEY_FORMATS)), default=DEFAULT_FORMAT, show_default=True,
    help="Of the users' keys.",
)  # fmt: skip
@click.option(
    "--users", type=click.IntRange(1, 1_000_000),
    help="So many, who take turns.  [default: one a connection; at most 16 with RSA]",
)  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed makes the same Ed25519 users.")
@click.option("--ca", type=FILE, help="Trust the certificate authorities in this PEM file, and no others.")
@click.option("--join-token", help="A token, for a server that asks for one.")
@click.option(
    "--processes", type=click.IntRange(1, 256), default=1, show_default=True, help="Share the load among so many."
)
@click.option("--no-resumption", is_flag=True, help="Begin every TLS session anew.")
@click.option("--server-pid", type=click.IntRange(1), help="The server's process, if it is here: measure what it uses.")
@click.option("--hold", type=_Seconds(), help="For how long idle users stay; another word for --seconds.")
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object.")
def bench(
    url: str,
    scenario: str,
    connections: int | None,
    seconds: float | None,
    rate: float | None,
    encoding: str,
    user_format: str,
    users: int | None,
    seed: int,
    ca: Path | None,
    join_token: str | None,
    processes: int,
    no_resumption: bool,
    server_pid: int | None,
    hold: float | None,
    is_json: bool,
) -> None:
    """Put a load on the server at URL, and measure what it does.

    Point it at servers of your own alone: to others it is an attack. Servers bound what one address may do, so tell
    the one that you measure to exempt yours (ric0-trio: exempt_networks in [limits]), and give the load processors
    that the server does not use.

    \b
    Scenarios:
      session  connect, prove, leave, close, on and on
      message  connected users ask on and on, one request at a time each (raise messages_per_s for it)
      idle     users are connected and stay
      storm    users are connected, cut off all at once, and come back all at once

    \b
    Examples:
      ric0-trio bench wss://127.0.0.1:8443 --ca ric0-dev/ca.pem
      ric0-trio bench wss://chat.example --rate 200 --seconds 30 --json
      ric0-trio bench ws://127.0.0.1:8080 --scenario idle --connections 5000 --hold 60 --server-pid 4242

    \b
    Exit codes:
      0   the server was measured; see the errors, if there were any
      1   it was not: the load was the bottleneck, or not all succeeded that the scenario needs
      2   the server's identity or certificate did not verify
      3   the server refused the user
      4   nothing answered
      5   the connection broke on the way
      64  wrong usage
      130 stopped with Ctrl-C; what was measured until then is shown
    """
    act = Scenario(scenario)
    if connections is None:
        connections = _CONNECTIONS_AT_A_RATE if rate is not None and act is Scenario.SESSION else _CONNECTIONS
    if users is None:
        users = connections if user_format == DEFAULT_FORMAT else min(connections, _RSA_USERS)
    plan = Plan(
        url=url,
        address=check_url(url),
        scenario=act,
        connections=connections,
        seconds=_choose_seconds(act, seconds, hold),
        rate=_check_rate(act, rate),
        encoding=_check_encoding(encoding),
        user_format=user_format,
        users=users,
        seed=seed,
        ca=ca,
        join_token=check_text("--join-token", join_token),
        processes=processes,
        resumes=not no_resumption,
    )
    load_ca(ca)
    _check_machine(plan, server_pid)
    measured = _run(plan, server_pid, is_json=is_json)
    if is_json:
        click.echo(json.dumps(as_object(measured)))
    else:
        click.echo("\n".join(summary(measured)))
    if measured.is_interrupted:
        sys.exit(Exit.INTERRUPTED)
    if measured.problem is not None:
        raise CommandError(measured.problem, Exit.FAILED)


class _Terminal:
    """Shows how it goes on, where someone is looking; and tells programs when all are connected."""

    def __init__(self, *, tells_connected: bool, is_shown: bool) -> None:
        self._tells_connected = tells_connected
        self._is_shown = is_shown

    def hear(self, text: str) -> None:
        if self._is_shown:
            click.echo(f"\r\x1b[K{text}", nl=False, err=True)

    def see_connected(self, users: int) -> None:
        if self._tells_connected:
            click.echo(json.dumps({"connected": users}))

    def clear(self) -> None:
        self.hear("")


def _run(plan: Plan, server_pid: int | None, *, is_json: bool) -> Measured:
    terminal = _Terminal(
        tells_connected=is_json and plan.scenario is Scenario.IDLE, is_shown=not is_json and sys.stderr.isatty()
    )
    try:
        return run(plan, server_pid, terminal)
    except ChatError as error:
        hint = HINTS.get(error.status) if isinstance(error, ConnectRefusedError) else None
        raise CommandError(". ".join(filter(None, [make_printable(str(error)), hint])), exit_code_of(error)) from None
    except NotConnectedError as error:
        raise CommandError(str(error), Exit.FAILED) from None
    except WorkerLostError:
        raise CommandError("a process of the load has ended before its time", Exit.FAILED) from None
    except (FileNotFoundError, ProcessLookupError):
        raise CommandError(f"--server-pid: the process {server_pid} is gone", Exit.FAILED) from None
    finally:
        terminal.clear()


def _choose_seconds(scenario: Scenario, seconds: float | None, hold: float | None) -> float:
    if hold is not None and (scenario is not Scenario.IDLE or seconds is not None):
        raise click.UsageError("--hold: expected with --scenario idle, and without --seconds")
    chosen = hold or seconds or (_STORM_S if scenario is Scenario.STORM else _SECONDS)
    if math.isnan(chosen):
        raise click.UsageError("--seconds: expected a number of seconds")
    return chosen


def _check_rate(scenario: Scenario, rate: float | None) -> float | None:
    if rate is not None and scenario not in (Scenario.SESSION, Scenario.MESSAGE):
        raise click.UsageError(f"--rate: expected with session or message; {scenario} has no rate")
    if rate is not None and math.isnan(rate):
        raise click.UsageError("--rate: expected a number a second")
    return rate


def _check_encoding(encoding: str) -> str:
    if encoding not in [codec.subprotocol for codec in available_codecs()]:
        raise click.UsageError("--encoding bson needs pymongo: pip install 'ric0-trio[bson]'")
    return encoding


def _check_machine(plan: Plan, server_pid: int | None) -> None:
    """See that this machine can do it; the limit on open files is raised as far as it goes."""
    if not hasattr(select, "epoll"):
        raise CommandError("bench needs Linux: it uses epoll and /proc", Exit.FAILED)
    if plan.processes > plan.connections:
        raise click.UsageError("--processes: expected at most one a connection")
    if server_pid is not None:
        try:
            read_usage(server_pid)
        except OSError as error:
            raise click.UsageError(f"--server-pid: {server_pid}: {error.strerror}") from None
    needed = plan.share(plan.connections, 0) + plan.processes + _SPARE_FILES
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and needed > hard:
        raise click.UsageError(
            f"--connections: a process may open {hard} files here, and this needs {needed}: give more --processes,"
            " or raise the limit (ulimit -Hn)"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
