"""What commands that dial a server have in common: checks of their options, and exit codes."""

import ssl
from pathlib import Path
from typing import Final

import click

from ric0_trio.cli.exits import Exit
from ric0_trio.client import (
    ChatError,
    ChatTimeoutError,
    ConnectRefusedError,
    ServerIdentityError,
    ServerUnreachableError,
)
from ric0_trio.client.address import Address
from ric0_trio.protocol import Status

_EXIT_CODES: Final[dict[type[ChatError], Exit]] = {
    ServerIdentityError: Exit.IDENTITY,
    ConnectRefusedError: Exit.REFUSED,
    ServerUnreachableError: Exit.NO_ANSWER,
    ChatTimeoutError: Exit.NO_ANSWER,
}

HINTS: Final[dict[str, str]] = {
    Status.JOIN_TOKEN_REQUIRED: "This server is by invitation: give a token of its operator's with --join-token.",
    Status.INVALID_JOIN_TOKEN: "The token is mistyped, used up, expired or revoked: ask the operator for another.",
    Status.UNRECOGNISED_USER: "This server is for its members: give its operator the public key of --user-key.",
    Status.UNKNOWN_ERROR: "The server has a fault, which its operator finds in its log: try later.",
}
"""What to do about a refusal, by its status."""


def exit_code_of(error: ChatError) -> Exit:
    """What a command ends with when that happened to its connection."""
    return _EXIT_CODES.get(type(error), Exit.BROKEN)


def check_url(url: str) -> Address:
    """Take a server's URL apart. Raises `click.UsageError`."""
    try:
        return Address.parse(url)
    except ValueError as error:
        raise click.UsageError(f"{url}: {error}") from None


def load_ca(ca: Path | None) -> ssl.SSLContext | None:
    """Trust the authorities in that file alone; None when there is none. Raises `click.UsageError`."""
    if ca is None:
        return None
    try:
        return ssl.create_default_context(cafile=ca)
    except ssl.SSLError:
        raise click.UsageError(f"--ca: {ca} has no certificate in PEM") from None
    except OSError as error:
        raise click.UsageError(f"--ca: {ca}: {error.strerror}") from None


def check_text(option: str, text: str | None) -> str | None:
    """See that it can be sent and shown. Raises `click.UsageError`."""
    if text is not None and not text.isprintable():
        raise click.UsageError(f"{option}: expected text in UTF-8 without control characters")
    return text
