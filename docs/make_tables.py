"""Make the parts of docs/protocol.md that come from the source.

    python docs/make_tables.py            rewrite them in place
    python docs/make_tables.py --check    change nothing; exit 1 when they are out of date

A part stands between the lines `<!-- made: NAME -->` and `<!-- end -->`. Its text is what `PARTS[NAME]` gives.
"""

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from hashlib import sha512
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from msgspec import NODEFAULT, inspect

from ric0_trio.protocol import (
    Admit,
    Admitted,
    AppInfo,
    BsonCodec,
    ChallengeReply,
    ChallengeRequest,
    ClientProfile,
    ClientSession,
    Codec,
    ConnectReply,
    ConnectRequest,
    DisconnectRequest,
    Effect,
    JsonCodec,
    PrivateKey,
    PublicKey,
    RefusalReply,
    Send,
    ServerInfo,
    ServerProfile,
    ServerSession,
    SessionLimits,
    Sign,
    SoftwareVersion,
    State,
    UserIdentity,
    Verify,
)
from ric0_trio.protocol.states import REQUESTS, SUCCESSES, TRANSITIONS, Action

DOCUMENT: Final = Path(__file__).with_name("protocol.md")
_PART: Final = re.compile(r"(<!-- made: (?P<name>[\w-]+) -->\n).*?(<!-- end -->\n)", re.DOTALL)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Give a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


# The states


def make_state_table() -> str:
    """Give what each input does in each state."""
    states = [state for state in State if state is not State.CLOSED]
    return table(
        ["received", *(state.value for state in states)],
        ([given.value, *(_cell(state, row[state]) for state in states)] for given, row in TRANSITIONS.items()),
    )


def _cell(state: State, action: Action) -> str:
    target = _next_state(state, action)
    return action.value if target is None else f"{action.value} → {target.value}"


def _next_state(state: State, action: Action) -> State | None:
    if action is Action.SIGN and state is not State.OPEN:
        return None
    return SUCCESSES.get(action)


def make_state_diagram() -> str:
    """Give the same as a diagram: what leads on, and with what codes each state closes."""
    request_names = {given: name for name, given in REQUESTS.items()}
    moves, closes = [], []
    for state in State:
        if state is State.CLOSED:
            continue
        for given in request_names:
            target = _next_state(state, TRANSITIONS[given][state])
            if target is not None:
                moves.append(f"    {state.value} --> {target.value}: {request_names[given]}, success\n")
        codes = {code for row in TRANSITIONS.values() for code in re.findall(r"close (\d+)", row[state].value)}
        closes.append(f"    {state.value} --> CLOSED: {', '.join(sorted(codes))}\n")
    ends = ["    [*] --> OPEN\n", *moves, *closes, "    CLOSED --> [*]\n"]
    return f"```mermaid\nstateDiagram-v2\n{''.join(ends)}```\n"


# The keys of each structure


def make_key_table(struct: type, first_rule: str) -> str:
    """Give every key of a structure with its type, bounds and whether it has to be there; each is a numbered rule."""
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    letter, first = first_rule[0], int(first_rule[1:])
    return table(
        ["key", "type and bounds", "needed", "id"],
        (
            [f"`{field.encode_name}`", _describe(field.type), _need(field), f"`{letter}{number}`"]
            for number, field in enumerate(info.fields, first)
        ),
    )


def _need(field: inspect.Field) -> str:
    if field.required:
        return "yes"
    return "no" if field.default in (None, NODEFAULT) else f"no; absent means {field.default}"


