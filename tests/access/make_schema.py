"""Keeps the newest schema as a file, with data in every table: `python -m tests.access.make_schema`.

Once for each version that is released. A file that is there is left alone: what was released never changes.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from ric0_trio.access.schema import APPLICATION_ID, SCHEMA
from tests.access.files import fill, raw_connection

FOLDER = Path(__file__).parent / "schemas"


def dump(path: Path) -> str:
    """The database as a script that makes it again."""
    with raw_connection(path) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        pragmas = [f"PRAGMA application_id = {APPLICATION_ID};", f"PRAGMA user_version = {version};"]
        return "\n".join([*pragmas, *connection.iterdump()]) + "\n"


def main() -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "access.sqlite3"
        fill(path)
        with (FOLDER / f"v{len(SCHEMA)}.sql").open("x", encoding="utf-8") as file:
            file.write(dump(path))


if __name__ == "__main__":
    main()
