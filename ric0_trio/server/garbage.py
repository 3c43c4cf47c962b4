"""How a server keeps Python's garbage collector from holding up its users (docs/benchmarks.md, "Overload")."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_YOUNG_OBJECTS: Final = 100_000  # more than all strangers together are, who come and go
_GENERATION_FACTOR: Final = 20


def spare_the_garbage_collector() -> None:
    """Look for cyclic garbage seldom from here on, and not at all in what is there by now.

    A connection leaves none; to look for it nevertheless holds up every user, by 100 ms at times.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, _GENERATION_FACTOR, _GENERATION_FACTOR)


@contextmanager
def seldom_looking_for_garbage() -> Iterator[None]:
    """The same, while the block lasts."""
    before = gc.get_threshold()
    spare_the_garbage_collector()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
