"""The admin listener: what it needs is loaded as at a start, and its place tried."""

from collections.abc import Iterator

from ric0_trio.cli.admin import load_http, load_token
from ric0_trio.cli.credentials import is_open_to_everyone
from ric0_trio.cli.exits import SetupError
from ric0_trio.cli.inspection.findings import Finding, Level
from ric0_trio.cli.inspection.places import inspect_place
from ric0_trio.config import AdminSection


def inspect_admin(admin: AdminSection, *, is_served: bool) -> Iterator[Finding]:
    """Look at it, unless it is off. `is_served` says that a server runs, which will have taken the place."""
    if admin.place is None:
        return
    try:
        load_http()
        if admin.token_file is not None:
            load_token(admin.token_file)
    except SetupError as error:
        yield Finding.of(error)
    else:
        if admin.token_file is not None and is_open_to_everyone(admin.token_file):
            why = "others on this machine can read this token"
            yield Finding(Level.WARNING, str(admin.token_file), why, f"chmod 600 {admin.token_file}")
    yield inspect_place(admin.place, is_served=is_served)
