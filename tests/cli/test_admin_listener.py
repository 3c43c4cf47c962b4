"""The admin listener as `serve` opens it: what it needs, and what each mistake is told."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
import trio
from structlog.testing import capture_logs

from ric0_trio.cli.admin import open_admin
from ric0_trio.cli.exits import CommandError, Exit
from ric0_trio.config import AdminSection
from ric0_trio.server.socket_activation import PassedSockets
from tests.admin.site import AUTHORIZED, TOKEN, FakeServer, Site

LOCAL = "127.0.0.1:0"


async def mistake(admin: AdminSection) -> CommandError:
    with pytest.raises(CommandError) as caught:
        async with open_admin(admin, PassedSockets()):
            pass
    return caught.value


def write_token(folder: Path, content: bytes = f"{TOKEN}\n".encode(), mode: int = 0o600) -> Path:
    path = folder / "admin.token"
    path.touch(mode)
    path.chmod(mode)
    path.write_bytes(content)
    return path


async def test_it_is_off_by_default() -> None:
    with capture_logs() as logs:
        async with open_admin(AdminSection(), PassedSockets()) as serve:
            await serve(FakeServer())
    assert logs == []


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
async def test_over_tcp(host: str, tmp_path: Path) -> None:
    with capture_logs() as logs:
        async with (
            open_admin(AdminSection(listen=f"{host}:0", token_file=write_token(tmp_path)), PassedSockets()) as serve,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(serve, FakeServer())
            (entry,) = logs
            assert entry["event"] == "admin.listening"
            url, _, port = entry["url"].rpartition(":")
            assert url == f"http://{host}"
            if host == "127.0.0.1":
                assert (await Site(int(port), tmp_path).ask("/connections", AUTHORIZED)).status == 200
            nursery.cancel_scope.cancel()
    assert len(logs) == 1


async def test_at_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    with capture_logs() as logs:
        async with (
            open_admin(AdminSection(listen=f"unix:{path}"), PassedSockets()) as serve,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(serve, FakeServer())
            assert [entry["url"] for entry in logs] == [f"http+unix:{path}"]
            assert path.stat().st_mode & 0o777 == 0o660
            assert (await Site(0, path).ask("/connections", AUTHORIZED, is_unix=True)).status == 404
            nursery.cancel_scope.cancel()
    assert not path.exists()


async def test_a_place_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        error = await mistake(AdminSection(listen=place))
    assert error.code == Exit.FAILED
    assert str(error) == f"cannot listen on {place}: Address already in use; see [admin] listen in the configuration"
    too_long = f"unix:{tmp_path}/{'x' * 120}"
    assert "path too long; see [admin] listen" in str(await mistake(AdminSection(listen=too_long)))


@pytest.mark.parametrize("missing", ["hypercorn", "starlette"])
def test_without_the_extra(missing: str) -> None:
    """It is told whoever asks for the listener; nobody else needs it."""
    program = f"""
import sys, trio
sys.modules["{missing}"] = None
from ric0_trio.cli.admin import open_admin
from ric0_trio.server.socket_activation import PassedSockets
from ric0_trio.cli.exits import CommandError
from ric0_trio.config import AdminSection

async def listen(place):
    async with open_admin(AdminSection(listen=place), PassedSockets()):
        pass

trio.run(listen, "")
try:
    trio.run(listen, "{LOCAL}")
except CommandError as error:
    print(error, error.code.name)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    remedy = "pip install 'ric0-trio[admin]', or leave it empty"
    assert ran.stdout == f"[admin] listen: {missing} is not installed; {remedy} CONFIG\n"


NO_TOKENS = {
    "empty": b"",
    "on the second line": f"\n{TOKEN}\n".encode(),
    "too short": b"x" * 15 + b"\nxxxxxxxxxxxxxxxx\n",
    "too long": b"x" * 1025,
    "not ASCII": "für den Schrebergarten".encode(),
    "not to be printed": b"\x00" * 32,
}


@pytest.mark.parametrize("content", NO_TOKENS.values(), ids=NO_TOKENS)
async def test_what_is_no_token(content: bytes, tmp_path: Path) -> None:
    path = write_token(tmp_path, content)
    error = await mistake(AdminSection(listen=LOCAL, token_file=path))
    assert error.code == Exit.CONFIG
    expected = "expected 16 to 1024 ASCII characters on its first line"
    remedy = f"make one with `openssl rand -hex 24 > {path}`"
    assert str(error) == f"[admin] token_file {path}: {expected}; {remedy}"


TOKENS = {
    "with a line's end": f"{TOKEN}\n".encode(),
    "without": TOKEN.encode(),
    "of Windows": f"{TOKEN}\r\nwhatever".encode(),
}


@pytest.mark.parametrize("content", TOKENS.values(), ids=TOKENS)
async def test_what_is_one(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    admin = AdminSection(listen=f"unix:{path}", token_file=write_token(tmp_path, content))
    async with open_admin(admin, PassedSockets()) as serve, trio.open_nursery() as nursery:
        nursery.start_soon(serve, FakeServer())
        assert (await Site(0, path).ask("/connections", AUTHORIZED, is_unix=True)).status == 200
        nursery.cancel_scope.cancel()


async def test_a_token_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "admin.token"
    error = await mistake(AdminSection(listen=LOCAL, token_file=path))
    assert str(error).startswith(f"[admin] token_file {path}: No such file or directory; make one with ")


@pytest.mark.parametrize(("mode", "is_told"), [(0o600, False), (0o640, False), (0o644, True)])
async def test_a_token_that_others_can_read(mode: int, is_told: bool, tmp_path: Path) -> None:
    path = write_token(tmp_path, mode=mode)
    with capture_logs() as logs:
        async with open_admin(AdminSection(listen=LOCAL, token_file=path), PassedSockets()):
            pass
    told = {"event": "token.open_to_everyone", "log_level": "warning", "path": str(path), "remedy": f"chmod 600 {path}"}
    assert (told in logs) == is_told
