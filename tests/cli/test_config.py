"""The configuration: what is put together from where, and what each mistake is told."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ric0_trio.config import Config, load_config
from ric0_trio.config_errors import ConfigError
from ric0_trio.protocol import KEY_FORMATS

FULL = """
data_dir = "data"
[listen]
host = "192.0.2.1"
port = 443
behind_proxy = true
[tls]
cert = "chain.pem"
key = "/etc/key.pem"
[server]
identity = "identity.pem"
name = "Example"
description = "A place to talk"
url = "wss://chat.example/ric0_chat"
capabilities = ["files", "history"]
[server.extensions]
"org.example.poll" = [1, 2]
[access]
mode = "invite"
connections_per_user = 3
when_exceeded = "replace"
accept_key_formats = ["ed25519-sha512"]
[audit]
max_age_days = 30
max_entries = 500
[log]
format = "json"
level = "debug"
[admin]
listen = "127.0.0.1:9108"
token_file = "admin.token"
[record]
dir = "transcripts"
addresses = ["192.0.2.0/24"]
one_in = 10
[limits]
auth_timeout_s = 2
max_connections = 7
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ric0.toml"


def load(
    file: Path, text: str = "", environment: Mapping[str, str] | None = None, flags: Mapping[str, Any] | None = None
) -> Config:
    file.write_text(text)
    return load_config(file, environment or {}, flags)


def problem(
    file: Path, text: str = "", environment: Mapping[str, str] | None = None, flags: Mapping[str, Any] | None = None
) -> str:
    with pytest.raises(ConfigError) as caught:
        load(file, text, environment, flags)
    return str(caught.value)


# What is put together


def test_nothing_has_to_be_configured() -> None:
    config = load_config(None, {})
    assert config == Config()
    assert (config.listen.host, config.listen.port) == ("127.0.0.1", 8443)
    assert config.access.accept_key_formats == tuple(KEY_FORMATS)


def test_all_can_be_configured_in_a_file(file: Path) -> None:
    config = load(file, FULL)
    assert config.data_dir == Path("data")
    assert (config.tls.cert, config.tls.key) == (Path("chain.pem"), Path("/etc/key.pem"))
    assert config.server.identity == Path("identity.pem")
    assert config.server.extensions == {"org.example.poll": [1, 2]}
    assert config.limits.auth_timeout_s == 2
    for section in msgspec.structs.fields(Config):
        assert getattr(config, section.name) != getattr(Config(), section.name)


ENVIRONMENT = {
    "RIC0_TRIO_DATA_DIR": "data",
    "RIC0_TRIO_LISTEN_HOST": "192.0.2.1",
    "RIC0_TRIO_LISTEN_PORT": "443",
    "RIC0_TRIO_LISTEN_BEHIND_PROXY": "true",
    "RIC0_TRIO_TLS_CERT": "chain.pem",
    "RIC0_TRIO_TLS_KEY": "/etc/key.pem",
    "RIC0_TRIO_SERVER_IDENTITY": "identity.pem",
    "RIC0_TRIO_SERVER_NAME": "Example",
    "RIC0_TRIO_SERVER_DESCRIPTION": "A place to talk",
    "RIC0_TRIO_SERVER_URL": "wss://chat.example/ric0_chat",
    "RIC0_TRIO_SERVER_CAPABILITIES": '["files", "history"]',
    "RIC0_TRIO_SERVER_EXTENSIONS": '{"org.example.poll": [1, 2]}',
    "RIC0_TRIO_ACCESS_MODE": "invite",
    "RIC0_TRIO_ACCESS_CONNECTIONS_PER_USER": "3",
    "RIC0_TRIO_ACCESS_WHEN_EXCEEDED": "replace",
    "RIC0_TRIO_ACCESS_ACCEPT_KEY_FORMATS": '["ed25519-sha512"]',
    "RIC0_TRIO_AUDIT_MAX_AGE_DAYS": "30",
    "RIC0_TRIO_AUDIT_MAX_ENTRIES": "500",
    "RIC0_TRIO_LOG_FORMAT": "json",
    "RIC0_TRIO_LOG_LEVEL": "debug",
    "RIC0_TRIO_ADMIN_LISTEN": "127.0.0.1:9108",
    "RIC0_TRIO_ADMIN_TOKEN_FILE": "admin.token",
    "RIC0_TRIO_RECORD_DIR": "transcripts",
    "RIC0_TRIO_RECORD_ADDRESSES": '["192.0.2.0/24"]',
    "RIC0_TRIO_RECORD_ONE_IN": "10",
    "RIC0_TRIO_LIMITS_AUTH_TIMEOUT_S": "2",
    "RIC0_TRIO_LIMITS_MAX_CONNECTIONS": "7",
}


