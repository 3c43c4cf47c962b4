"""What `probe` shows: a line a step for people, or one JSON object at the end."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from ric0_trio.cli.exits import Exit
from ric0_trio.printable import make_printable


class Report:
    """Steps, their answers and their times."""

    def __init__(self, url: str, *, as_json: bool) -> None:
        self._url = url
        self._as_json = as_json
        self._steps: list[dict[str, Any]] = []
        if not as_json:
            click.echo(f"probing {url}\n")

    @contextmanager
    def step(self, name: str) -> Iterator[dict[str, Any]]:
        """Time a step. What the block puts into the dict is its answer; what it raises is its failure."""
        answer: dict[str, Any] = {}
        begun = time.perf_counter()
        failed = True
        try:
            yield answer
            failed = False
        finally:
            took_ms = round((time.perf_counter() - begun) * 1000, 2)
            self._steps.append({"step": name, "ok": not failed, "ms": took_ms, **answer})
            if not self._as_json:
                mark = click.style("FAILED", fg="red") if failed else click.style("ok", fg="green") + "    "
                said = ", ".join(f"{key} {_show(value)}" for key, value in answer.items())
                click.echo(f"  {mark} {name:<11} {took_ms:>8.2f} ms  {said}".rstrip())

    def finish(self, code: Exit, error: Exception | None = None, **details: Any) -> None:
        """Say how it ended."""
        if self._as_json:
            told = {} if error is None else {"error": str(error), **details}
            click.echo(
                json.dumps({"url": self._url, "ok": error is None, "exit": int(code), "steps": self._steps, **told})
            )
        elif error is None:
            click.echo("\nthe server proved its identity and let the user in")
        else:
            click.echo()
            click.echo(f"Error: {make_printable(str(error))}", err=True)


def _show(value: Any) -> str:
    return make_printable(value if isinstance(value, str) else json.dumps(value))
