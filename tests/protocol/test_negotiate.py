"""What two programs agree on."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ric0_trio.protocol import AppInfo, SoftwareVersion, negotiate
from ric0_trio.testing import CLIENT_APP, SERVER_APP

few_words = st.sampled_from(["a", "b", "Z", "é", "😀", "\uffff"])
capabilities = st.lists(few_words, max_size=8)
extensions = st.dictionaries(few_words, st.lists(st.integers(0, 4), max_size=6))


def app(has: list[str], speaks: dict[str, list[int]], name: str = "app") -> AppInfo:
    return AppInfo(
        name=name, version=SoftwareVersion("dev", 0, 1), capabilities=has, extensions=speaks, description="d"
    )


apps = st.builds(app, capabilities, extensions)


def test_an_example() -> None:
    agreed = negotiate(SERVER_APP, CLIENT_APP)
    assert agreed.capabilities == ["files", "history"]
    assert agreed.extensions == {"org.example.poll": [3]}


def test_code_points_order_it_not_utf16() -> None:
    words = ["😀", "\uffff", "é", "Z", "a", "a"]
    agreed = negotiate(app(words, {word: [1] for word in words}), app(words, {word: [1] for word in words}))
    assert agreed.capabilities == ["Z", "a", "é", "\uffff", "😀"]
    assert list(agreed.extensions) == ["Z", "a", "é", "\uffff", "😀"]


@given(apps, apps)
def test_what_is_agreed_is_what_both_have(server: AppInfo, client: AppInfo) -> None:
    agreed = negotiate(server, client)
    assert agreed.capabilities == sorted(set(agreed.capabilities))
    for word in {*server.capabilities, *client.capabilities}:
        assert (word in agreed.capabilities) == (word in server.capabilities and word in client.capabilities)
    assert list(agreed.extensions) == sorted(agreed.extensions)
    for name in {*server.extensions, *client.extensions}:
        shared = [v for v in server.extensions.get(name, []) if v in client.extensions.get(name, [])]
        assert agreed.extensions.get(name) == ([max(shared)] if shared else None)


@given(apps, apps)
def test_the_rest_is_the_servers(server: AppInfo, client: AppInfo) -> None:
    agreed = negotiate(server, msgspec.structs.replace(client, name="client", description=None))
    assert (agreed.name, agreed.description, agreed.version) == (server.name, server.description, server.version)


@given(apps, apps)
def test_neither_side_is_favoured(server: AppInfo, client: AppInfo) -> None:
    one, other = negotiate(server, client), negotiate(client, server)
    assert (one.capabilities, one.extensions) == (other.capabilities, other.extensions)


@given(apps, apps)
def test_to_agree_again_changes_nothing(server: AppInfo, client: AppInfo) -> None:
    agreed = negotiate(server, client)
    assert negotiate(agreed, client) == agreed
