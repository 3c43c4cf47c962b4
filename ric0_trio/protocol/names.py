"""Well-formed user names (docs/protocol.md, "User names")."""

import re
from itertools import groupby
from unicodedata import category, is_normalized

MAX_NAME_CHARS = 64
MAX_COMBINING_RUN = 2

# Letters to Unicode, blank on a screen: a name of these alone would show as nothing.
_BLANK_FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")

# Most names are plain: printable ASCII with a letter or digit and no outer space needs no look at each character.
_PLAIN = re.compile(rf"(?=.*[0-9A-Za-z])(?! )[ -~]{{1,{MAX_NAME_CHARS}}}(?<! )")


def name_problem(name: str) -> str | None:
    """Say why `name` is not well-formed as a user's name, or None when it is.

    The reason never repeats the name, so that it can be shown on a terminal.
    """
    if _PLAIN.fullmatch(name):
        return None
    if not 1 <= len(name) <= MAX_NAME_CHARS:
        return f"a name has 1 to {MAX_NAME_CHARS} characters"
    categories = [category(char) for char in name]
    if any(c[0] == "C" or c in ("Zl", "Zp") for c in categories):
        return "a name has no control, format, private or unassigned characters and no line breaks"
    if not is_normalized("NFC", name):
        return "a name is in Unicode normal form C"
    if _BLANK_FILLERS.intersection(name):
        return "a name has no blank filler characters"
    if "Zs" in (categories[0], categories[-1]):
        return "a name neither begins nor ends with a space"
    if not any(c[0] in "LN" for c in categories):
        return "a name has at least one letter or number"
    runs = (len(list(run)) for is_mark, run in groupby(c[0] == "M" for c in categories) if is_mark)
    if any(length > MAX_COMBINING_RUN for length in runs):
        return f"a name has at most {MAX_COMBINING_RUN} combining marks in a row"
    return None
