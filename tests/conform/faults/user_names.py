"""Faults in which names of users are well-formed."""

from collections.abc import Callable
from typing import ClassVar

from tests.conform.faults.seeding import seeds
from tests.conform.faults.structures import Data, with_user
from tests.conform.reference import names
from tests.conform.reference.envelopes import Envelopes
from tests.conform.reference.shapes import USER_IDENTITY, Rule, both


def name_without(forgotten: Callable[[str], bool]) -> Rule:
    def is_name(value: object) -> bool:
        kept = [rule for rule in names.NAME_RULES if rule is not forgotten]
        return isinstance(value, str) and 1 <= len(value) <= 64 and all(rule(value) for rule in kept)

    return is_name


@seeds("N1", "D14")
class TakesLongUserNames(Envelopes):
    """A user's name may have more than 64 code points."""

    data: ClassVar[Data] = with_user(name=names.is_well_formed_name)


@seeds("N1")
class CountsBytesOfNames(Envelopes):
    """The bound on a user's name counts bytes."""

    data: ClassVar[Data] = with_user(name=lambda value: isinstance(value, str) and len(value.encode()) <= 64)


@seeds("N8")
class TakesAsciiNames(Envelopes):
    """A user's name has to be ASCII."""

    data: ClassVar[Data] = with_user(name=both(USER_IDENTITY.needed["name"], lambda value: str(value).isascii()))


@seeds("N2")
class TakesDecomposedNames(Envelopes):
    """A user's name needs no normal form."""

    data: ClassVar[Data] = with_user(name=name_without(names.is_composed))


@seeds("N3")
class TakesControlsInNames(Envelopes):
    """A user's name may have control characters."""

    data: ClassVar[Data] = with_user(name=name_without(names.has_no_control))


@seeds("N4")
class TakesFillers(Envelopes):
    """A user's name may consist of blank fillers."""

    data: ClassVar[Data] = with_user(name=name_without(names.has_no_filler))


@seeds("N5")
class TakesOuterSpaces(Envelopes):
    """A user's name may begin and end with a space."""

    data: ClassVar[Data] = with_user(name=name_without(names.has_no_outer_space))


@seeds("N5")
class MindsAsciiSpacesAlone(Envelopes):
    """A user's name may begin and end with a no-break space."""

    data: ClassVar[Data] = with_user(
        name=both(name_without(names.has_no_outer_space), lambda value: str(value).strip(" ") == value)
    )


@seeds("N6")
class TakesPunctuation(Envelopes):
    """A user's name needs no letter and no number."""

    data: ClassVar[Data] = with_user(name=name_without(names.has_a_letter_or_number))


@seeds("N7")
class TakesManyMarks(Envelopes):
    """A user's name may have any number of combining marks in a row."""

    data: ClassVar[Data] = with_user(name=name_without(names.has_few_marks_in_a_row))
