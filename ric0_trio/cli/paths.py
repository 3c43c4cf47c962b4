"""Files and folders on the command line. An empty one, as an unset variable gives, is no place at all."""

import os
from pathlib import Path
from typing import Any, Final

import click


class _Place(click.Path):
    def __init__(self, name: str) -> None:
        super().__init__(path_type=Path, readable=False)  # whoever reads it says so
        self.name = name

    def convert(self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not str(value):
            self.fail(f"expected the path of a {self.name}, got an empty one", param, ctx)
        return super().convert(value, param, ctx)


FILE: Final = _Place("file")
FOLDER: Final = _Place("folder")