def _describe(kind: inspect.Type) -> str:
    match kind:
        case inspect.StrType(min_length=low, max_length=high):
            return f"string, {_range(low, high)} characters"
        case inspect.IntType(ge=low, le=high):
            return f"integer, {low} to {high}"
        case inspect.LiteralType(values=values):
            return "one of " + ", ".join(f"`{value}`" for value in values)
        case inspect.ListType(item_type=item, max_length=high):
            return f"list, {_range(None, high)} items: {_describe(item)}"
        case inspect.DictType(key_type=key, value_type=value, max_length=high):
            return f"object, {_range(None, high)} keys; key: {_describe(key)}; value: {_describe(value)}"
        case inspect.UnionType(types=types):
            return " or ".join(_describe(one) for one in types if not isinstance(one, inspect.NoneType))
        case inspect.StructType(cls=struct):
            return f"[{struct.__name__}](#{struct.__name__.lower()})"
    raise TypeError(f"docs/make_tables.py cannot describe {kind}; teach it here")


def _range(low: int | None, high: int | None) -> str:
    return f"at most {high}" if not low else f"{low} to {high}"


# The worked example

SERVER_SEED: Final = bytes(range(0x20))
USER_SEED: Final = bytes(range(0x20, 0x40))
NONCE: Final = bytes(range(0x40, 0x60))
_BEGIN: Final = 1767323045.0  # 2026-01-02T03:04:05Z
_CLIENT_DELAY_S: Final = 0.5
_SERVER_DELAY_S: Final = 0.25


