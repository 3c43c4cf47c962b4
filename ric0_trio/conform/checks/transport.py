"""Transport: how a WebSocket is opened, and what travels on it."""

from ric0_trio.conform.frames import Opcode, make_frame
from ric0_trio.conform.http import acceptance_of
from ric0_trio.conform.messages import NEVER_USED, make_nonce, make_request
from ric0_trio.conform.outcomes import FailedError, SkippedError
from ric0_trio.conform.people import to_base64
from ric0_trio.conform.registry import Variants, check
from ric0_trio.conform.site import Site
from ric0_trio.conform.websocket import Closed, Ping, Pong

_FIRST_REFUSAL = 400
_CONTROL_FRAMES_BEFORE_AUTH = 8
_CONTROL_FRAMES_PER_MIN = 60
_MAX_BYTES_BEFORE_AUTH = 16_384


@check("T1", Variants.ONCE)
async def opens(site: Site) -> None:
    head = site.head()
    answer, _ = await site.open_with(head)
    if answer.one("sec-websocket-accept") != acceptance_of(head):
        raise FailedError(f"Sec-WebSocket-Accept: {acceptance_of(head)}", repr(answer.all("sec-websocket-accept")))
    await site.open_with(site.head(changes={"Upgrade": "WebSocket", "Connection": "keep-alive, UPGRADE"}))
    if (answer.one("upgrade") or "").lower() != "websocket" or "upgrade" not in str(answer.one("connection")).lower():
        raise FailedError("`Upgrade: websocket` and `Connection: Upgrade`", repr(answer.headers))


@check("T2", Variants.ONCE)
async def ignores_a_query(site: Site) -> None:
    await site.open_with(site.head(target=f"{site.target.address.path}?a=1&b=%20/other"))


@check("T3", Variants.ONCE)
async def speaks_tls(site: Site) -> None:
    if not site.target.address.is_tls:
        raise SkippedError("the URL is ws://, which is for tests alone")
    await site.open()
    stream = await site.dial(is_plain=True)
    try:
        answer = await site.read_http(stream, site.head())
    except FailedError:  # what answers is TLS, as it should
        return
    if answer is not None and answer.status < _FIRST_REFUSAL:
        raise FailedError("no WebSocket without TLS on this port", str(answer))


async def _choice(site: Site, offer: str | None) -> str | None:
    answer, _ = await site.open_with(site.head(offer=offer))
    named = answer.all("sec-websocket-protocol")
    if len(named) > 1:
        raise FailedError("one subprotocol", repr(named))
    return named[0] if named else None


async def _chooses(site: Site, wanted: str, *offers: str) -> None:
    for offer in offers:
        chosen = await _choice(site, offer)
        if chosen != wanted:
            raise FailedError(f"`{wanted}` of the offer {offer!r}", chosen or "no subprotocol")


@check("T4", Variants.ONCE, encoding="bson")
async def prefers_bson(site: Site) -> None:
    await _chooses(site, "bson", "bson, json", "json, bson", "json,bson", "bson")


@check("T5", Variants.ONCE)
async def has_json(site: Site) -> None:
    await _chooses(site, "json", "json")


@check("T6", Variants.ONCE, encoding="bson")
async def has_bson(site: Site) -> None:
    await _chooses(site, "bson", "bson")


@check("T7", Variants.ONCE)
async def passes_over_other_offers(site: Site) -> None:
    await _chooses(site, "json", f"{NEVER_USED}, json", f"json, {NEVER_USED}")
    await _chooses(site, "json", f"{NEVER_USED}\r\nSec-WebSocket-Protocol: json")  # a list may come in several headers


@check("T8", Variants.ONCE, encoding="json")
async def speaks_json_without_an_offer(site: Site) -> None:
    _, peer = await site.open_with(site.head(offer=None))
    await peer.challenge()


@check("T9", Variants.ONCE)
async def names_nothing_without_an_offer(site: Site) -> None:
    chosen = await _choice(site, None)
    if chosen is not None:
        raise FailedError("no Sec-WebSocket-Protocol, as none was offered", repr(chosen))


@check("T10")
async def sends_its_kind_of_message(site: Site) -> None:
    peer = await site.open()
    await peer.ask("challenge", {"challenge": to_base64(make_nonce())})
    came = await peer.receive("a reply")
    if not isinstance(came, site.encoding.payload_type):
        kind = {str: "text", bytes: "binary"}[site.encoding.payload_type]
        raise FailedError(f"a {kind} message", f"{type(came).__name__}: {str(came)[:100]!r}")


@check("T11")
async def closes_at_the_other_kind(site: Site) -> None:
    peer = await site.open()
    payload = site.encoding.encode(make_request("challenge", {"challenge": to_base64(make_nonce())}, 0))
    await peer.send_payload(payload.encode() if isinstance(payload, str) else "{}")
    await peer.expect_close(1003)


