"""`one_exception`: a nursery for the sake of one task raises what that task raised."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_exception() -> Iterator[None]:
    """Unwrap the one exception that a nursery wrapped: what else it ran is of no interest to who uses the block."""
    try:
        yield
    except BaseExceptionGroup as group:
        if len(group.exceptions) > 1:
            raise
        (exception,) = group.exceptions
        context = exception.__context__
        try:
            raise exception
        finally:
            exception.__context__ = context  # as it was, and not the group
