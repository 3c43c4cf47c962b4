"""What the admin listener answers to an operator, over TCP and unix sockets."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.types import Receive, Scope, Send

from ric0_trio.protocol import Fingerprint
from ric0_trio.server.watched import ConnectionInfo
from tests.admin.site import AUTHORIZED, TOKEN, FakeServer, open_site

OPENING = ConnectionInfo(
    connection="c0ffee",
    peer="192.0.2.7",
    state="opening",
    age_s=0.25,
    bytes_in=517,
    bytes_out=0,
    messages_in=0,
    messages_out=0,
)
ZOE = ConnectionInfo(
    connection="decade",
    peer="unix",
    state="connected",
    age_s=61.5,
    bytes_in=2048,
    bytes_out=4096,
    messages_in=3,
    messages_out=4,
    user=Fingerprint("ed25519:5f0d225a84a1d84c"),
    name='Zoë "Z"',
    client="RicChat",
)

both_sockets = pytest.mark.parametrize("is_unix", [False, True], ids=["TCP", "unix"])


@both_sockets
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_health(method: str, is_unix: bool, tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        answer = await site.ask("/healthz", method=method, is_unix=is_unix)
        assert (answer.status, answer.headers["content-length"]) == (200, "3")
        assert answer.body == (b"ok\n" if method == "GET" else b"")


@both_sockets
async def test_readiness(is_unix: bool, tmp_path: Path) -> None:
    server = FakeServer()
    async with open_site(tmp_path, server) as site:
        for unready, status, body in [(None, 200, b"ready\n"), ("the server is stopping", 503, b"the server is s")]:
            server.unready = unready
            answer = await site.ask("/readyz", is_unix=is_unix)
            assert answer.status == status
            assert answer.body.startswith(body)
        assert (await site.ask("/healthz", is_unix=is_unix)).status == 200


@both_sockets
async def test_metrics(is_unix: bool, tmp_path: Path) -> None:
    server = FakeServer()
    server.logins.labels("success").inc(3)
    async with open_site(tmp_path, server) as site:
        answer = await site.ask("/metrics", is_unix=is_unix)
        assert answer.status == 200
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        families = {family.name: family for family in text_string_to_metric_families(answer.body.decode())}
        (sample,) = families["logins"].samples
        assert (sample.name, sample.labels, sample.value) == ("logins_total", {"result": "success"}, 3)


ACCEPTS = {
    "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5": "application/openmetrics-text",
    "text/plain;version=1.0.0;escaping=allow-utf-8": "text/plain",
    "*/*": "text/plain",
    "": "text/plain",
    "application/openmetrics-text;version=one": "text/plain",
    "text/plain;version=1.0.beta": "text/plain",
    f"text/plain;version={'9' * 5000}": "text/plain",
    "text/plain;version=;;=,=": "text/plain",
}


@pytest.mark.parametrize(("accept", "content_type"), ACCEPTS.items(), ids=lambda text: text[:60])
async def test_metrics_as_the_client_likes_them(accept: str, content_type: str, tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        answer = await site.ask("/metrics", f"Accept: {accept}")
        assert answer.status == 200
        assert answer.headers["content-type"].split(";")[0] == content_type
        assert answer.body.endswith(b"# EOF\n") == (content_type != "text/plain")
        assert site.logs == []


@both_sockets
async def test_connections(is_unix: bool, tmp_path: Path) -> None:
    async with open_site(tmp_path, FakeServer([OPENING, ZOE])) as site:
        answer = await site.ask("/connections", AUTHORIZED, is_unix=is_unix)
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
        opening, zoe = json.loads(answer.body)["connections"]
        assert opening == {field: getattr(OPENING, field) for field in ConnectionInfo.__struct_fields__}
        assert (zoe["user"], zoe["name"], zoe["client"]) == (ZOE.user, ZOE.name, ZOE.client)


@pytest.mark.parametrize("number", [0, 1, 250, 251, 10_000])
async def test_connections_of_any_number(number: int, tmp_path: Path) -> None:
    async with open_site(tmp_path, FakeServer([ZOE] * number)) as site:
        answer = await site.ask("/connections", AUTHORIZED)
        assert len(json.loads(answer.body)["connections"]) == number


AUTHORIZATIONS = {
    "right": (AUTHORIZED, 200),
    "right, in lower case": (AUTHORIZED.replace("Bearer", "bearer"), 200),
    "none": ("X: y", 401),
    "wrong": (AUTHORIZED[:-1], 401),
    "longer": (f"{AUTHORIZED}x", 401),
    "empty": ("Authorization: Bearer", 401),
    "another scheme": (f"Authorization: Basic {TOKEN}", 401),
    "no scheme": (f"Authorization: {TOKEN}", 401),
}


@pytest.mark.parametrize(("header", "status"), AUTHORIZATIONS.values(), ids=AUTHORIZATIONS)
async def test_who_may_see_connections(header: str, status: int, tmp_path: Path) -> None:
    async with open_site(tmp_path, FakeServer([ZOE])) as site:
        answer = await site.ask("/connections", header)
        assert answer.status == status
        assert (b"ed25519" in answer.body) == (status == 200)
        assert ("www-authenticate" in answer.headers) == (status == 401)


async def test_without_a_token_nobody_may(tmp_path: Path) -> None:
    async with open_site(tmp_path, FakeServer([ZOE]), token=None) as site:
        for authorization in (AUTHORIZED, "Authorization: Bearer None", "Authorization: Bearer"):
            answer = await site.ask("/connections", authorization)
            assert answer.status == 404
            assert b"[admin] token_file" in answer.body


NOT_HERE = {
    "GET /": 404,
    "GET /metrics/": 404,
    "GET //metrics": 404,
    "GET /docs": 404,
    "GET http://localhost/metrics": 404,
    "POST /metrics": 405,
    "OPTIONS *": 404,
    "CONNECT /metrics": 405,
}


@pytest.mark.parametrize(("asked", "status"), NOT_HERE.items(), ids=NOT_HERE)
async def test_there_is_nothing_else(asked: str, status: int, tmp_path: Path) -> None:
    method, path = asked.split()
    async with open_site(tmp_path) as site:
        answer = await site.ask(path, method=method)
        assert answer.status == status
        assert answer.body == b"expected GET /healthz, /readyz, /metrics or /connections\n"
        assert site.logs == []


HOSTS = {
    "localhost": 200,
    "LOCALHOST:9108": 200,
    "127.0.0.1": 200,
    "127.8.7.6:9108": 200,
    "[::1]:9108": 200,
    "evil.example": 421,
    "evil.example:9108": 421,
    "127.0.0.1.evil.example": 421,
    "localhost.evil.example": 421,
    "192.0.2.7": 421,
    "[2001:db8::7]:9108": 421,
    "0.0.0.0": 421,  # noqa: S104 - not bound
    "localhost@evil.example": 421,
    "[": 421,
}


@pytest.mark.parametrize(("host", "status"), HOSTS.items(), ids=HOSTS)
async def test_no_page_of_another_name_may_read_it(host: str, status: int, tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        assert (await site.ask("/metrics", host=host)).status == status
        assert (await site.ask("/metrics", host=host, is_unix=True)).status == 200


class FaultyServer(FakeServer):
    def describe_connections(self) -> Iterator[ConnectionInfo]:
        yield OPENING
        raise ZeroDivisionError("a fault")


async def test_a_fault_is_told_in_the_log_alone(tmp_path: Path) -> None:
    async with open_site(tmp_path, FaultyServer()) as site:
        answer = await site.ask("/connections", AUTHORIZED)
        assert (answer.status, answer.body) == (500, b"Internal Server Error")
        (entry,) = site.logs
        assert (entry["event"], entry["log_level"], entry["exc_info"]) == ("admin.failed", "error", True)
        assert (await site.ask("/metrics")).status == 200


async def test_a_fault_in_the_middle_of_an_answer(tmp_path: Path) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        if scope["path"] == "/half":
            await send({"type": "http.response.body", "body": b"ha", "more_body": True})
            raise ZeroDivisionError("a fault")
        await send({"type": "http.response.body", "body": b"all\n"})

    async with open_site(tmp_path, app=app) as site:
        with pytest.raises(Exception, match="peer"):
            await site.ask("/half")
        assert [entry["event"] for entry in site.logs] == ["admin.failed"]
        assert (await site.ask("/whole")).body == b"all\n"
