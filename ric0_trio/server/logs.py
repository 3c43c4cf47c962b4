"""How the log looks: one event a line on the standard error stream, a fixed name with fields."""

import logging
import sys
from contextlib import suppress
from typing import Final

import structlog

from ric0_trio.printable import make_printable

_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class _LossyLogger(structlog.PrintLogger):
    """Writes to the standard error stream. When that cannot be written (a full disk, a closed pipe), lines are lost.

    The server is not: it serves on without a log.
    """

    def msg(self, message: str) -> None:
        with suppress(OSError):
            super().msg(message)

    log = debug = info = warning = error = critical = exception = msg


def configure_logging(log_format: str, level: str) -> None:
    """Set structlog up for the process: `console` for people, `json` for machines."""
    render: list[structlog.typing.Processor]
    if log_format == "json":
        render = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        # The default shows the values of variables when `rich` is installed: proofs and tokens among them.
        traceback = structlog.dev.plain_traceback
        render = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=traceback)]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _tidy,
            *render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=lambda *_: _LossyLogger(sys.stderr),
        cache_logger_on_first_use=True,
    )
    # trio-websocket logs every frame's event; what is worth a line is logged here.
    logging.getLogger("trio-websocket").setLevel(logging.WARNING)


def _tidy(logger: object, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Leave out what is empty, and escape what could move a cursor or forge a line: strangers choose some words."""
    return {
        key: make_printable(value) if isinstance(value, str) and not value.isprintable() else value
        for key, value in event.items()
        if value not in (None, "")
    }
