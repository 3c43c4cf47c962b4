"""Peers that are bad at HTTP, and what each is answered: a status, and a piece of the response."""

from ric0_trio.protocol import PATH
from tests.server.raw_client import HEAD

GOOD = {
    "Host": "chat.example",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAECAwQFBgcICQoLDA0ODw==",
}
BAD_BYTE = "json\xff"


def head(target: str = PATH, method: str = "GET", version: str = "HTTP/1.1", **changes: str | None) -> bytes:
    """A good request, but for `changes`: a header's value by its name (`_` for `-`), None to leave it out."""
    headers: dict[str, str | None] = {**GOOD, **{name.replace("_", "-"): value for name, value in changes.items()}}
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join([f"{method} {target} {version}", *lines, "", ""]).encode("latin-1")


ANSWERED: dict[str, tuple[bytes, int, bytes]] = {
    # What is good
    "nothing special": (HEAD, 101, b"\r\n\r\n"),
    "offers none": (head(), 101, b"Upgrade"),
    "offers json": (head(Sec_WebSocket_Protocol="json"), 101, b"Protocol: json"),
    "offers bson": (head(Sec_WebSocket_Protocol="bson"), 101, b"Protocol: bson"),
    "prefers json, gets bson": (head(Sec_WebSocket_Protocol="x, json,bson"), 101, b"Protocol: bson"),
    "a query": (head(f"{PATH}?a=b"), 101, b""),
    "a header of 7 KiB": (head(X_Long="x" * 7168), 101, b""),
    "a head of exactly 8 KiB": (head(X_Long="x" * (8192 - len(head(X_Long="")))), 101, b""),
    "a keep-alive beside the upgrade": (head(Connection="keep-alive, Upgrade"), 101, b""),
    # Extensions, none of which is accepted (RawClient.upgrade asserts as much)
    **{
        f"extension {offer}": (head(Sec_WebSocket_Extensions=offer), 101, b"\r\n\r\n")
        for offer in (
            "permessage-deflate",
            "permessage-deflate; client_max_window_bits=abc",
            "permessage-deflate; client_max_window_bits=99999999999999999999",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate;;;=,,\x01"[:-1],
            "x-unknown; a=b",
        )
    },
    # Subprotocols
    "unknown subprotocols": (head(Sec_WebSocket_Protocol="xml, JSON"), 400, b"json and bson"),
    # Web pages
    "a page": (head(Origin="https://evil.example"), 403, b"origin"),
    "a page of no origin": (head(Origin="null"), 403, b"origin"),
    "a page of this server": (head(Origin="https://chat.example"), 403, b"origin"),
    # Bytes that are not ASCII
    "subprotocol not ASCII": (head(Sec_WebSocket_Protocol=BAD_BYTE), 400, b"sec-websocket-protocol"),
    "extension not ASCII": (head(Sec_WebSocket_Extensions=BAD_BYTE), 400, b"sec-websocket-extensions"),
    "host not ASCII": (head(Host=BAD_BYTE), 400, b"host"),
    "any header not ASCII": (head(X_Any=BAD_BYTE), 400, b"x-any"),
    "header name not ASCII": (head(Xÿ="a"), 400, b""),
    "target not ASCII": (head("/\xff"), 400, b""),
    "method not ASCII": (head(method="G\xffT"), 400, b""),
    # Not the request that is wanted
    "another path": (head("/"), 404, PATH.encode()),
    "a longer path": (head(PATH + "/"), 404, b""),
    "an absolute target": (head(f"http://chat.example{PATH}"), 404, b""),
    "POST": (head(method="POST"), 405, b"Allow: GET"),
    "HEAD": (head(method="HEAD"), 405, b""),
    "no upgrade": (head(Connection="close"), 426, b"Upgrade: websocket"),
    "another upgrade": (head(Upgrade="h2c"), 426, b""),
    "a newer version": (head(Sec_WebSocket_Version="14"), 426, b"Sec-WebSocket-Version: 13"),
    "no version": (head(Sec_WebSocket_Version=None), 426, b"13"),
    "two versions": (head(Sec_WebSocket_Version="13, 8"), 426, b"13"),
    "no key": (head(Sec_WebSocket_Key=None), 400, b"Sec-WebSocket-Key"),
    "empty key": (head(Sec_WebSocket_Key=""), 400, b"Sec-WebSocket-Key"),
    "short key": (head(Sec_WebSocket_Key="AAEC"), 400, b"Sec-WebSocket-Key"),
    "key that is no base64": (head(Sec_WebSocket_Key="?" * 24), 400, b"Sec-WebSocket-Key"),
    "two keys": (head(sec_websocket_key="AAECAwQFBgcICQoLDA0ODw=="), 400, b"Sec-WebSocket-Key"),
    # Not HTTP/1.1
    "HTTP/1.0": (head(version="HTTP/1.0"), 400, b"HTTP/1.1"),
    "HTTP/0.9": (b"GET /\r\n\r\n", 400, b""),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, b""),
    "no host": (head(Host=None), 400, b""),
    "two hosts": (head(host="other.example"), 400, b""),
    "an empty request": (b"\r\n\r\n", 400, b""),
    "empty lines first": (b"\r\n\r\n" + HEAD, 400, b""),
    "no request line": (b"Host: x\r\n\r\n", 400, b""),
    "an end that is hidden": (HEAD[:-2] + b"X: a\n\nOrigin: https://evil.example\r\n\r\n", 400, b"CR LF"),
    "header without a colon": (HEAD[:-2] + b"nonsense\r\n\r\n", 400, b""),
    "folded header": (HEAD[:-2] + b"X: a\r\n b\r\n\r\n", 101, b""),
    "NUL in a header": (head(X_Any="a\0b"), 400, b""),
    "space before the colon": (HEAD[:-2] + b"X : a\r\n\r\n", 400, b""),
    "bad content length": (head(Content_Length="-1"), 400, b""),
    "binary": (bytes(range(256)) + b"\r\n\r\n", 400, b""),
    # Too much
    "a head over 8 KiB": (head(X_Long="x" * 8193), 431, b"8192 bytes"),
    "a head one byte over 8 KiB": (head(X_Long="x" * (8193 - len(head(X_Long="")))), 431, b"8192 bytes"),
    "a head without end": (b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000, 431, b"8192 bytes"),
    "a head of many headers": (b"GET / HTTP/1.1\r\n" + b"a:b\r\n" * 20_000, 431, b"8192 bytes"),
}
