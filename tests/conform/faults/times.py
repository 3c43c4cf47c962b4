"""Faults in reading the `time` of a request."""

import re
from datetime import datetime

from tests.conform.faults.envelopes import heads, without
from tests.conform.faults.seeding import seeds
from tests.conform.reference import shapes
from tests.conform.reference.envelopes import Envelopes
from tests.conform.reference.shapes import is_time, text


@seeds("V1")
class NeedsNoTime(Envelopes):
    """A request needs no `time`."""

    heads = heads() | {"request": without(shapes.REQUEST, "time")}


@seeds("V18")
class TakesEveryTime(Envelopes):
    """Any string is a `time`."""

    heads = heads(time=text(0, 1000))


@seeds("V18")
class TakesLocalTimes(Envelopes):
    """A `time` needs no offset."""

    heads = heads(time=lambda value: is_time(value) or is_time(f"{value}Z"))


@seeds("V18")
class TakesTimesWithASpace(Envelopes):
    """A `time` may have a space for its `T`."""

    heads = heads(time=lambda value: is_time(value.replace(" ", "T") if isinstance(value, str) else value))


@seeds("V1")
class TakesNumbersForTimes(Envelopes):
    """A `time` may be the seconds since 1970."""

    heads = heads(time=lambda value: is_time(value) or isinstance(value, int))


@seeds("V18")
class TakesDaysThatAreNot(Envelopes):
    """The thirtieth of February is a day."""

    heads = heads(time=lambda value: is_time(value) or is_time(str(value).replace("-02-30", "-02-28")))


@seeds("V17")
class TakesUtcAlone(Envelopes):
    """A `time` has to end in `Z`."""

    heads = heads(time=lambda value: is_time(value) and str(value)[-1] in "Zz")


@seeds("V17")
class TakesCapitalsAlone(Envelopes):
    """A `time` with a small `t` or `z` is refused."""

    heads = heads(time=lambda value: is_time(value) and str(value) == str(value).upper())


@seeds("V19")
class TakesSixDigits(Envelopes):
    """More than six digits of a second are refused."""

    heads = heads(time=lambda value: is_time(value) and not re.search(r"\.\d{7}", str(value)))


@seeds("V20")
class KnowsNoLeapSeconds(Envelopes):
    """A leap second is refused."""

    heads = heads(time=lambda value: is_time(value) and ":60" not in str(value))


@seeds("V24")
class ComparesClocks(Envelopes):
    """A client whose clock is wrong is refused."""

    heads = heads(time=lambda value: is_time(value) and abs(int(str(value)[:4]) - datetime.now().year) <= 1)
