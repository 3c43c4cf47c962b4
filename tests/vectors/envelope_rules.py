"""The envelope's own rules, which hold in both encodings."""

from typing import Any

from tests.vectors.envelopes import MESSAGE, MISSING, REPLY, REQUEST, TIME, UNDECODABLE, Case, bad_request, valid

SECOND = "2026-01-02T03:04:05"


def cases() -> list[Case]:
    return [*_valid(), *_times(), *_depths(), *_labels(), *_bad_requests(), *_unusable_ids(), *_undecodable()]


def _valid() -> list[Case]:
    """What the other end may send, however odd it looks."""
    unknown = REQUEST.but(name="no_such_request", data={"anything": [1, "x", None]})
    note = MESSAGE.but(data={"anything": {"at": ["all"]}})
    shown: list[tuple[str, dict[str, Any]]] = [
        ("A request.", REQUEST.but()),
        ("A message.", MESSAGE.but()),
        ("A reply.", REPLY.but()),
        ("A reply in a conversation that the server started.", REPLY.but(conversation=7)),
        ("A reply with the highest conversation id of all.", REPLY.but(conversation=2**32 - 1)),
        ("The lowest conversation id.", REQUEST.but(conversation=0)),
        ("The highest even conversation id.", REQUEST.but(conversation=2**32 - 2)),
        ("A conversation id that needs more than 31 bits.", REQUEST.but(conversation=2**31)),
        ("`conversation` is no key of a message, and so is ignored there.", MESSAGE.but(conversation="x")),
        ("`status` is no key of a request, and so is ignored there.", REQUEST.but(status=5)),
        ("`status` is no key of a message, and so is ignored there.", MESSAGE.but(status=5)),
        ("Unknown keys in the envelope are ignored, nulls among them.", REQUEST.but(x=None, y=[1.5], z={"type": 1})),
        ("Keys in capitals are unknown keys.", REQUEST.but(TIME=None, Type="message", Conversation=3, DATA=None)),
        ("The keys in another order, `type` first.", dict(sorted(REQUEST.fields.items(), reverse=True))),
        ("The keys in another order, `type` last.", dict(sorted(REQUEST.fields.items()))),
    ]
    return [
        *(Case(shows, envelope, valid(envelope)) for shows, envelope in shown),
        Case("A request that the protocol does not define.", unknown, valid(unknown, data=MISSING)),
        Case("A message with any data.", note, valid(note, data=MISSING)),
    ]


