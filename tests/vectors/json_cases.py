"""What only JSON text can get wrong, or say in more than one way."""

import json

from tests.vectors.cases import Vector
from tests.vectors.envelopes import REQUEST, TIME, UNDECODABLE, also, bad_request, json_vector, valid

PLAIN = json.dumps(REQUEST.but())
BODY = PLAIN[1:-1]
EXPECTED = valid(REQUEST.but())


def vectors() -> list[Vector]:
    return [*_same(), *_duplicates(), *_not_json(), *_not_objects()]


def _same() -> list[Vector]:
    """Other spellings of one envelope."""
    reason = "gr\u00fc\u00dfe \U0001f319"
    with_reason = valid(REQUEST.but(data={"reason": reason}))
    spelled = REQUEST.but(data={"reason": reason})
    return [
        json_vector("White space around and between.", f" \t\r\n{json.dumps(REQUEST.but(), indent=4)}\n", EXPECTED),
        json_vector("No white space at all.", json.dumps(REQUEST.but(), separators=(",", ":")), EXPECTED),
        json_vector("An escape in a key.", PLAIN.replace('"type"', '"t\\u0079pe"'), EXPECTED),
        json_vector("An escape in the type.", PLAIN.replace('"request"', '"requ\\u0065st"'), EXPECTED),
        json_vector("An escape in the name.", PLAIN.replace('"disconnect"', '"\\u0064isconnect"'), EXPECTED),
        json_vector("An escape in the time.", PLAIN.replace("Z", "\\u005a"), EXPECTED),
        json_vector("Text outside ASCII, as it is.", json.dumps(spelled, ensure_ascii=False), with_reason),
        json_vector("Text outside ASCII, in escapes and pairs of them.", json.dumps(spelled), with_reason),
        also(
            json_vector("A huge number under an unknown key.", f'{{{BODY}, "x": 1{"0" * 400}}}', EXPECTED), UNDECODABLE
        ),
        json_vector("A name of no characters for an unknown key.", f'{{{BODY}, "": 1}}', EXPECTED),
    ]


def _duplicates() -> list[Vector]:
    """The last of duplicate keys wins, and the others are as if they were not there."""
    last_is_right = {
        "time": ("null", f'"{TIME}"'),
        "type": ('"reply"', '"request"'),
        "name": ('"connect"', '"disconnect"'),
        "data": ("null", "{}"),
        "conversation": ('"x"', "2"),
    }
    twice = '{"reason": 5, "reason": "a", "reason": "b"}'
    twice_but = '{"reason": "b", "reason": 5}'
    plain_data, with_data = '"data": {}', valid(REQUEST.but(data={"reason": "b"}))
    return [
        *(
            json_vector(f"`{key}` twice: {wrong}, and then a right one.", f'{{"{key}": {wrong}, {BODY}}}', EXPECTED)
            for key, (wrong, _) in last_is_right.items()
        ),
        json_vector(
            "`conversation` twice, both right.", f'{{{BODY}, "conversation": 4}}', valid(REQUEST.but(conversation=4))
        ),
        json_vector("`conversation` twice: out of range, then right.", f'{{"conversation": -1, {BODY}}}', EXPECTED),
        json_vector("`conversation` twice: odd, then even.", f'{{"conversation": 1, {BODY}}}', EXPECTED),
        json_vector(
            "A key in the data three times, the first wrong.", PLAIN.replace(plain_data, f'"data": {twice}'), with_data
        ),
        json_vector(
            "`data` twice: with a reason, then empty. Nothing is merged.",
            f'{{"data": {{"reason": "a"}}, {BODY}}}',
            EXPECTED,
        ),
        json_vector("`data` twice: right, then null.", f'{{{BODY}, "data": null}}', bad_request()),
        json_vector("`time` twice: right, then without offset.", f'{{{BODY}, "time": "{TIME[:-1]}"}}', bad_request()),
        json_vector(
            "`conversation` twice: even, then odd.", f'{{{BODY}, "conversation": 5}}', bad_request(conversation=5)
        ),
        json_vector(
            "`name` twice, with a bad time.", f'{{{BODY}, "name": "connect", "time": 0}}', bad_request("connect")
        ),
        json_vector(
            "A key in the data twice, the last wrong.", PLAIN.replace(plain_data, f'"data": {twice_but}'), bad_request()
        ),
        json_vector("`conversation` twice: right, then text.", f'{{{BODY}, "conversation": "x"}}', UNDECODABLE),
        json_vector("`type` twice: right, then unknown.", f'{{{BODY}, "type": "x"}}', UNDECODABLE),
        json_vector("`name` twice: right, then null.", f'{{{BODY}, "name": null}}', bad_request(None)),
        json_vector("One key twice, once in escapes.", f'{{{BODY}, "\\u0074ype": "x"}}', UNDECODABLE),
    ]


