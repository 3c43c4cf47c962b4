"""What hypothesis gives the tests of the core: valid envelopes, and what comes close to being one."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import strategies as st

from ric0_trio.protocol import (
    AppInfo,
    ChallengeReply,
    ChallengeRequest,
    Codec,
    ConnectReply,
    ConnectRequest,
    DisconnectRequest,
    Empty,
    JsonCodec,
    Message,
    PublicKey,
    RefusalReply,
    Reply,
    Request,
    ServerInfo,
    SoftwareVersion,
    UserIdentity,
)
from ric0_trio.protocol.names import name_problem
from ric0_trio.testing import SERVER_KEY, USER_KEY, Plain, base64_of, pack, rsa_key

# Valid structures

labels = st.text(min_size=1, max_size=64)
keys_of_objects = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=64)
sentences = st.text(max_size=512)
counts = st.integers(0, 2**31 - 1)
times = st.datetimes(timezones=st.just(UTC))
ids = st.integers(0, 2**32 - 1)


def or_none(some: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | some


opaque_keys = st.builds(
    lambda raw, key_format: PublicKey(base64_of(raw), f"x-{key_format}"),
    st.binary(min_size=1, max_size=100),
    st.text(max_size=60),
)
public_keys = opaque_keys | st.builds(lambda key: key().public, st.sampled_from([lambda: SERVER_KEY, rsa_key]))
versions = st.builds(
    SoftwareVersion,
    st.sampled_from(["release", "beta", "alpha", "dev"]),
    counts,
    counts,
    or_none(counts),
    or_none(st.text(max_size=128)),
    or_none(st.text(max_size=128)),
)
apps = st.builds(
    AppInfo,
    name=labels,
    version=versions,
    capabilities=st.lists(labels, max_size=4),
    extensions=st.dictionaries(keys_of_objects, st.lists(counts, max_size=4), max_size=4),
    description=or_none(sentences),
)
urls = st.text(min_size=1, max_size=200)
names = st.text(min_size=1, max_size=64).filter(lambda name: name_problem(name) is None) | st.just("Zoë")
users = st.builds(
    UserIdentity,
    name=names,
    type=st.sampled_from(["user", "bot", "log_relay"]),
    pubkey=public_keys,
    home_server=public_keys,
    home_server_url=or_none(urls),
)
servers = st.builds(ServerInfo, pubkey=public_keys, url=urls, name=labels, description=or_none(sentences))

requests_data: dict[str, st.SearchStrategy[Any]] = {
    "challenge": st.builds(ChallengeRequest, sentences),
    "connect": st.builds(
        ConnectRequest, client_app=apps, user=users, challenge=sentences, join_token=or_none(st.text(max_size=256))
    ),
    "disconnect": st.builds(DisconnectRequest, or_none(sentences)),
}
replies_data: dict[str, st.SearchStrategy[Any]] = {
    "challenge": st.builds(ChallengeReply, public_keys, sentences),
    "connect": st.builds(ConnectReply, apps, servers),
}
other_names = labels.filter(lambda name: name not in requests_data)
refusals = st.builds(RefusalReply, or_none(sentences), or_none(sentences))


@st.composite
def envelopes(draw: st.DrawFn) -> Message | Request | Reply:
    time, conversation = draw(times), draw(ids)
    name = draw(st.sampled_from(list(requests_data)) | other_names)
    match draw(st.sampled_from(["message", "request", "reply", "refusal"])):
        case "message":
            return Message(time, name)
        case "request":
            return Request(time, name, conversation & ~1, draw(requests_data.get(name, st.just(Empty()))))
        case "reply":
            return Reply(time, name, conversation, "success", draw(replies_data.get(name, st.just(Empty()))))
    status = draw(labels.filter(lambda status: status != "success"))
    return Reply(time, name, conversation, status, draw(refusals))


# What comes close


def nest(depth: int) -> object:
    value: object = 1
    for level in range(depth):
        value = {"a": value} if level % 2 else [value]
    return value


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(max_size=70)
    | st.sampled_from(["success", "request", "reply", "message", "challenge", "connect", "disconnect", "x" * 600])
    | st.just(USER_KEY.public.key)
)
exotics = st.binary(max_size=20) | st.datetimes(
    min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC)
)
values = (
    st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys_of_objects, inner, max_size=3)
    )
    | exotics
    | st.integers(0, 150).map(nest)
)


@st.composite
def mutations(draw: st.DrawFn, plain: Plain) -> object:
    """One valid object, with a few of its keys, at any depth, replaced, removed or added."""
    changed: Plain = msgspec.json.decode(msgspec.json.encode(plain))
    for _ in range(draw(st.integers(0, 3))):
        place: Plain = changed
        key = draw(st.sampled_from([*sorted(place), "new"]))
        while isinstance(place.get(key), dict) and place[key] and draw(st.booleans()):
            place = place[key]
            key = draw(st.sampled_from([*sorted(place), "new"]))
        if draw(st.booleans()):
            place.pop(key, None)
        else:
            place[key] = draw(values)
    return changed


def written_twice(changed: object, plain: Plain) -> str:
    """JSON in which the keys of both objects stand, one after the other."""
    return msgspec.json.encode(changed).decode()[:-1] + "," + msgspec.json.encode(plain).decode()[1:]


@st.composite
def payloads(draw: st.DrawFn, codec: Codec, plains: list[Plain]) -> str | bytes:
    """Anything that a peer might send: noise, a damaged payload, or a nearly valid envelope."""
    plain = draw(st.sampled_from(plains))
    match draw(st.sampled_from(["noise", "damaged", "mutated", "mutated", "twice", "valid"])):
        case "noise":
            return draw(st.text(st.characters()) | st.binary())
        case "mutated":
            return pack(codec, draw(mutations(plain)))
        case "twice" if isinstance(codec, JsonCodec):
            return written_twice(draw(mutations(plain)), plain)
        case "damaged":
            payload = pack(codec, plain)
            raw = bytearray(payload.encode() if isinstance(payload, str) else payload)
            for place in draw(st.lists(st.integers(0, len(raw) - 1), min_size=1, max_size=4)):
                raw[place] = draw(st.integers(0, 255))
            return bytes(raw) if isinstance(payload, bytes) else raw.decode("utf-8", "surrogateescape")
    return pack(codec, plain)