def _key_of_seed(seed: bytes) -> PrivateKey:
    raw = Ed25519PrivateKey.from_private_bytes(seed)
    return PrivateKey.from_pem(raw.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


class Example:
    """A whole conversation between the two sessions of the core, with keys, nonce and times that are fixed."""

    def __init__(self, codec: Codec) -> None:
        self.server_key = _key_of_seed(SERVER_SEED)
        self.user_key = _key_of_seed(USER_SEED)
        self.payloads: list[str | bytes] = []
        """What was sent, in order: a request and its reply, three times."""
        url = "wss://chat.example/ric0_chat"
        self._now = _BEGIN
        self._server = ServerSession(
            ServerProfile(
                app=AppInfo(
                    name="example-server",
                    version=SoftwareVersion("release", 1, 4, 2),
                    capabilities=["files", "history"],
                    extensions={"polls": [1], "reactions": [1, 2]},
                ),
                info=ServerInfo(pubkey=self.server_key.public, url=url, name="Example"),
            ),
            SessionLimits(),
            codec,
            self._now,
        )
        self._client = ClientSession(codec, NONCE)
        profile = ClientProfile(
            user=UserIdentity(
                name="Ada",
                type="user",
                pubkey=self.user_key.public,
                home_server=self.server_key.public,
                home_server_url=url,
            ),
            app=AppInfo(
                name="example-client",
                version=SoftwareVersion("beta", 0, 9),
                capabilities=["typing", "files"],
                extensions={"reactions": [3, 2, 1]},
            ),
        )
        self._exchange(self._client.challenge)
        self._exchange(partial(self._client.connect, profile))
        self._exchange(partial(self._client.disconnect, "good night"))

    def _exchange(self, begin: Callable[[float], tuple[Effect, ...]]) -> None:
        self._now += _CLIENT_DELAY_S
        request = self._carry_out(begin(self._now), self._client.answer, self.user_key)
        self._now += _SERVER_DELAY_S
        reply = self._carry_out(self._server.receive(request, self._now), self._server.answer, self.server_key)
        self.payloads += [request, reply]
        self._carry_out(self._client.receive(reply, self._now), self._client.answer, self.user_key)

    def _carry_out(
        self, effects: tuple[Effect, ...], answer: Callable[..., tuple[Effect, ...]], key: PrivateKey
    ) -> str | bytes:
        sent: str | bytes = b""
        for effect in effects:
            match effect:
                case Send(payload=payload):
                    sent = payload
                case Sign():
                    sent = self._carry_out(answer(effect.answer(key), self._now), answer, key)
                case Verify():
                    sent = self._carry_out(answer(effect.answer(), self._now), answer, key)
                case Admit():
                    sent = self._carry_out(answer(Admitted(), self._now), answer, key)
        return sent


def make_example_keys() -> str:
    """Give the example's keys, nonce and signatures, with the values on the way to them."""
    example = Example(JsonCodec())
    server, user = example.server_key, example.user_key
    server_bytes = bytes(server.public)
    values = {
        "server's seed": SERVER_SEED.hex(),
        "`bytes(server key)`": server_bytes.hex(),
        "server's `key`": server.public.key,
        "server's fingerprint": server.public.fingerprint,
        "user's seed": USER_SEED.hex(),
        "`bytes(user key)`": bytes(user.public).hex(),
        "user's `key`": user.public.key,
        "user's fingerprint": user.public.fingerprint,
        "nonce": NONCE.hex(),
        "SHA-512 of the nonce": sha512(NONCE).hexdigest(),
        "server's signature over the nonce": server.sign(NONCE).hex(),
        "SHA-512 of `bytes(server key)`": sha512(server_bytes).hexdigest(),
        "user's signature over `bytes(server key)`": user.sign(server_bytes).hex(),
    }
    return table(["what", "value"], ([what, f"`{value}`"] for what, value in values.items()))


def make_example_json() -> str:
    """Give the example's messages as JSON text."""
    titles = [f"`{name}` {kind}:" for name in REQUESTS for kind in ("request", "reply")]
    payloads = Example(JsonCodec()).payloads
    return "\n".join(f"{title}\n\n```json\n{text!s}\n```\n" for title, text in zip(titles, payloads, strict=True))


def make_example_bson() -> str:
    """Give the example's first message as BSON, in hexadecimal."""
    payload = Example(BsonCodec()).payloads[0]
    assert isinstance(payload, bytes)
    lines = (payload[start : start + 16] for start in range(0, len(payload), 16))
    dump = "".join(f"{16 * number:04x}  {line.hex(' '):47}  {_printable(line)}\n" for number, line in enumerate(lines))
    return f"```text\n{dump}```\n"


def _printable(line: bytes) -> str:
    return "".join(chr(byte) if 0x20 < byte < 0x7F else "." for byte in line)


_FIRST_RULES: Final[dict[type, str]] = {
    PublicKey: "D1",
    SoftwareVersion: "D3",
    AppInfo: "D9",
    UserIdentity: "D14",
    ServerInfo: "D19",
    RefusalReply: "M8",
    ChallengeRequest: "M10",
    ChallengeReply: "M13",
    ConnectRequest: "M19",
    ConnectReply: "M31",
    DisconnectRequest: "M34",
}
"""The number of the first key of each structure; those of the others follow."""

PARTS: Final[dict[str, Callable[[], str]]] = {
    "state-table": make_state_table,
    "state-diagram": make_state_diagram,
    **{struct.__name__: partial(make_key_table, struct, first) for struct, first in _FIRST_RULES.items()},
    "example-keys": make_example_keys,
    "example-json": make_example_json,
    "example-bson": make_example_bson,
}


def remake(text: str) -> str:
    """Give the document's text with every part made anew. Each has to be there once."""
    found = [match["name"] for match in _PART.finditer(text)]
    if sorted(found) != sorted(PARTS):
        odd = ", ".join(sorted(set(found) ^ set(PARTS))) or "one of them twice"
        raise SystemExit(f"{DOCUMENT.name}: expected each part once, between its markers; wrong: {odd}")
    return _PART.sub(lambda match: f"{match[1]}\n{PARTS[match['name']]()}\n{match[3]}", text)


def main(arguments: Sequence[str]) -> int:
    """Rewrite the document, or check it; give the exit status."""
    if list(arguments) not in ([], ["--check"]):
        print("usage: python docs/make_tables.py [--check]", file=sys.stderr)
        return 2
    old = DOCUMENT.read_text(encoding="utf-8")
    new = remake(old)
    if new == old:
        return 0
    if arguments:
        print(f"{DOCUMENT.name} is out of date: run python docs/make_tables.py", file=sys.stderr)
        return 1
    DOCUMENT.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