def test_all_can_be_configured_in_the_environment(file: Path) -> None:
    assert load_config(None, ENVIRONMENT) == load(file, FULL)


def test_variables_that_are_not_ours_are_left_alone() -> None:
    """Kubernetes makes such ones for a service of the name `ric0-trio`."""
    others = {"RIC0_TRIO_SERVICE_HOST": "10.0.0.1", "RIC0_TRIO_PORT": "tcp://10.0.0.1:443", "LISTEN_PORT": "1"}
    assert load_config(None, others) == Config()


def port(number: int | None) -> dict[str, Any]:
    return {"listen": {"port": number, "host": None}, "server": {"identity": None}}


PRECEDENCE = [
    ("", {}, None, 8443),
    ("[listen]\nport = 1", {}, None, 1),
    ("[listen]\nport = 1", {"RIC0_TRIO_LISTEN_PORT": "2"}, None, 2),
    ("[listen]\nport = 1", {"RIC0_TRIO_LISTEN_PORT": "2"}, 3, 3),
    ("[listen]\nport = 1", {}, 0, 0),
]


@pytest.mark.parametrize(("text", "environment", "flag", "expected"), PRECEDENCE)
def test_the_nearer_one_wins(
    text: str, environment: dict[str, str], flag: int | None, expected: int, file: Path
) -> None:
    config = load(file, f'{text}\nhost = "::1"' if text else "", environment, port(flag))
    assert config.listen.port == expected
    assert config.listen.host == ("::1" if text else "127.0.0.1")


# What mistakes are told

