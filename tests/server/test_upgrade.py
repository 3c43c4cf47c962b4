"""The short way through a usual HTTP head says what h11 says, and leaves the rest to it."""

import h11
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ric0_trio.server.upgrade import HttpRequest, parse_request

NAMES = st.sampled_from(
    ["Host", "host", "Upgrade", "Connection", "Origin", "X-A", "Content-Length", "Transfer-Encoding"]
)
ODD = ["", "websocket", "a, b", " padded ", "\tx\t", "0", "12", "chunked", "a\tb", "\x7f", "\x00", "caf\xe9"]
VALUES = st.one_of(st.sampled_from(ODD), st.text(st.characters(max_codepoint=255), max_size=10))
SPACES = st.sampled_from(["", " ", "  ", "\t"])
ENDS = st.sampled_from([*["\r\n"] * 9, "\n"])
LINES = st.builds("{}:{}{}{}".format, NAMES, SPACES, VALUES, ENDS)
HEADS = st.builds(
    "{} {} {}\r\n{}\r\n".format,
    st.sampled_from(["GET", "GET", "GET", "POST", "get", "G(T"]),
    st.sampled_from(["/ric0_chat", "/ric0_chat?x=1", "/", "*", "/\x7f", "/a b", ""]),
    st.sampled_from(["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "http/1.1"]),
    st.tuples(st.just("Host: x\r\n"), st.lists(LINES, max_size=4).map("".join)).map("".join),
).map(lambda head: head.encode("latin-1"))


@given(HEADS)
@example(b"GET / HTTP/1.1\r\nHost: x\r\nX-A: 1\r\n 2\r\n\r\n")
@example(b"GET / HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nx-a: 2\r\n\r\n")
@example(b"GET / HTTP/1.1\r\nHost: x\r\nX-A : 1\r\n\r\n")
@example(b"GET / HTTP/1.1\r\n\r\n")
def test_it_says_what_h11_says(head: bytes) -> None:
    told, request = h11_says(head), parse_request(head)
    if not isinstance(request, HttpRequest):
        assert told is None or b"\n\n" in head.replace(b"\r", b"")  # which ends a head for h11, and hides what follows
        return
    assert told is not None
    assert request.method == told.method
    assert request.path == told.target.split(b"?")[0]
    names = {name for name, _ in told.headers}
    assert {name: request.all(name) for name in names} == {
        name: [value for one, value in told.headers if one == name] for name in names
    }


LONG = {
    "headers of nothing but blanks": b"A:   \r\n" * 1000,
    "a value of nothing but blanks": b"A:" + b" " * 8000 + b"\r\n",
    "blanks in the middle": b"A: a" + b" " * 8000 + b"b\r\n",
    "a long name": b"A" * 8000 + b"\r\n",
}


@pytest.mark.parametrize("lines", LONG.values(), ids=LONG)
@pytest.mark.parametrize("end", [b"\r\n", b"B:\x01\r\n\r\n", b"B\r\n\r\n"])
def test_what_takes_long_to_match_with_a_careless_pattern(lines: bytes, end: bytes) -> None:
    """It would not come back within the life of this test."""
    parse_request(b"GET / HTTP/1.1\r\nHost: x\r\n" + lines + end)


def h11_says(head: bytes) -> h11.Request | None:
    """The request, if it is one of HTTP/1.1."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(head)
    try:
        event = connection.next_event()
    except h11.RemoteProtocolError:
        return None
    return event if isinstance(event, h11.Request) and event.http_version == b"1.1" else None