def _not_json() -> list[Vector]:
    """Text that RFC 8259 does not allow has no usable id, however much of a request it looks like."""
    spoilt = {
        "A byte order mark.": "\ufeff" + PLAIN,
        "Cut short.": PLAIN[:-1],
        "Cut short within a string.": PLAIN[:20],
        "A brace too many.": PLAIN + "}",
        "Text after it.": PLAIN + " x",
        "A NUL after it.": PLAIN + "\0",
        "A second envelope after it.": PLAIN + PLAIN,
        "A second envelope on the next line.": PLAIN + "\n" + PLAIN,
        "A comma after the last key.": PLAIN[:-1] + ",}",
        "A comma missing.": PLAIN.replace(", ", " ", 1),
        "Single quotes.": PLAIN.replace('"', "'"),
        "A key without quotes.": PLAIN.replace('"type"', "type"),
        "A comment.": PLAIN[:-1] + "/* */}",
        "NaN under an unknown key.": f'{{{BODY}, "x": NaN}}',
        "Infinity under an unknown key.": f'{{{BODY}, "x": Infinity}}',
        "Minus infinity under an unknown key.": f'{{{BODY}, "x": -Infinity}}',
        "True with a capital under an unknown key.": f'{{{BODY}, "x": True}}',
        "A number that begins with zero.": PLAIN.replace(": 2", ": 02"),
        "A number with a plus sign.": PLAIN.replace(": 2", ": +2"),
        "A number in hexadecimal.": PLAIN.replace(": 2", ": 0x2"),
        "A number that ends with its point.": PLAIN.replace(": 2", ": 2."),
        "A line feed within a string.": PLAIN.replace("disconnect", "disconnect\n"),
        "A tab within a key.": f'{{{BODY}, "x\t": 1}}',
        "An escape that JSON does not have.": f'{{{BODY}, "x": "\\x41"}}',
        "An escape cut short.": f'{{{BODY}, "x": "\\u00"}}',
        "A no-break space between.": PLAIN.replace(" ", "\u00a0", 1),
        "5,000 lists within each other.": f'{{{BODY}, "x": {"[" * 5000}{"]" * 5000}}}',
        "Half of a pair of surrogates, escaped.": f'{{{BODY}, "x": "\\ud83c"}}',
        "The other half alone, escaped.": f'{{{BODY}, "x": "\\udf19"}}',
        "The halves the wrong way round.": f'{{{BODY}, "x": "\\udf19\\ud83c"}}',
        "Half of a pair in a key.": f'{{{BODY}, "\\ud83c": 1}}',
    }
    return [json_vector(shows, text, UNDECODABLE) for shows, text in spoilt.items()]


def _not_objects() -> list[Vector]:
    texts = {
        "Nothing.": "",
        "White space only.": " \n",
        "Null.": "null",
        "True.": "true",
        "A number.": "5",
        "Text.": '"request"',
        "A list.": "[]",
        "An envelope in a list.": f"[{PLAIN}]",
        "An envelope in a string.": json.dumps(PLAIN),
        "The number of an exponent for an id.": PLAIN.replace(": 2", ": 2e0"),
        "An id beyond 64 bits.": PLAIN.replace(": 2", ": 18446744073709551618"),
        "An id beyond every integer type.": PLAIN.replace(": 2", f": 2{'0' * 400}"),
    }
    whole = "The number of an exponent for an id."
    made = [json_vector(shows, text, UNDECODABLE) for shows, text in texts.items()]
    return [also(vector, EXPECTED) if vector["shows"] == whole else vector for vector in made]
