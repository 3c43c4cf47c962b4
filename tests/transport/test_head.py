"""An HTTP head, cut anywhere: read to its end, bounded, and what is behind it kept."""

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import memory_stream_one_way_pair

from ric0_trio.transport.head import HeadTooBigError, read_head
from ric0_trio.transport.loopback import is_loopback

END = b"\r\n\r\n"
MAX_HEAD_BYTES = 8192


async def read(chunks: list[bytes]) -> tuple[bytes, bytes]:
    """Read a head that comes in these chunks, and then whatever else came."""
    sending, receiving = memory_stream_one_way_pair()

    async def send() -> None:
        async with sending:
            for chunk in chunks:
                await sending.send_all(chunk)
                await trio.testing.wait_all_tasks_blocked()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        head, rest = await read_head(receiving, MAX_HEAD_BYTES)
        while more := await receiving.receive_some():
            rest += more
    return head, rest


def of_size(size: int) -> bytes:
    return b"x" * (size - len(END)) + END


READ = {
    "only a head": (of_size(100), b""),
    "nothing but its end": (END, b""),
    "something behind": (of_size(100), b"frames"),
    "another end behind": (of_size(100), b"frames" + END),
    "as big as may be": (of_size(MAX_HEAD_BYTES), b""),
    "as big as may be, and something behind": (of_size(MAX_HEAD_BYTES), b"\0" * 5000),
}
CUTS = [1, 3, 97, 98, 4096, 5000, 8191]


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(("head", "rest"), READ.values(), ids=READ)
async def test_head_is_read_whole_wherever_it_is_cut(head: bytes, rest: bytes, cut: int) -> None:
    data = head + rest
    assert await read([data[:cut], data[cut:]]) == (head, rest)


@settings(deadline=None, max_examples=50)
@given(st.data())
async def test_head_in_many_pieces(data: st.DataObject) -> None:
    head, rest = data.draw(st.sampled_from(list(READ.values())))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(head + rest)), max_size=8)))
    pieces = [(head + rest)[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(head + rest)], strict=True)]
    assert await read([piece for piece in pieces if piece]) == (head, rest)


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("size", [MAX_HEAD_BYTES + 1, MAX_HEAD_BYTES + 4, MAX_HEAD_BYTES + 4096, 100_000])
async def test_more_is_too_big(size: int, cut: int) -> None:
    with pytest.RaisesGroup(HeadTooBigError):
        await read([of_size(size)[:cut], of_size(size)[cut:]])


@pytest.mark.parametrize("sent", [b"", b"GET", of_size(100)[:-1], b"GET / HTTP/1.1\n\n"], ids=repr)
async def test_an_end_too_early_is_a_broken_stream(sent: bytes) -> None:
    with pytest.RaisesGroup(trio.BrokenResourceError):
        await read([sent] if sent else [])


@pytest.mark.parametrize(
    ("host", "answer"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.255.0.9", True),
        ("::1", True),
        ("0.0.0.0", False),  # noqa: S104
        ("::", False),
        ("192.0.2.1", False),
        ("localhost.example", False),
        ("", False),
    ],
)
def test_loopback_is_told_apart(host: str, answer: bool) -> None:
    assert is_loopback(host) is answer
