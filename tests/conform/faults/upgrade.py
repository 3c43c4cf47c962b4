"""Faults in answering the HTTP request."""

import base64
import hashlib
import socket
import ssl
from dataclasses import replace

import trio

from tests.conform.faults.seeding import seeds
from tests.conform.reference.door import Door
from tests.conform.reference.gate import Gate, Refusal, Request, Upgrade, respond

BOTH = ("json", "bson")


@seeds("T1")
class AnswersTwoHundred(Gate):
    """The answer to an upgrade is 200, not 101."""

    def switch(self, headers: list[tuple[str, str]]) -> bytes:
        return super().switch(headers).replace(b"101 Switching Protocols", b"200 OK")


@seeds("T1")
class HashesTheKeyAlone(Gate):
    """`Sec-WebSocket-Accept` leaves out the GUID of RFC 6455."""

    def accept(self, key: bytes) -> str:
        return base64.b64encode(hashlib.sha1(key, usedforsecurity=False).digest()).decode()


@seeds("T9")
class NamesWhatNobodyOffered(Gate):
    """A client that offers no subprotocol is told `json`."""

    def name_choice(self, offered: list[bytes], encoding: str) -> list[tuple[str, str]]:
        return [("Sec-WebSocket-Protocol", encoding)]


@seeds("T5")
class NamesNoChoice(Gate):
    """The answer does not name the subprotocol that was chosen."""

    def name_choice(self, offered: list[bytes], encoding: str) -> list[tuple[str, str]]:
        return []


@seeds("T5", encodings=BOTH)
class SpeaksBsonToAll(Gate):
    """`bson` is chosen whether or not it is offered."""

    def choose(self, offered: list[bytes]) -> str:
        return "bson"


@seeds("T8")
class GivesBsonUnasked(Gate):
    """A client that offers nothing gets `bson`."""

    def choose(self, offered: list[bytes]) -> str:
        return super().choose(offered) if offered else "bson"


@seeds("T4", encodings=BOTH)
class PrefersJson(Gate):
    """`json` is chosen when both are offered."""

    def choose(self, offered: list[bytes]) -> str:
        return "json" if b"json" in offered or not offered else "bson"


@seeds("T4", encodings=BOTH)
class TakesTheFirstOffered(Gate):
    """Of both, whatever is offered first is chosen."""

    def choose(self, offered: list[bytes]) -> str:
        known = [name.decode() for name in offered if name in (b"json", b"bson")]
        return known[0] if known else "json"


@seeds("T7")
class ReadsOneOfferHeader(Gate):
    """Of several `Sec-WebSocket-Protocol` headers only the first is read."""

    def decide(self, head: bytes, early: bytes) -> Upgrade | Refusal:
        lines, seen = [], False
        for line in head.split(b"\r\n"):
            is_offer = line.lower().startswith(b"sec-websocket-protocol:")
            if not (is_offer and seen):
                lines.append(line)
            seen = seen or is_offer
        return super().decide(b"\r\n".join(lines), early)


@seeds("T35")
class TakesUnknownOffers(Gate):
    """A client that offers neither `bson` nor `json` gets in."""

    def check_offer(self, request: Request) -> Refusal | None:
        return None


@seeds("T35")
class DoesNotSayWhatItSpeaks(Gate):
    """The refusal of unknown subprotocols does not name those that are known."""

    def check_offer(self, request: Request) -> Refusal | None:
        refusal = super().check_offer(request)
        return refusal and replace(refusal, text="what you offer is not spoken here")


@seeds("T37")
class ServesEveryPath(Gate):
    """Any path is as good as `/ric0_chat`."""

    def check_path(self, request: Request) -> Refusal | None:
        return None


@seeds("T2")
class MindsTheQuery(Gate):
    """A query behind the path makes it another path."""

    def parse(self, head: bytes) -> Request | Refusal:
        return Refusal(404, "not here") if b"?" in head.partition(b"\r\n")[0] else super().parse(head)


@seeds("T36")
class ServesWebPages(Gate):
    """The `Origin` of a web page is not looked at."""

    def check_origin(self, request: Request) -> Refusal | None:
        return None


@seeds("T38")
class TakesEveryMethod(Gate):
    """POST opens a WebSocket too."""

    def check_method(self, request: Request) -> Refusal | None:
        return None


@seeds("T40")
class TakesEveryVersion(Gate):
    """Another version of WebSockets than 13 is taken."""

    def check_version(self, request: Request) -> Refusal | None:
        return None


