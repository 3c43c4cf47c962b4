"""Bytes: what is sent, as another library reads it, and how replies are told apart."""

import pytest
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Pong, TextMessage

from ric0_trio.client.address import Address
from ric0_trio.load.wire import (
    CLOSE,
    FailedError,
    Statuses,
    close_kind,
    frame,
    head_kind,
    is_whole_message,
    pong,
    split_frame,
    upgrade_request,
)
from tests.independent import bson

SIZES = [0, 1, 125, 126, 127, 65535]


def read(data: bytes) -> Event:
    server = Connection(ConnectionType.SERVER)
    server.receive_data(data)
    (event,) = server.events()
    return event


@pytest.mark.parametrize("size", SIZES)
def test_messages_are_whole_frames(size: int) -> None:
    assert read(frame("x" * size)) == TextMessage("x" * size)
    assert read(frame(b"\xff" * size)) == BytesMessage(bytearray(b"\xff" * size))


def test_control_frames() -> None:
    assert read(CLOSE) == CloseConnection(1000, "")
    assert read(pong(b"ping")) == Pong(b"ping")


@pytest.mark.parametrize("encoding", ["json", "bson"])
def test_the_upgrade_asks_for_one_encoding(encoding: str) -> None:
    request = upgrade_request(Address.parse("wss://[::1]:8443"), encoding).decode()
    lines = request.split("\r\n")
    assert lines[0] == "GET /ric0_chat HTTP/1.1"
    assert {"Host: [::1]:8443", f"Sec-WebSocket-Protocol: {encoding}"} < set(lines)
    assert request.endswith("\r\n\r\n")


def from_server(opcode: int, payload: bytes) -> bytes:
    size = len(payload)
    return bytes([0x80 | opcode]) + (bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2)) + payload


@pytest.mark.parametrize("size", SIZES[1:])
def test_frames_are_found_however_they_come(size: int) -> None:
    payload = b"x" * max(size, 4)
    data = from_server(1, payload)
    assert is_whole_message(data)
    assert not is_whole_message(data[:-1])
    assert not is_whole_message(data + b"\x81")
    assert split_frame(data + b"rest") == (1, payload, b"rest")
    assert all(split_frame(data[:end]) is None for end in range(0, len(data), max(1, len(data) // 7)))


def test_control_frames_are_no_messages() -> None:
    assert not is_whole_message(from_server(9, b"ping!"))
    assert split_frame(from_server(9, b"ping!")) == (9, b"ping!", b"")


@pytest.mark.parametrize("data", [b"\x01\x02hi", b"\x81\x7f" + bytes(9), b"\x81\x82\0\0\0\0hi"])
def test_what_no_reply_needs(data: bytes) -> None:
    with pytest.raises(FailedError, match="bad_frame"):
        split_frame(data)


KINDS = {
    b"HTTP/1.1 503 Service Unavailable\r\n": "http_503",
    b"HTTP/1.0 200 OK": "http_200",
    b"HTTP/1.1 what": "no_http",
    b"SSH-2.0-OpenSSH_9.6": "no_http",
    b"": "no_http",
}


@pytest.mark.parametrize(("head", "kind"), KINDS.items())
def test_answers_to_the_upgrade(head: bytes, kind: str) -> None:
    assert head_kind(head) == kind


@pytest.mark.parametrize(("payload", "kind"), [(b"\x03\xf0why", "closed_1008"), (b"", "closed_1005")])
def test_close_frames(payload: bytes, kind: str) -> None:
    assert close_kind(payload) == kind


SPELLINGS = {
    "json": [
        '{"type":"reply","status":"%s","data":{}}',
        '{"type": "reply", "status": "%s", "data": {}}',
        '{"data":{},"status"\n:\t"%s"}',
    ],
    "bson": ["%s"],
}


def spelled(encoding: str, pattern: str, status: str) -> bytes:
    if encoding == "bson":
        return bson.encode({"type": "reply", "status": status, "data": {}})
    return (pattern % status).encode()


@pytest.mark.parametrize(("encoding", "pattern"), [(e, one) for e, many in SPELLINGS.items() for one in many])
def test_a_status_is_found_in_every_spelling(encoding: str, pattern: str) -> None:
    statuses = Statuses(encoding)
    assert statuses.is_met(statuses.success, spelled(encoding, pattern, "success"))
    assert statuses.is_met(statuses.already_connected, spelled(encoding, pattern, "already_connected"))
    with pytest.raises(FailedError, match="status_disallowed_user"):
        statuses.is_met(statuses.success, spelled(encoding, pattern, "disallowed_user"))
    with pytest.raises(FailedError, match="status_success_not"):
        statuses.is_met(statuses.success, spelled(encoding, pattern, "success_not"))


@pytest.mark.parametrize("encoding", ["json", "bson"])
def test_the_usual_spelling_is_the_needle(encoding: str) -> None:
    statuses = Statuses(encoding)
    assert statuses.success in spelled(encoding, SPELLINGS["json"][0], "success")
    assert statuses.success not in spelled(encoding, SPELLINGS["json"][0], "success_not")


def test_what_is_no_reply_is_passed_over() -> None:
    assert not Statuses("json").is_met(b"", b'{"type":"message","name":"news","data":{}}')
