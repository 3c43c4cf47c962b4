"""Close codes: what the server's Close frames hold, and what follows them."""

from ric0_trio.conform.checks.attempts import challenge_data
from ric0_trio.conform.frames import make_close, make_frame, make_message
from ric0_trio.conform.messages import make_request
from ric0_trio.conform.outcomes import FailedError
from ric0_trio.conform.registry import Variants, check
from ric0_trio.conform.site import Site
from ric0_trio.conform.websocket import Closed

_CODES = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1013, 4001, 4002, 4003)
_MAX_REASON_BYTES = 123
_TOO_LARGE = 20_000


@check("C1", Variants.ONCE)
async def answers_closes(site: Site) -> None:
    for peer in (await site.open(), await site.challenged()):
        await peer.send_close(1000)
        await peer.expect_close(1000)
        await peer.expect_end()


async def _closes(site: Site) -> list[Closed]:
    """Provoke the server to close in every way that does not take long."""
    kind = site.encoding.payload_type
    provocations = {
        "an unmasked frame": make_frame(0x1, b"{}", is_masked=False),
        "the other kind": make_message(b"" if kind is str else "{}"),
        "no envelope": make_message("[" if kind is str else b"["),
        "too large a message": make_message("x" * _TOO_LARGE if kind is str else bytes(_TOO_LARGE)),
    }
    found = []
    for what, data in provocations.items():
        peer = await site.open()
        await peer.send_raw(data, what)
        came = await peer.receive("the server's Close")
        if not isinstance(came, Closed):
            raise FailedError("the server's Close", peer.tell(came))
        if came.code is not None:
            found.append(came)
    return found


@check("C2")
async def closes_with_known_codes(site: Site) -> None:
    for closed in await _closes(site):
        if closed.code not in _CODES:
            raise FailedError(f"one of the codes {', '.join(map(str, _CODES))}", str(closed))


@check("C3")
async def is_silent_after_its_close(site: Site) -> None:
    peer = await site.open()
    good = make_message(site.encoding.encode(make_request("challenge", challenge_data(), 0)))
    bad = make_message(site.encoding.encode({}))
    await peer.send_raw(bad + good + make_frame(0x9, b"?") + good, "no envelope, and good requests behind it")
    await peer.expect_close(1007)
    await peer.expect_end()
    peer = await site.open()
    await peer.send_raw(make_close(1000) + good, "Close 1000, and a request behind it")
    await peer.expect_close(1000)
    await peer.expect_end()


@check("C4")
async def gives_reasons(site: Site) -> None:
    for closed in await _closes(site):
        try:
            reason = closed.reason.decode()
        except UnicodeDecodeError:
            raise FailedError("a reason in UTF-8", repr(closed.reason)) from None
        if not 0 < len(closed.reason) <= _MAX_REASON_BYTES or not reason.isprintable():
            raise FailedError(f"a short reason, of at most {_MAX_REASON_BYTES} bytes", str(closed))