@seeds("T39")
class UpgradesUnasked(Gate):
    """A plain GET is upgraded."""

    def check_upgrade(self, request: Request) -> Refusal | None:
        return None


@seeds("T34")
class TakesEveryKey(Gate):
    """`Sec-WebSocket-Key` may be anything, or missing."""

    def check_key(self, request: Request) -> Refusal | None:
        request.headers.setdefault(b"sec-websocket-key", [b""])
        return None


@seeds("T33")
class TakesEveryByte(Gate):
    """A header may have bytes that are not ASCII."""

    def check_ascii(self, request: Request) -> Refusal | None:
        return None


@seeds("T32")
class SpeaksOldHttp(Gate):
    """HTTP/1.0 will do."""

    def parse(self, head: bytes) -> Request | Refusal:
        return super().parse(head.replace(b"HTTP/1.0\r\n", b"HTTP/1.1\r\n", 1))


@seeds("T32")
class IsOpenToNonsense(Gate):
    """What is not HTTP is answered 500."""

    def parse(self, head: bytes) -> Request | Refusal:
        request = super().parse(head)
        return replace(request, status=500) if isinstance(request, Refusal) else request


@seeds("T32", "T35", "T37", "T38")
class LeavesWithoutAWord(Gate):
    """A refused upgrade is no HTTP answer, but a closed connection."""

    def decide(self, head: bytes, early: bytes) -> Upgrade | Refusal:
        decision = super().decide(head, early)
        if isinstance(decision, Refusal):
            raise trio.BrokenResourceError
        return decision


@seeds("T36", "T37", "T38", "T39", "T40", "T41")
class RefusesWithFourHundred(Gate):
    """Every refusal has the status 400."""

    async def open(self, stream: trio.abc.ReceiveStream) -> Upgrade | Refusal:
        opened = await super().open(stream)
        return replace(opened, status=400) if isinstance(opened, Refusal) else opened


class _Page(Refusal):
    def response(self) -> bytes:
        page = f"<!DOCTYPE html><title>{self.status}</title>{self.text}".encode() * 40
        return respond(self.status, [("Content-Type", "text/html")], page)


@seeds("T31")
class RefusesWithAPage(Gate):
    """The body of a refusal is a long page of HTML."""

    def decide(self, head: bytes, early: bytes) -> Upgrade | Refusal:
        decision = super().decide(head, early)
        return _Page(decision.status, decision.text) if isinstance(decision, Refusal) else decision


@seeds("T41", "B13")
class TakesLongHeads(Gate):
    """A head may have a megabyte."""

    max_head_bytes = 1024 * 1024

    def parse(self, head: bytes) -> Request | Refusal:
        short = [line for line in head.split(b"\r\n") if len(line) < 1024]  # h11 has a bound of its own
        return super().parse(b"\r\n".join(short))


@seeds("B13")
class TakesShortHeadsAlone(Gate):
    """A head may have no more than 512 bytes."""

    max_head_bytes = 512


@seeds("B12")
class WaitsForHeads(Gate):
    """There is no deadline for the HTTP head."""

    timeout_s = 3600.0


@seeds("T19")
class Compresses(Gate):
    """The answer agrees to permessage-deflate, which is never used."""

    def switch(self, headers: list[tuple[str, str]]) -> bytes:
        return super().switch([*headers, ("Sec-WebSocket-Extensions", "permessage-deflate")])


@seeds("T19")
class RefusesExtensions(Gate):
    """A client that offers an extension is refused."""

    def check_offer(self, request: Request) -> Refusal | None:
        if b"sec-websocket-extensions" in request.headers:
            return Refusal(400, "no extensions")
        return super().check_offer(request)


@seeds("T1")
class WantsLowerCase(Gate):
    """`Upgrade: WebSocket` is not understood for its capital letters."""

    def check_upgrade(self, request: Request) -> Refusal | None:
        if b"websocket" in request.elements(b"upgrade"):
            return None
        return Refusal(426, "this is for websockets")


@seeds("T3", is_tls=True)
class SpeaksPlainToo(Door):
    """The port for TLS also speaks without."""

    async def admit(self, stream: trio.SocketStream, context: ssl.SSLContext | None) -> trio.abc.Stream:
        first = await stream.socket.recv(1, socket.MSG_PEEK)
        return await super().admit(stream, None if first == b"G" else context)
