"""Our own server holds every rule, as its operator runs it: over TLS, in both encodings, with keys of both formats.

It takes some 40 seconds, nearly all of it waiting for the server's deadlines.
"""

import ssl
from pathlib import Path

import pytest

from ric0_trio.client.address import Address
from ric0_trio.conform.outcomes import Status
from ric0_trio.conform.report import tell
from ric0_trio.conform.rules import Level
from ric0_trio.conform.run import Plan, run_checks
from ric0_trio.conform.verdicts import judge
from tests.independent.keys import ED25519, RSA
from tests.independent.openssl import make_identity
from tests.independent.serving import NO_BOUND_PER_ADDRESS, running_server

CONFIG = """
[server]
capabilities = ["voice", "files", "history"]
extensions = { reactions = [1, 2], polls = [1, 3] }
"""
AS_BY_DEFAULT = {
    "RIC0_TRIO_LIMITS_OPENING_TIMEOUT_S": "10",
    "RIC0_TRIO_LIMITS_AUTH_TIMEOUT_S": "10",
    "RIC0_TRIO_LIMITS_ANSWER_TIMEOUT_S": "5",
}


@pytest.mark.parametrize("key_format", [ED25519, RSA])
async def test_it_holds_every_rule(key_format: str, tmp_path: Path) -> None:
    config = tmp_path / "server.toml"
    config.write_text(CONFIG)
    identity = make_identity(tmp_path / "identity.pem", key_format)
    options = ("--config", str(config), "--identity", str(identity))
    with running_server(tmp_path, *options, environment=NO_BOUND_PER_ADDRESS | AS_BY_DEFAULT) as server:
        context = ssl.create_default_context(cafile=server.ca)
        findings = await run_checks(Plan(Address.parse(server.url), context, jobs=16))
    verdicts = judge(findings)
    wrong = [
        verdict for verdict in verdicts if verdict.status is not Status.PASSED and verdict.rule.level is not Level.MAY
    ]
    assert wrong == [], "\n".join(line for verdict in wrong for line in tell(verdict))
    assert set(findings.encodings.values()) == set(findings.admissions.values()) == {None}
    assert [verdict.rule.id for verdict in verdicts if verdict.word == "does not"] == ["K20"]
