"""The names that users may have."""

from tests.vectors.cases import Vector

ABOUT = "The name of a UserIdentity: is it well-formed?"


def vectors() -> list[Vector]:
    return [{"shows": shows, "name": name, "acceptable": True} for shows, name in _acceptable()] + [
        {"shows": shows, "name": name, "acceptable": False} for shows, name in _refused()
    ]


def _acceptable() -> list[tuple[str, str]]:
    return [
        ("One letter.", "a"),
        ("One digit.", "7"),
        ("A plain name.", "Ada"),
        ("A space within.", "Ada Lovelace"),
        ("Punctuation and symbols beside a letter.", "<a href='x'>$%&!"),
        ("64 characters, the most.", "a" * 64),
        ("64 characters beyond the basic plane: characters are counted, not UTF-16 units.", "\U0001d49c" * 64),
        ("64 characters of three bytes each in UTF-8.", "\u6f22" * 64),
        ("An accented letter, composed.", "Zo\u00eb"),
        ("Arabic.", "\u0622\u062f\u0627"),
        ("Devanagari with a virama and a vowel sign, two marks that are not in a row.", "\u0915\u094d\u0937\u093f"),
        ("Thai with two marks in a row.", "\u0e19\u0e49\u0e33\u0e17\u0e35\u0e48"),
        ("Hangul syllables.", "\uac00\ub098\ub2e4"),
        ("One mark that composes with nothing.", "x\u0301"),
        ("Two marks in a row, the most.", "x\u0301\u0301"),
        ("Two marks, a letter, two marks.", "x\u0301\u0301q\u0301\u0301"),
        ("A letter number (category Nl).", "\u216b"),
        ("Another number (category No).", "\u2460"),
        ("A symbol of a picture beside a letter.", "Ada \U0001f600"),
    ]


def _refused() -> list[tuple[str, str]]:
    marks = "\u0301\u0301\u0301"
    blanks = (0x115F, 0x1160, 0x2800, 0x3164, 0xFFA0)
    return [
        ("No characters.", ""),
        ("65 characters, one too many.", "a" * 65),
        ("65 characters beyond the basic plane.", "\U0001d49c" * 65),
        ("Neither a letter nor a number: punctuation.", "---"),
        ("Neither a letter nor a number: a picture.", "\U0001f600"),
        ("Neither a letter nor a number: a mark on a symbol.", "+\u0301"),
        ("A space alone.", " "),
        ("A space before.", " Ada"),
        ("A space after.", "Ada "),
        ("A no-break space before.", "\u00a0Ada"),
        ("An ideographic space after.", "Ada\u3000"),
        ("An en quad before, which is also not NFC of itself.", "\u2000Ada"),
        ("A decomposed letter: not NFC.", "Zoe\u0308"),
        ("The angstrom sign, which NFC replaces.", "\u212b"),
        ("Hangul in conjoining letters: not NFC.", "\u1100\u1161"),
        ("Marks not in canonical order: not NFC.", "x\u0301\u0323"),
        ("Three marks in a row.", "x" + marks),
        ("Three marks in a row, later in the name.", "Ada x" + marks + "y"),
        ("Three enclosing marks, whose combining class is 0.", "x\u20dd\u20dd\u20dd"),
        ("Three spacing marks, whose combining class is 0.", "\u0915\u093e\u093e\u093e"),
        ("Category Cc: a line feed.", "Ada\nLovelace"),
        ("Category Cc: a tab.", "Ada\tLovelace"),
        ("Category Cc: NUL.", "Ada\0"),
        ("Category Cc: escape, the start of a terminal's commands.", "Ada\x1b[31m"),
        ("Category Cc: a C1 control.", "Ada\u0085"),
        ("Category Cf: a zero-width space.", "Ada\u200bLovelace"),
        ("Category Cf: a zero-width joiner.", "Ada\u200dLovelace"),
        ("Category Cf: a right-to-left override.", "\u202eada"),
        ("Category Cf: a soft hyphen.", "A\u00adda"),
        ("Category Cf: a byte order mark.", "\ufeffAda"),
        ("Category Cf: a tag character.", "Ada\U000e0041"),
        ("Category Cs: half of a pair.", "Ada\ud800"),
        ("Category Co: a private character.", "Ada\ue000"),
        ("Category Cn: a noncharacter, which is never assigned.", "Ada\ufdd0"),
        ("Category Cn: the last code point.", "Ada\U0010ffff"),
        ("Category Zl: a line separator.", "Ada\u2028Lovelace"),
        ("Category Zp: a paragraph separator.", "Ada\u2029Lovelace"),
        *((f"The blank filler U+{filler:04X}, though some are letters.", f"Ada{chr(filler)}") for filler in blanks),
        ("Blank fillers alone.", "\u3164"),
    ]