FORMATS = "ed25519-sha512 or rsa-sha256-oaepsha256-pkcs1"
A_PATH = "expected the path of a file or folder"
PLACES = "HOST:PORT, [IPv6]:PORT, unix:PATH or systemd:NAME"
NETWORKS = "an address, a network (192.0.2.0/24, 2001:db8::/32) or unix"
ORIGIN = "https://HOST, without a path or *"
PROXIES = "an address, a network that no client is in, or unix"
LOCAL_PLACES = "127.0.0.1:PORT, [::1]:PORT, unix:PATH or systemd:NAME, which other machines do not reach"
SECTIONS = "data_dir, listen, tls, server, access, audit, log, admin, record or limits"
AT_LEAST_0 = "expected a whole number of at least 0"
IN_FILE = {
    "[listen]\nport = 'http'": "[listen] port: expected a whole number, got 'http'",
    "[listen]\nport = 70000": "[listen] port: expected a whole number of at most 65535, got 70000",
    "[listen]\nport = -1": "[listen] port: expected a whole number of at least 0, got -1",
    "[listen]\nhost = 1": "[listen] host: expected text, got 1",
    "[listen]\nbehind_proxy = 'perhaps'": "[listen] behind_proxy: expected true or false, got 'perhaps'",
    "[limits]\nauth_timeout_s = -3": "[limits] auth_timeout_s: expected a number above 0, got -3",
    "[limits]\nauth_timeout_s = nan": "[limits] auth_timeout_s: expected a number above 0, got nan",
    "[limits]\nauth_timeout_s = true": "[limits] auth_timeout_s: expected a number, got True",
    "[limits]\nmax_connections = 0": "[limits] max_connections: expected a whole number of at least 1, got 0",
    "[log]\nformat = 'xml'": "[log] format: expected console or json, got 'xml'",
    "[log]\nlevel = 'loud'": "[log] level: expected debug, info, warning or error, got 'loud'",
    "[tls]\ncert = 3": f"[tls] cert: {A_PATH}, got 3",
    "[tls]\ncert = ''": f"[tls] cert: {A_PATH}, got ''",
    "data_dir = 3": f"data_dir: {A_PATH}, got 3",
    "[server]\nname = ''": "[server] name: expected text of length at least 1, got ''",
    "[server]\ndescription = 3": "[server] description: expected text, got 3",
    "[server]\ncapabilities = 'files'": "[server] capabilities: expected a list, got 'files'",
    "[server]\ncapabilities = ['files', 3]": "[server] capabilities[1]: expected text, got 3",
    "[server.extensions]\npoll = 1": "[server] extensions[...]: expected a list, got a whole number",
    "[server.extensions]\npoll = [-1]": "[server] extensions[...][0]: expected a whole number of at least 0",
    "[server.name]\nlong = 'x'": "[server] name: expected text, got a table",
    "[access]\naccept_key_formats = []": "[access] accept_key_formats: expected a list of length at least 1, got []",
    "[access]\naccept_key_formats = ['dsa']": f"[access] accept_key_formats: expected {FORMATS}, got 'dsa'",
    "listen = 5": "listen: expected a table, got 5",
    "[listen]\nprot = 443": "[listen] prot: no such key; is it port? expected host, port, behind_proxy, also, "
    "also_behind_proxy, trusted_proxies, allowed_origins or adapter",
    "[access]\nmode = 'opne'": "[access] mode: expected open, members or invite, got 'opne'",
    "[access]\nwhen_exceeded = 1": "[access] when_exceeded: expected text, got 1",
    "[access]\nconnections_per_user = -1": f"[access] connections_per_user: {AT_LEAST_0}, got -1",
    "[audit]\nmax_age_days = 0": "[audit] max_age_days: expected a whole number of at least 1, got 0",
    "[listen]\nhost = 'unix:'": "[listen] host: expected unix:PATH or systemd:NAME, got 'unix:'",
    "[listen]\nhost = 'systemd:a:b'": "[listen] host: expected unix:PATH or systemd:NAME, got 'systemd:a:b'",
    "[listen]\nalso = '[::]:443'": "[listen] also: expected a list, got '[::]:443'",
    "[listen]\nalso = ['::']": f"[listen] also: expected {PLACES}, got '::'",
    "[listen]\nalso = ['[::]:443', 'x:70000']": f"[listen] also: expected {PLACES}, got 'x:70000'",
    "[listen]\nalso_behind_proxy = ['/run/x']": f"[listen] also_behind_proxy: expected {PLACES}, got '/run/x'",
    "[listen]\ntrusted_proxies = ['nginx']": f"[listen] trusted_proxies: expected {PROXIES}, got 'nginx'",
    "[listen]\nallowed_origins = ['chat.example']": f"[listen] allowed_origins: expected {ORIGIN}, got 'chat.example'",
    "[listen]\ntrusted_proxies = ['0.0.0.0/0']": f"[listen] trusted_proxies: expected {PROXIES}, got '0.0.0.0/0'",
    "[listen]\nalso = ['[::]:8443', '[::]:8443']": "[listen]: [::]:8443 is there twice",
    "[listen]\nalso = ['127.0.0.1:8443']": "[listen]: 127.0.0.1:8443 is there twice",
    "[listen]\nalso_behind_proxy = ['unix:x']\ntrusted_proxies = ['10.0.0.1']": "[listen] trusted_proxies: nobody of "
    'these could speak at unix:x; add "unix"',
    "[listen]\nbehind_proxy = true\ntrusted_proxies = ['unix']": "[listen] trusted_proxies: nobody of these could "
    "speak at 127.0.0.1:8443; add the proxy's address",
    "[listen]\nallowed_origins = ['https://*.a']": f"[listen] allowed_origins: expected {ORIGIN}, got 'https://*.a'",
    "[listen]\nallowed_origins = ['null']": f"[listen] allowed_origins: expected {ORIGIN}, got 'null'",
    "[listen]\nallowed_origins = ['https://a/b']": f"[listen] allowed_origins: expected {ORIGIN}, got 'https://a/b'",
    "[limits]\nexempt_networks = ['1.2.3.4/99']": f"[limits] exempt_networks: expected {NETWORKS}, got '1.2.3.4/99'",
    "[admin]\nlisten = '0.0.0.0:9108'": f"[admin] listen: expected {LOCAL_PLACES}, got '0.0.0.0:9108'",
    "[admin]\nlisten = 'chat.example:9108'": f"[admin] listen: expected {LOCAL_PLACES}, got 'chat.example:9108'",
    "[admin]\nlisten = '9108'": f"[admin] listen: expected {LOCAL_PLACES}, got '9108'",
    "[admin]\nlisten = 9108": "[admin] listen: expected text, got 9108",
    "[admin]\ntoken_file = ''": f"[admin] token_file: {A_PATH}, got ''",
    "[record]\naddresses = ['nowhere']": f"[record] addresses: expected {NETWORKS}, got 'nowhere'",
    "[record]\none_in = 0": "[record] one_in: expected a whole number of at least 1, got 0",
    "[record]\nmax_transcript_bytes = 1": "[record] max_transcript_bytes: expected a whole number of at least 16384, "
    "got 1",
    "[limits]\nmax_head_bytes = 10": "[limits] max_head_bytes: expected a whole number of at least 1024, got 10",
    "[lisen]\nport = 443": f"lisen: no such key; is it listen? expected {SECTIONS}",
    "port = 443": f"port: no such key; expected {SECTIONS}",
}


