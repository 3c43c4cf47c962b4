"""nginx and Caddy in front of a server, as docs/operations.md has them: with its snippets as they stand, but for the
host's name, the port, and where the socket is."""

import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest
import trustme

from tests.daemon.operator_machine import PAGE, block
from tests.independent.client import Client
from tests.independent.operating import Site, wait_until
from tests.independent.ports import find_port
from tests.independent.serving import STOP_S, running_server
from tests.independent.wire import tls_context

HOST = "localhost"
SOCKET = "/run/ric0-trio/chat.sock"

# What the page leaves to whoever runs them.
NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
{user}
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        server_name localhost;
        ssl_certificate {folder}/cert.pem;
        ssl_certificate_key {folder}/key.pem;
{snippet}
    }}
}}
"""
CADDY = """
{{
    admin off
    auto_https disable_redirects
    default_bind 127.0.0.1
    skip_install_trust
    storage file_system {folder}/caddy
}}
{snippet}
"""


@dataclass(frozen=True)
class Front:
    """A proxy in front of a server."""

    url: str
    ca: Path
    site: Site

    def client(self, source: str, headers: Mapping[str, str] = MappingProxyType({})) -> Client:
        """Come through the proxy, from an address of one's own."""
        return Client(self.url, ca=self.ca, source=source, headers=headers)


Write = Callable[[Path, int], tuple[list[str], Path]]
"""Writes what a proxy needs into a folder, to listen at a port; gives its command, and whom its clients trust."""


def write_nginx(folder: Path, port: int) -> tuple[list[str], Path]:
    authority = trustme.CA()
    issued = authority.issue_cert(HOST)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    # The page: its account has to be in the server's group. Here it is the server's own.
    user = "user root root;" if os.getuid() == 0 else ""
    snippet = block("nginx").replace(SOCKET, f"{folder}/chat.sock")
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port, user=user, snippet=snippet))
    return ["nginx", "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")], folder / "ca.pem"


def write_caddy(folder: Path, port: int) -> tuple[list[str], Path]:
    # Of localhost, it makes the certificate itself.
    snippet = block("caddy").replace(SOCKET, f"{folder}/chat.sock").replace("chat.example", f"{HOST}:{port}")
    (folder / "Caddyfile").write_text(CADDY.format(folder=folder, snippet=snippet))
    command = ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]
    return command, folder / "caddy/pki/authorities/local/root.crt"


PROXIES: dict[str, Write] = {"nginx": write_nginx, "caddy": write_caddy}


@contextmanager
def front_of(name: str, site: Site) -> Iterator[Front]:
    """That proxy, once it serves; skips the test where it is not installed."""
    if not shutil.which(name):
        pytest.skip(f"{name} is not installed")
    port = find_port()
    command, ca = PROXIES[name](site.folder, port)
    own = os.environ | {name: str(site.folder) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")}
    with (
        (site.folder / "proxy.txt").open("wb") as output,
        subprocess.Popen(command, cwd=site.folder, env=own, stdout=output, stderr=output) as process,
    ):
        try:
            wait_until(lambda: process.poll() is not None or _serves(port, ca), bool)
            assert process.poll() is None, (site.folder / "proxy.txt").read_text()
            yield Front(f"wss://{HOST}:{port}/ric0_chat", ca, site)
        finally:
            process.terminate()  # nginx's master: its workers would outlive a kill
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def _serves(port: int, ca: Path) -> bool:
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=10) as stream,
            tls_context(ca).wrap_socket(stream, server_hostname=HOST),
        ):
            return True
    except (OSError, ssl.SSLError):
        return False


@contextmanager
def proxied_server(folder: Path, limits: str) -> Iterator[Site]:
    """A server as the page configures it for a proxy; clients of this machine have their bounds."""
    (told,) = re.findall(r"`(also_behind_proxy = .*?)` and `(trusted_proxies = .*?)`", PAGE)
    listen = "\n".join(told).replace(SOCKET, f"{folder}/chat.sock")
    config = folder / "ric0.toml"
    config.write_text(f'[listen]\n{listen}\n[server]\nurl = "wss://chat.example/ric0_chat"\n[limits]\n{limits}\n')
    with running_server(folder, "--config", str(config), environment={}) as server:
        yield Site(server, folder)
