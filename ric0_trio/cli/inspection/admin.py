"""What the admin listener needs besides its place: the packages that it is made of, and a token."""

from collections.abc import Iterator

from ric0_trio.cli.admin import load_token, require_packages
from ric0_trio.cli.credentials import is_open_to_everyone
from ric0_trio.cli.exits import SetupError
from ric0_trio.cli.inspection.findings import Finding, Level
from ric0_trio.config import AdminSection


def inspect_admin(admin: AdminSection) -> Iterator[Finding]:
    """Look at it, when there is to be one: else `serve` does not either."""
    if admin.place is None:
        return
    try:
        require_packages()
    except SetupError as error:
        yield Finding.of(error)
    path = admin.token_file
    if path is None:
        why = "without it, nobody may see the connections"
        yield Finding(Level.NOTE, "[admin] token_file", why)
        return
    try:
        load_token(path)
    except SetupError as error:
        yield Finding.of(error)
        return
    yield Finding(Level.OK, str(path), "the admin listener's token")
    if is_open_to_everyone(path):
        yield Finding(Level.WARNING, str(path), "others on this machine can read this token", f"chmod 600 {path}")