@pytest.mark.parametrize(("text", "expected"), IN_FILE.items())
def test_a_mistake_in_the_file_is_told_with_its_place(text: str, expected: str, file: Path) -> None:
    assert problem(file, text) == f"{file}: {expected}"


IN_ENVIRONMENT = {
    ("RIC0_TRIO_LISTEN_PORT", "http"): "[listen] port: expected a whole number, got 'http'",
    ("RIC0_TRIO_LISTEN_BEHIND_PROXY", "si"): "[listen] behind_proxy: expected true or false, got 'si'",
    ("RIC0_TRIO_SERVER_CAPABILITIES", "files"): "[server] capabilities: expected a list, got 'files'",
    ("RIC0_TRIO_SERVER_CAPABILITIES", "[3]"): "[server] capabilities[0]: expected text, got 3",
    ("RIC0_TRIO_ACCESS_ACCEPT_KEY_FORMATS", '["dsa"]'): f"[access] accept_key_formats: expected {FORMATS}, got 'dsa'",
    ("RIC0_TRIO_DATA_DIR", ""): f"data_dir: {A_PATH}, got ''",
}


@pytest.mark.parametrize(("variable", "expected"), IN_ENVIRONMENT.items())
def test_a_mistake_in_the_environment_is_told_as_such(variable: tuple[str, str], expected: str, file: Path) -> None:
    assert problem(file, FULL, dict([variable])) == f"the environment: {expected}"


def test_a_mistake_on_the_command_line_is_told_as_such(file: Path) -> None:
    assert problem(file, FULL, {}, {"server": {"name": "x" * 65}}).startswith("the command line: [server] name: ")


def test_a_key_that_was_pasted_for_its_path_is_not_repeated(file: Path) -> None:
    pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n"
    expected = f"[server] identity: {A_PATH}, got several lines"
    assert problem(file, f'[server]\nidentity = """{pem}"""') == f"{file}: {expected}"
    assert problem(file, "", {"RIC0_TRIO_SERVER_IDENTITY": pem}) == f"the environment: {expected}"


FILES = {
    b"[listen\n": "no valid TOML: Expected ']' at the end of a table declaration (at line 1, column 8)",
    b"\xff": "no valid TOML: ",
}


@pytest.mark.parametrize(("content", "expected"), FILES.items())
def test_a_file_that_is_no_toml(content: bytes, expected: str, file: Path) -> None:
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_config(file, {})
    assert str(caught.value).startswith(f"{file}: {expected}")


def test_a_file_that_is_not_there(file: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(file, {})
    assert str(caught.value) == f"{file}: No such file or directory"
