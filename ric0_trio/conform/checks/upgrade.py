"""Transport: what is refused before the 101 answer."""

from ric0_trio.conform.http import SWITCHING_PROTOCOLS, Answer
from ric0_trio.conform.messages import NEVER_USED
from ric0_trio.conform.outcomes import FailedError
from ric0_trio.conform.registry import Variants, check
from ric0_trio.conform.site import Site

_HUGE_HEAD_BYTES = 256 * 1024
_MAX_BODY_BYTES = 1024


async def _refuses(site: Site, status: int, what: str, head: bytes) -> Answer:
    """See that this head is refused with that status, and give the answer; `what` is wrong with it is for people."""
    try:
        return site.expect_status(await site.ask_http(head), status)
    except FailedError as error:
        raise FailedError(f"{error.expected} to a request with {what}", error.came) from None


@check("T31", Variants.ONCE)
async def says_why_for_people(site: Site) -> None:
    answer = await site.ask_http(site.head(target="/nowhere"))
    if answer.status == SWITCHING_PROTOCOLS:
        raise FailedError("a refusal", str(answer))
    kind = (answer.one("content-type") or "").partition(";")[0].strip().lower()
    if kind != "text/plain" or not 0 < len(answer.body) <= _MAX_BODY_BYTES:
        raise FailedError("a short body with `Content-Type: text/plain`", f"{len(answer.body)} bytes of {kind!r}")


@check("T32", Variants.ONCE)
async def refuses_what_is_no_http(site: Site) -> None:
    lines = site.head().split(b"\r\n")
    no_colon = b"\r\n".join([lines[0], b"this is no header", *lines[1:]])
    no_host = b"\r\n".join(line for line in lines if not line.startswith(b"Host:"))
    space = b"\r\n".join([lines[0], b"Some header : x", *lines[1:]])
    heads = {
        "no request line": b"how do you do?\r\n\r\n",
        "a header without a colon": no_colon,
        "no `Host`": no_host,
        "a space before the colon of a header": space,
        "the version HTTP/1.0": site.head(version="HTTP/1.0"),
    }
    for what, head in heads.items():
        await _refuses(site, 400, what, head)


@check("T33", Variants.ONCE)
async def refuses_headers_that_are_not_ascii(site: Site) -> None:
    for name in ("X-Name", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"):
        await _refuses(site, 400, f"{name} in Latin-1", site.head(changes={name: "json, \xe9\xff"}))


@check("T34", Variants.ONCE)
async def refuses_bad_websocket_keys(site: Site) -> None:
    for key in (None, "", "AAAA", "*" * 24, "A" * 22, "A" * 24):
        what = "no Sec-WebSocket-Key" if key is None else f'the Sec-WebSocket-Key "{key}"'
        await _refuses(site, 400, what, site.head(changes={"Sec-WebSocket-Key": key}))


@check("T35", Variants.ONCE)
async def refuses_unknown_subprotocols(site: Site) -> None:
    for offer in (NEVER_USED, "JSON, Bson, chat"):
        answer = await _refuses(site, 400, f"the offer {offer}", site.head(offer=offer))
        if b"bson" not in answer.body or b"json" not in answer.body:
            raise FailedError("a body that names `bson` and `json`", str(answer))


@check("T36", Variants.ONCE)
async def refuses_web_pages(site: Site) -> None:
    for origin in ("https://conform.invalid", "null"):
        await _refuses(site, 403, f"the Origin {origin}", site.head(changes={"Origin": origin}))


@check("T37", Variants.ONCE)
async def has_nothing_elsewhere(site: Site) -> None:
    for target in ("/", "/ric0_chat/", "/RIC0_CHAT", "/other?/ric0_chat", "/ric0_chatt"):
        await _refuses(site, 404, f"the path {target}", site.head(target=target))


@check("T38", Variants.ONCE)
async def opens_with_get_alone(site: Site) -> None:
    for method in ("HEAD", "POST", "PUT", "OPTIONS"):
        await _refuses(site, 405, f"the method {method}", site.head(method=method))


@check("T39", Variants.ONCE)
async def serves_websockets_alone(site: Site) -> None:
    changes: dict[str, dict[str, str | None]] = {
        "neither `Upgrade` nor `Connection`": {"Upgrade": None, "Connection": None},
        "`Upgrade: h2c`": {"Upgrade": "h2c"},
        "`Connection: keep-alive`": {"Connection": "keep-alive"},
    }
    for what, change in changes.items():
        await _refuses(site, 426, what, site.head(changes=change))


@check("T40", Variants.ONCE)
async def speaks_version_13_alone(site: Site) -> None:
    for version in (None, "8", "12", "14", "13, 8"):
        what = "no Sec-WebSocket-Version" if version is None else f"the Sec-WebSocket-Version {version}"
        await _refuses(site, 426, what, site.head(changes={"Sec-WebSocket-Version": version}))


@check("T41", Variants.ONCE)
async def refuses_large_heads(site: Site) -> None:
    await _refuses(
        site, 431, f"a header of {_HUGE_HEAD_BYTES} bytes", site.head(changes={"X-Filler": "x" * _HUGE_HEAD_BYTES})
    )