def _times() -> list[Case]:
    same: list[tuple[str, str, str]] = [
        ("whole seconds", f"{SECOND}Z", f"{SECOND}.000000Z"),
        ("tenths of a second", f"{SECOND}.5Z", f"{SECOND}.500000Z"),
        ("nanoseconds", f"{SECOND}.678901000Z", TIME),
        ("32 digits of a second, the most", f"{SECOND}.678901{'0' * 26}Z", TIME),
        ("an offset of zero", f"{SECOND}.678901+00:00", TIME),
        ("the offset -00:00", f"{SECOND}.678901-00:00", TIME),
        ("an offset to the east", "2026-01-02T08:34:05.678901+05:30", TIME),
        ("an offset to the west, on another day", "2026-01-01T19:04:05.678901-08:00", TIME),
        ("the largest offset", "2026-01-03T03:03:05.678901+23:59", TIME),
        ("t and z in lower case, as RFC 3339, 5.6, allows", f"{SECOND.replace('T', 't')}.678901z", TIME),
        ("29 February in a leap year", "2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000Z"),
        ("a year before 1970", "1969-07-20T20:17:40Z", "1969-07-20T20:17:40.000000Z"),
        ("the last second of the year 9999", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000000Z"),
    ]
    # Right by RFC 3339, and without a value in Python's datetime in UTC: decoding may not fail on them.
    open_ended: list[tuple[str, str]] = [
        ("a leap second", "2016-12-31T23:59:60Z"),
        ("a leap second in another hour, on a day that had none", "2026-01-02T03:59:60Z"),
        ("a leap second and an offset", "2017-01-01T01:59:60+02:00"),
        ("a leap second and a fraction", "2016-12-31T23:59:60.5Z"),
        ("a UTC time in the year 10000", "9999-12-31T23:59:59-01:00"),
        ("a UTC time in the year 0", "0001-01-01T00:00:00+01:00"),
        ("twelve digits of a second", f"{SECOND}.678901234567Z"),
    ]
    wrong: list[tuple[str, Any]] = [
        ("no time", MISSING),
        ("null for the time", None),
        ("a number for the time", 1767323045),
        ("a float for the time", 1767323045.5),
        ("an object for the time", {}),
        ("an empty time", ""),
        ("no offset", SECOND),
        ("no offset after a fraction", f"{SECOND}.678901"),
        ("a space for T", f"{SECOND.replace('T', ' ')}Z"),
        ("an underscore for T", f"{SECOND.replace('T', '_')}Z"),
        ("a date alone", "2026-01-02"),
        ("a time of day alone", "03:04:05Z"),
        ("no seconds", "2026-01-02T03:04Z"),
        ("no punctuation (ISO 8601's basic form)", "20260102T030405Z"),
        ("a week date", "2026-W01-5T03:04:05Z"),
        ("an offset without a colon", f"{SECOND}+0100"),
        ("an offset without minutes", f"{SECOND}+01"),
        ("an offset of 24 hours", f"{SECOND}+24:00"),
        ("an offset with 60 minutes", f"{SECOND}+01:60"),
        ("an offset with seconds", f"{SECOND}+01:00:00"),
        ("an offset after Z", f"{SECOND}Z+01:00"),
        ("a minus sign outside ASCII in the offset", f"{SECOND}\u221201:00"),
        ("a fraction without digits", f"{SECOND}.Z"),
        ("a comma before the fraction", f"{SECOND},5Z"),
        ("a fraction of a minute", "2026-01-02T03:04.5Z"),
        ("month 13", "2026-13-02T03:04:05Z"),
        ("month 0", "2026-00-02T03:04:05Z"),
        ("30 February", "2026-02-30T03:04:05Z"),
        ("29 February in a common year", "2023-02-29T03:04:05Z"),
        ("hour 24", "2026-01-02T24:00:00Z"),
        ("minute 60", "2026-01-02T03:60:05Z"),
        ("second 61", "2026-01-02T03:04:61Z"),
        ("second 60 of minute 4", "2026-01-02T03:04:60Z"),
        ("second 60 of minute 0", "2017-01-01T00:00:60Z"),
        ("second 60 of minute 58", "2016-12-31T23:58:60Z"),
        ("second 60 of minute 29, which is 59 in UTC", "2017-01-01T05:29:60+05:30"),
        ("second 61 of minute 59", "2016-12-31T23:59:61Z"),
        ("33 digits of a second, one too many", f"{SECOND}.{'0' * 33}Z"),
        ("1,000 digits of a second", f"{SECOND}.{'0' * 1000}Z"),
        ("the year 0", "0000-01-01T00:00:00Z"),
        ("a year of five digits", "12026-01-02T03:04:05Z"),
        ("a year of two digits", "26-01-02T03:04:05Z"),
        ("a signed year", "+2026-01-02T03:04:05Z"),
        ("a day of one digit", "2026-01-2T03:04:05Z"),
        ("a space before it", f" {SECOND}Z"),
        ("a space after it", f"{SECOND}Z "),
        ("a line feed after it", f"{SECOND}Z\n"),
        ("digits outside ASCII", f"{SECOND}Z".replace("2", "\u0662")),
        ("a number in text", "1767323045"),
        ("words", "Fri, 02 Jan 2026 03:04:05 GMT"),
    ]
    return [
        *(
            Case(f"A time with {shows}.", e := REQUEST.but(time=sent), valid(e, time=meant))
            for shows, sent, meant in same
        ),
        *(
            Case(f"A time with {shows}.", e := REQUEST.but(time=sent), valid(e, time=MISSING))
            for shows, sent in open_ended
        ),
        *(Case(f"A request with {shows}.", REQUEST.but(time=sent), bad_request()) for shows, sent in wrong),
    ]


def _depths() -> list[Case]:
    """32 objects and lists within each other are allowed, the envelope and its data among them."""

    def nested(depth: int) -> dict[str, Any]:
        inner: Any = 1
        for level in range(depth - 2):
            inner = [inner] if level % 2 else {"x": inner}
        return REQUEST.but(data={"x": inner})

    return [
        Case("32 deep, the most.", nested(32), valid(nested(32), data={})),
        Case("33 deep: no valid envelope, and no bad request.", nested(33), UNDECODABLE),
        Case("100 deep.", nested(100), UNDECODABLE),
    ]


def _labels() -> list[Case]:
    """A name and a status have 1 to 64 characters."""
    most, over = "n" * 64, "n" * 65
    request, beyond_the_plane = REQUEST.but(name=most), REQUEST.but(name="\U0001f319" * 64)
    reply, message, status = REPLY.but(name=most), MESSAGE.but(name=most), REPLY.but(status=most)
    return [
        Case("A request's name of 64 characters, the most.", request, valid(request, data=MISSING)),
        Case(
            "64 characters beyond the basic plane for its name.",
            beyond_the_plane,
            valid(beyond_the_plane, data=MISSING),
        ),
        Case("A reply's name of 64 characters, the most.", reply, valid(reply, data=MISSING)),
        Case("A message's name of 64 characters, the most.", message, valid(message, data=MISSING)),
        Case("A status of 64 characters: a refusal, and one that nobody knows.", status, valid(status)),
        Case("A request's name of 65 characters.", REQUEST.but(name=over), bad_request(None)),
        Case("A request's name of no characters.", REQUEST.but(name=""), bad_request(None)),
        Case("A reply's name of 65 characters.", REPLY.but(name=over), UNDECODABLE),
        Case("A reply's name of no characters.", REPLY.but(name=""), UNDECODABLE),
        Case("A message's name of 65 characters.", MESSAGE.but(name=over), UNDECODABLE),
        Case("A message's name of no characters.", MESSAGE.but(name=""), UNDECODABLE),
        Case("A status of 65 characters.", REPLY.but(status=over), UNDECODABLE),
        Case("A status of no characters.", REPLY.but(status=""), UNDECODABLE),
    ]


def _bad_requests() -> list[Case]:
    """A request whose conversation id can be used gets an answer, whatever else is wrong with it."""
    wrong: list[tuple[str, dict[str, Any], int]] = [
        ("An odd conversation id, which is the server's to use.", {"conversation": 1}, 1),
        ("The highest conversation id, which is odd.", {"conversation": 2**32 - 1}, 2**32 - 1),
        ("Null for the data.", {"data": None}, 2),
        ("No data.", {"data": MISSING}, 2),
        ("A list for the data.", {"data": []}, 2),
        ("Text for the data.", {"data": "{}"}, 2),
        ("A number for the data.", {"data": 0}, 2),
        ("False for the data.", {"data": False}, 2),
        ("An odd id, no time and no data.", {"conversation": 3, "time": MISSING, "data": MISSING}, 3),
        ("Bad data and a bad time.", {"data": {"reason": 5}, "time": "now"}, 2),
    ]
    return [
        *(Case(shows, REQUEST.but(**change), bad_request(conversation=number)) for shows, change, number in wrong),
        Case(
            "A request that the protocol does not define, without data.",
            REQUEST.but(name="no_such_request", data=MISSING),
            bad_request("no_such_request"),
        ),
    ]


def _unusable_ids() -> list[Case]:
    ids: list[tuple[str, Any]] = [
        ("No id", MISSING),
        ("Null for the id", None),
        ("A float with a fraction for the id", 2.5),
        ("A float that is whole for the id", 2.0),
        ("True for the id", True),
        ("False for the id", False),
        ("Text for the id", "2"),
        ("A list for the id", [2]),
        ("An object for the id", {}),
        ("A negative id", -2),
        ("A negative odd id", -1),
        ("The first id above the range", 2**32),
        ("An id of 63 bits", 2**63 - 2),
    ]
    return [
        Case(
            f"{shows} of a {kind}.",
            envelope,
            UNDECODABLE,
            # A program that cannot tell 2 from 2.0 in JSON may take both.
            valid(envelope | {"conversation": 2}) if number == 2.0 and isinstance(number, float) else None,
        )
        for kind, template in (("request", REQUEST), ("reply", REPLY))
        for shows, number in ids
        for envelope in [template.but(conversation=number)]
    ]


def _undecodable() -> list[Case]:
    kinds: list[tuple[str, Any]] = [
        ("No type.", MISSING),
        ("Null for the type.", None),
        ("A number for the type.", 1),
        ("An unknown type.", "event"),
        ("An empty type.", ""),
        ("A type in capitals.", "REQUEST"),
        ("A type with a space.", "request "),
    ]
    names: list[tuple[str, Any]] = [
        ("no name", MISSING),
        ("null for the name", None),
        ("a number for the name", 5),
        ("a list for the name", ["disconnect"]),
    ]
    wrong: list[tuple[str, Any]] = [("no data", MISSING), ("null for the data", None), ("a list for the data", [])]
    times: list[tuple[str, Any]] = [("no time", MISSING), ("a time without an offset", SECOND)]
    statuses: list[tuple[str, Any]] = [("no status", MISSING), ("null for the status", None), ("a number", 0)]
    kinds_of_two = (("message", MESSAGE), ("reply", REPLY))
    return [
        *(Case(shows, REQUEST.but(type=kind), UNDECODABLE) for shows, kind in kinds),
        *(Case(f"A request with {shows}.", REQUEST.but(name=name), bad_request(None)) for shows, name in names),
        *(Case(f"A reply with {shows}.", REPLY.but(name=name), UNDECODABLE) for shows, name in names),
        *(Case(f"A message with {shows}.", MESSAGE.but(name=name), UNDECODABLE) for shows, name in names),
        *(Case(f"A {k} with {s}.", t.but(data=data), UNDECODABLE) for k, t in kinds_of_two for s, data in wrong),
        *(Case(f"A {k} with {s}.", t.but(time=time), UNDECODABLE) for k, t in kinds_of_two for s, time in times),
        *(Case(f"A reply with {s} for its status.", REPLY.but(status=status), UNDECODABLE) for s, status in statuses),
        Case("An object without keys.", {}, UNDECODABLE),
    ]
