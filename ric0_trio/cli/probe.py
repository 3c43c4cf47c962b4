"""`ric0-trio probe`: go through a server's handshake, and show each step."""

import math
import ssl
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click
import trio

from ric0_trio.cli.exits import Exit
from ric0_trio.cli.paths import FILE
from ric0_trio.cli.remote import HINTS, check_text, check_url, exit_code_of, load_ca
from ric0_trio.cli.report import Report
from ric0_trio.client import (
    OWN_APP,
    ChatError,
    ConnectRefusedError,
    FileKnownServers,
    Identity,
    KnownServers,
    open_connection,
)
from ric0_trio.keyfile import load_private_key
from ric0_trio.protocol import (
    AppInfo,
    Codec,
    Fingerprint,
    InvalidKeyError,
    PrivateKey,
    SoftwareVersion,
    available_codecs,
)
from ric0_trio.protocol.keys import parse_fingerprint
from ric0_trio.protocol.messages import MAX_LABEL_CHARS
from ric0_trio.protocol.names import name_problem


@dataclass(frozen=True)
class _Plan:
    """What to probe with."""

    url: str
    identity: Identity
    app: AppInfo
    codecs: list[Codec]
    ssl_context: ssl.SSLContext | None
    known_servers: KnownServers
    pin: Fingerprint | None
    join_token: str | None
    hold_s: float


@click.command(short_help="Go through a server's handshake, and show each step.")
@click.argument("url")
@click.option("--user-key", type=FILE, help="The user's private key; without it, one is made for this run.")
@click.option("--name", default="probe", show_default=True, help="What the user is called.")
@click.option(
    "--type", "user_type", type=click.Choice(["user", "bot", "log_relay"]), default="user", show_default=True,
    help="What the user is.",
)  # fmt: skip
@click.option("--ca", type=FILE, help="Trust the certificate authorities in this PEM file, and no others.")
@click.option("--pin", help="The fingerprint that the server's key must have, whole; instead of the known servers.")
@click.option("--known-servers", type=FILE, help="The file of known servers.  [default: in your configuration folder]")
@click.option("--join-token", help="A token, for a server that asks for one.")
@click.option("--subprotocol", type=click.Choice(["json", "bson"]), help="Offer this encoding alone.")
@click.option("--client-name", default=OWN_APP.name, show_default=True, help="The name of the client software.")
@click.option("--client-version", default=str(OWN_APP.version), show_default=True, help="Its version.")
@click.option("--hold", type=click.FloatRange(min=0), default=0, help="Stay connected for so many seconds.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def probe(
    url: str,
    user_key: Path | None,
    name: str,
    user_type: Literal["user", "bot", "log_relay"],
    ca: Path | None,
    pin: str | None,
    known_servers: Path | None,
    join_token: str | None,
    subprotocol: str | None,
    client_name: str,
    client_version: str,
    hold: float,
    as_json: bool,
) -> None:
    """Connect to the server at URL, have it prove its identity, join, leave, and show each step.

    \b
    Examples:
      ric0-trio probe wss://chat.example
      ric0-trio probe wss://127.0.0.1:8443 --ca ric0-dev/ca.pem --pin ed25519:4f0c…
      ric0-trio probe wss://chat.example --user-key me.pem --name Ann --join-token T --json

    \b
    Exit codes:
      0   all went well
      2   the server's identity or certificate did not verify, or is not the pinned or the known one
      3   the server refused the user
      4   nothing answered
      5   the connection broke on the way
      64  wrong usage
      130 stopped with Ctrl-C
    """
    check_url(url)
    plan = _Plan(
        url=url,
        identity=_make_identity(user_key, name, user_type),
        app=_make_app(client_name, client_version),
        codecs=_choose_codecs(subprotocol),
        ssl_context=load_ca(ca),
        known_servers=_open_known_servers(known_servers),
        pin=_check_pin(pin),
        join_token=check_text("--join-token", join_token),
        hold_s=_check_hold(hold),
    )
    report = Report(url, as_json=as_json)
    try:
        # Ctrl-C reaches the steps alone: in a task behind them it would come out as a group of two errors.
        trio.run(_take_steps, plan, report, restrict_keyboard_interrupt_to_checkpoints=True)
    except ChatError as error:
        code = exit_code_of(error)
        details = {"status": error.status, "reason": error.reason} if isinstance(error, ConnectRefusedError) else {}
        report.finish(code, error, **details)
        if details and not as_json and (hint := HINTS.get(str(details["status"]))):
            click.echo(hint, err=True)
        sys.exit(code)
    report.finish(Exit.OK)


async def _take_steps(plan: _Plan, report: Report) -> None:
    async with AsyncExitStack() as stack:
        with report.step("open") as answer:
            connection = open_connection(plan.url, ssl_context=plan.ssl_context, codecs=plan.codecs)
            chat = await stack.enter_async_context(connection)
            answer["encoding"] = chat.codec.subprotocol
        with report.step("challenge") as answer:
            key = await chat.verify_server(plan.known_servers, plan.pin)
            answer["key"] = key.fingerprint
        with report.step("connect") as answer:
            reply = await chat.connect(plan.identity, plan.app, plan.join_token)
            answer["status"] = "success"
            answer["server"] = f"{reply.server_identity.name} ({reply.server_app.name} {reply.server_app.version})"
            answer["capabilities"] = reply.server_app.capabilities
            answer["extensions"] = reply.server_app.extensions
        if plan.hold_s:
            with report.step("hold"), trio.move_on_after(plan.hold_s):
                raise await chat.wait_closed()
        with report.step("disconnect") as answer:
            await chat.disconnect("probe is done")
            answer["status"] = "success"


def _make_identity(user_key: Path | None, name: str, user_type: Literal["user", "bot", "log_relay"]) -> Identity:
    problem = name_problem(name)
    if problem is not None:
        raise click.UsageError(f"--name: {problem}")
    try:
        key = PrivateKey.generate() if user_key is None else load_private_key(user_key)
    except InvalidKeyError as error:
        raise click.UsageError(f"--user-key: {error}") from None
    except OSError as error:
        raise click.UsageError(f"--user-key: {user_key}: {error.strerror}") from None
    return Identity(key, name, user_type)


def _make_app(name: str, version: str) -> AppInfo:
    if not 1 <= len(name) <= MAX_LABEL_CHARS:
        raise click.UsageError(f"--client-name: expected 1 to {MAX_LABEL_CHARS} characters")
    check_text("--client-name", name)
    try:
        return AppInfo(name=name, version=SoftwareVersion.parse(version), capabilities=[], extensions={})
    except ValueError as error:
        raise click.UsageError(f"--client-version: {error}") from None


def _choose_codecs(subprotocol: str | None) -> list[Codec]:
    codecs = [codec for codec in available_codecs() if subprotocol in (None, codec.subprotocol)]
    if not codecs:
        raise click.UsageError("--subprotocol bson needs pymongo: pip install 'ric0-trio[bson]'")
    return codecs


def _check_pin(pin: str | None) -> Fingerprint | None:
    try:
        return None if pin is None else parse_fingerprint(pin)
    except ValueError as error:
        raise click.UsageError(f"--pin: {error}") from None


def _open_known_servers(path: Path | None) -> FileKnownServers:
    try:
        return FileKnownServers(path)
    except ValueError as error:
        raise click.UsageError(f"--known-servers: {error}") from None


def _check_hold(seconds: float) -> float:
    if math.isnan(seconds):
        raise click.UsageError("--hold: expected a number of seconds")
    return seconds
