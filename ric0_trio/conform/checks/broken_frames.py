"""Transport: frames that are against RFC 6455."""

from ric0_trio.conform.frames import MAX_CONTROL_BYTES, Opcode, make_close, make_frame
from ric0_trio.conform.messages import make_nonce, make_request
from ric0_trio.conform.people import to_base64
from ric0_trio.conform.registry import Variants, check
from ric0_trio.conform.site import Site

_TEXT, _BINARY, _MORE = Opcode.TEXT, Opcode.BINARY, Opcode.CONTINUATION


def _challenge(site: Site) -> tuple[Opcode, bytes]:
    """A request that would be answered, if its frame were a good one."""
    payload = site.encoding.encode(make_request("challenge", {"challenge": to_base64(make_nonce())}, 0))
    return (_TEXT, payload.encode()) if isinstance(payload, str) else (_BINARY, payload)


async def _ends(site: Site, code: int, frames: dict[str, bytes], *, may_cut: bool = True) -> None:
    """See that each of these, on a connection of its own, ends it without a reply."""
    for what, data in frames.items():
        peer = await site.open()
        await peer.send_raw(data, what)
        await peer.expect_close(code, may_cut=may_cut)


@check("T21", Variants.ONCE)
async def says_that_frames_are_bad(site: Site) -> None:
    unmasked = make_frame(*_challenge(site), is_masked=False)
    frames = {"an unmasked frame": unmasked, "an unknown opcode": make_frame(0x3)}
    await _ends(site, 1002, frames, may_cut=False)
    if site.encoding.payload_type is str:
        await _ends(site, 1007, {"text that is not UTF-8": make_frame(_TEXT, b"\xff\xfe")}, may_cut=False)


@check("T22")
async def refuses_unmasked_frames(site: Site) -> None:
    opcode, payload = _challenge(site)
    unmasked = make_frame(opcode, payload, is_masked=False)
    await _ends(site, 1002, {"an unmasked `challenge`": unmasked, "an unmasked ping": make_frame(9, is_masked=False)})


@check("T23")
async def refuses_reserved_bits(site: Site) -> None:
    opcode, payload = _challenge(site)
    frames = {f"reserved bits {bits:03b}": make_frame(opcode, payload, reserved_bits=bits) for bits in (1, 2, 4)}
    await _ends(site, 1002, {**frames, "a ping with a reserved bit": make_frame(Opcode.PING, reserved_bits=4)})


@check("T24", Variants.ONCE)
async def refuses_unknown_opcodes(site: Site) -> None:
    await _ends(site, 1002, {f"the opcode {code:#x}": make_frame(code) for code in (0x3, 0x7, 0xB, 0xF)})


@check("T25", Variants.ONCE)
async def refuses_control_frames_in_fragments(site: Site) -> None:
    kinds = (Opcode.PING, Opcode.PONG, Opcode.CLOSE)
    await _ends(site, 1002, {f"a {kind.name} that is not whole": make_frame(kind, is_last=False) for kind in kinds})


@check("T26", Variants.ONCE)
async def refuses_long_control_frames(site: Site) -> None:
    payload = bytes(MAX_CONTROL_BYTES + 1)
    kinds = (Opcode.PING, Opcode.PONG)
    await _ends(site, 1002, {f"a {kind.name} of 126 bytes": make_frame(kind, payload) for kind in kinds})


@check("T27")
async def refuses_to_go_on_with_nothing(site: Site) -> None:
    _, payload = _challenge(site)
    await _ends(site, 1002, {"a continuation of nothing": make_frame(_MORE, payload)})


@check("T28")
async def refuses_to_begin_in_between(site: Site) -> None:
    opcode, payload = _challenge(site)
    begun = make_frame(opcode, payload[:10], is_last=False)
    await _ends(site, 1002, {"half a message, and a whole one": begun + make_frame(opcode, payload)})


@check("T29", Variants.ONCE)
async def refuses_bad_closes(site: Site) -> None:
    codes = (0, 999, 1005, 1006, 1015, 5000, 65535)
    frames = {f"Close {code}": make_close(code) for code in codes}
    await _ends(site, 1002, {"a Close of one byte": make_frame(Opcode.CLOSE, b"\x03"), **frames})


@check("T30", Variants.ONCE, encoding="json")
async def refuses_text_that_is_not_utf8(site: Site) -> None:
    _, payload = _challenge(site)
    surrogate = payload.replace(b'"time"', b'"\xed\xa0\x80": 1, "time"')
    overlong = payload.replace(b'"time"', b'"\xc0\xaf": 1, "time"')
    texts = {"UTF-8 cut short": b'"\xe2\x82', "0xFF": b"\xff", "a lone surrogate": surrogate, "overlong": overlong}
    await _ends(site, 1007, {f"text that is not UTF-8, {what}": make_frame(_TEXT, raw) for what, raw in texts.items()})