def _fragments(site: Site, sizes: tuple[int, ...]) -> list[bytes]:
    """A `challenge` in frames of so many bytes, and one with the rest."""
    payload = site.encoding.encode(make_request("challenge", {"challenge": to_base64(make_nonce())}, 0))
    raw = payload.encode() if isinstance(payload, str) else payload
    opcode: int = Opcode.TEXT if isinstance(payload, str) else Opcode.BINARY
    frames = []
    for size in sizes:
        frames.append(make_frame(opcode, raw[:size], is_last=False))
        opcode, raw = Opcode.CONTINUATION, raw[size:]
    return [*frames, make_frame(opcode, raw)]


@check("T12")
async def takes_fragments(site: Site) -> None:
    for sizes in ((1,), (0, 10, 0, 10), (50, 50)):
        peer = await site.open()
        for frame in _fragments(site, sizes):
            await peer.send_raw(frame, f"a fragment of a `challenge`, {len(frame)} bytes")
        peer.awaits("challenge", 0)
        await peer.expect_reply("success")


@check("T13")
async def takes_pings_between_fragments(site: Site) -> None:
    peer = await site.open()
    first, last = _fragments(site, (20,))
    await peer.send_raw(first, "the first fragment of a `challenge`")
    await peer.send_ping(b"between")
    await peer.send_raw(make_frame(Opcode.PONG), "a pong")
    await peer.send_raw(last, "the last fragment")
    peer.awaits("challenge", 0)
    await peer.expect_reply("success")


@check("T14", Variants.ONCE)
async def measures_the_whole_message(site: Site) -> None:
    opcode = Opcode.TEXT if site.encoding.payload_type is str else Opcode.BINARY
    part = b" " * 6000
    fragments = [make_frame(opcode, part, is_last=False), make_frame(Opcode.CONTINUATION, part, is_last=False)]
    large = {
        "three fragments of 6000 bytes": b"".join([*fragments, make_frame(Opcode.CONTINUATION, part)]),
        "6000 characters of three bytes": make_frame(opcode, 6000 * "\u20ac".encode()),
    }
    for what, data in large.items():
        peer = await site.open()
        await peer.send_raw(data, f"{what}, where {_MAX_BYTES_BEFORE_AUTH} bytes are allowed in all")
        await peer.expect_close(1009)


@check("T15", Variants.ONCE)
async def answers_pings(site: Site) -> None:
    peer = await site.open()
    for payload in (b"", b"are you there?", bytes(range(125))):
        await peer.send_ping(payload)
        came = await peer.next_event(f"a pong with {payload!r}")
        if came != Pong(payload):
            raise FailedError(f"a pong with {payload!r}", peer.tell(came))


@check("T16", Variants.ONCE)
async def passes_over_pongs(site: Site) -> None:
    peer = await site.open()
    await peer.send_raw(make_frame(Opcode.PONG, b"unasked"), "a pong that nobody asked for")
    await peer.ask("challenge", {"challenge": to_base64(make_nonce())})
    came = await peer.next_event("the reply to `challenge`")
    if isinstance(came, Closed | Ping | Pong):
        raise FailedError("the reply to `challenge`, and nothing before", peer.tell(came))


@check("T17", Variants.ONCE)
async def bounds_pings_before_a_user(site: Site) -> None:
    peer = await site.open()
    for _ in range(_CONTROL_FRAMES_BEFORE_AUTH // 2):
        await peer.send_ping()
        await peer.send_raw(make_frame(Opcode.PONG), "a pong")
    await peer.challenge()
    await peer.send_ping(b"one too many")
    await peer.expect_close(1008)


@check("T18", Variants.ONCE)
async def bounds_pings_of_a_user(site: Site) -> None:
    peer = await site.connected()
    pong = make_frame(Opcode.PONG)
    await peer.send_raw(_CONTROL_FRAMES_PER_MIN * pong, f"{_CONTROL_FRAMES_PER_MIN} pongs at once")
    await peer.ask("challenge", {"challenge": to_base64(make_nonce())})
    await peer.expect_reply("success")
    await peer.send_raw(10 * pong, "10 more")
    await peer.expect_close(1008)


@check("T19", Variants.ONCE)
async def negotiates_no_extension(site: Site) -> None:
    head = site.head(changes={"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"})
    answer, peer = await site.open_with(head)
    if named := answer.all("sec-websocket-extensions"):
        raise FailedError("an answer without Sec-WebSocket-Extensions", repr(named))
    await peer.challenge()


@check("T20")
async def sends_good_frames(site: Site) -> None:
    peer = await site.open()
    await peer.send_ping(b"x")
    while not isinstance(await peer.next_event("a pong"), Pong):
        continue
    await peer.challenge()
    await peer.send_close()
    while not isinstance(await peer.next_event("Close"), Closed):
        continue
