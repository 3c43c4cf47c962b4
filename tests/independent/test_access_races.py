"""Who is let in, and put out, when all come at once, vanish, or the server is killed: over real sockets."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Barrier

import pytest

from tests.independent.client import APP, Client, Envelope
from tests.independent.keys import ED25519, UserKey, fingerprint, make_key
from tests.independent.operating import Operator, Site, T, open_site, wait_until
from tests.independent.wire import PATIENCE_S, ClosedError

Rush = tuple[list[Client], list[str | tuple[int | None, str]]]

INVITE = '[access]\nmode = "invite"\nconnections_per_user = 1\n'
REPLACE = '[access]\nconnections_per_user = 1\nwhen_exceeded = "replace"\n'
REPLACED = (4003, "replaced by a newer connection of yours")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, operator: Operator) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("invite"), INVITE, operator) as site:
        yield site


@pytest.fixture(scope="module")
def invitation(site: Site) -> str:
    """A token for all who need none of their own."""
    return site.make_token("--uses", "1000")


@dataclass
class Book:
    """What the operator is to be told of all that happened here."""

    joined: dict[int, str] = field(default_factory=dict)
    """Who used up which token."""
    left: dict[str, str] = field(default_factory=dict)
    """Who was put out, and how."""


@pytest.fixture(scope="module")
def book() -> Book:
    return Book()


def at_once(works: Sequence[Callable[[], T]]) -> list[T]:
    """Do all of it in threads that start together."""
    barrier = Barrier(len(works))

    def join_in(work: Callable[[], T]) -> T:
        barrier.wait(PATIENCE_S)
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(join_in, works))


def tell(ask: Callable[[], Envelope]) -> str | tuple[int | None, str]:
    """The status that is answered; or how the server closed instead."""
    try:
        return str(ask()["status"])
    except ClosedError as closed:
        return closed.code, closed.reason


def rush(site: Site, users: Sequence[UserKey], stack: ExitStack, token: str | None = None) -> Rush:
    """Connect a client for each of the users, all at once; and what each was told."""
    clients = [stack.enter_context(client) for client in at_once([site.challenged] * len(users))]
    pairs = zip(clients, users, strict=True)
    told = at_once([partial(tell, partial(client.connect, user, join_token=token)) for client, user in pairs])
    return clients, told


# All at once


@pytest.mark.parametrize("is_one_user", [False, True], ids=["64 users", "one user at 32 doors"])
def test_a_token_for_one_lets_in_one(is_one_user: bool, site: Site, book: Book) -> None:
    """And a user at many doors gets one place, and has no need of the token any more at the others."""
    users = [make_key(ED25519)] * 32 if is_one_user else [make_key(ED25519) for _ in range(64)]
    (token,) = site.read("token", "create")
    with ExitStack() as stack:
        _, told = rush(site, users, stack, token["token"])
        refused = "already_connected" if is_one_user else "invalid_join_token"
        assert Counter(told) == {"success": 1, refused: len(users) - 1}
        winner = fingerprint(users[told.index("success")].public)
        known = {fingerprint(user.public) for user in users}
        assert [each["user"] for each in site.read("who") if each["user"] in known] == [winner]
    book.joined[token["id"]] = winner


def test_the_newest_connection_replaces_the_others(tmp_path: Path, operator: Operator) -> None:
    user = make_key(ED25519)
    with open_site(tmp_path, REPLACE, operator) as site, ExitStack() as stack:
        clients, told = rush(site, [user] * 32, stack)
        assert {*told} <= {"success", REPLACED}
        assert [each["user"] for each in site.read("who")] == [fingerprint(user.public)]
        assert Counter(ending(client, each) for client, each in zip(clients, told, strict=True)) == {
            "success": 1,
            REPLACED: 31,
        }
        entries = site.audit_with("left", 32)
    theirs = [each for each in entries if each["user"] == fingerprint(user.public)]
    assert Counter(each["event"] for each in theirs) == {"admitted": 32, "left": 32}
    assert [each["detail"] for each in theirs].count(f"replaced: {REPLACED[1]}") == 31


def ending(client: Client, told: str | tuple[int | None, str]) -> str | tuple[int | None, str]:
    """How it leaves, unless it was put out."""
    return tell(client.disconnect) if told == "success" else told


# Put out


USER = "the user's fingerprint"
APP_OF_THEIRS = "the name of the user's software"


@dataclass(frozen=True)
class PutOut:
    """A command, how it closes the connection of whom it concerns, and the audit's words for that."""

    words: tuple[str, ...]
    closes: tuple[int, str]
    is_told: bool = True
    """The server is: its control socket is there."""


NAMES = {4001: "banned", 4002: "kicked"}
CHANGED = "you may no longer be here: the rules have changed"
BAN = ("user", "ban", USER)
PUT_OUT = {
    "a ban": PutOut((*BAN, "--reason", "spam"), (4001, "spam")),
    "a ban without a reason": PutOut(BAN, (4001, "you are banned from this server")),
    "a silent ban": PutOut((*BAN, "--reason", "spam", "--silent"), (4001, "you are banned from this server")),
    "a ban that the server is not told of": PutOut((*BAN, "--reason", "spam"), (4001, "spam"), is_told=False),
    "a member no more": PutOut(("user", "remove", USER, "--now"), (4002, CHANGED)),
    "denied software": PutOut(("client", "deny", APP_OF_THEIRS, "--reason", "upgrade", "--now"), (4002, "upgrade")),
    "a kick": PutOut(("kick", USER, "--reason", "mind your tone"), (4002, "mind your tone")),
    "a kick without a reason": PutOut(("kick", USER), (4002, "you were put out by the operator")),
}


@pytest.mark.parametrize("case", PUT_OUT.values(), ids=PUT_OUT)
def test_they_are_put_out(case: PutOut, site: Site, invitation: str, book: Book) -> None:
    """How soon, is for tests/access/test_sqlite_changes.py, on virtual time."""
    user = make_key(ED25519)
    who = fingerprint(user.public)
    app = APP | {"name": who[:20]}
    words = [{USER: who, APP_OF_THEIRS: app["name"]}.get(word, word) for word in case.words]
    with site.connected(user, join_token=invitation, app=app) as client, hidden_socket(site, not case.is_told):
        ended = site.operator(site.words(*words))
        assert ended.code == (0 if case.is_told else 4), ended.err
        assert client.wait_closed() == case.closes
    code, reason = case.closes
    book.left[who] = f"{NAMES[code]}: {reason}"


def hidden_socket(site: Site, is_hidden: bool) -> ExitStack:
    """The control socket, gone while the block lasts."""
    stack = ExitStack()
    if is_hidden:
        socket = site.data / "control.sock"
        elsewhere = socket.rename(site.folder / "elsewhere")
        stack.callback(elsewhere.rename, socket)
    return stack


def test_without_now_it_counts_from_the_next_connect_on(site: Site, invitation: str) -> None:
    removed, outdated = make_key(ED25519), make_key(ED25519)
    app = APP | {"name": "OldApp"}
    with (
        site.connected(removed, join_token=invitation) as one,
        site.connected(outdated, join_token=invitation, app=app) as other,
    ):
        site.run("user", "remove", fingerprint(removed.public))
        site.run("client", "deny", "OldApp")
        site.run("user", "ban", f"ed25519:{'0' * 64}")  # once this is done, the server has looked at what is new
        assert [client.disconnect()["status"] for client in (one, other)] == ["success"] * 2
        assert one.connect(removed)["status"] == "join_token_required"
        assert other.connect(outdated, app=app)["status"] == "disallowed_client"


# Gone without a word


def test_members_outlive_the_server(tmp_path: Path, operator: Operator) -> None:
    """And so does what is changed while there is none."""
    member, banned = make_key(ED25519), make_key(ED25519)
    with open_site(tmp_path, INVITE, operator) as site:
        token = site.make_token("--uses", "2")
        with site.connected(member, join_token=token), site.connected(banned, join_token=token):
            site.server.process.kill()
            site.server.process.wait(PATIENCE_S)
    site.run("user", "ban", fingerprint(banned.public))
    with open_site(tmp_path, INVITE, operator) as site, site.connected(member), site.challenged() as client:
        assert client.connect(banned)["status"] == "disallowed_user"
        assert [each["user"] for each in site.read("who")] == [fingerprint(member.public)]
        admitted = [each["user"] for each in site.audit() if each["event"] == "admitted"]
    assert admitted == [fingerprint(user.public) for user in (member, banned, member)]


@pytest.fixture(scope="module")
def impatient_site(tmp_path_factory: pytest.TempPathFactory, operator: Operator) -> Iterator[Site]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RIC0_TRIO_LIMITS_PING_INTERVAL_S", "0.2")
        patch.setenv("RIC0_TRIO_LIMITS_PING_TIMEOUT_S", "3")
        patch.setenv("RIC0_TRIO_ACCESS_CONNECTIONS_PER_USER", "1")
        with open_site(tmp_path_factory.mktemp("impatient"), operator=operator) as site:
            yield site


def test_connections_that_die_free_their_places(impatient_site: Site) -> None:
    """Of one that reads no more, and so answers no ping; and of one whose machine is gone."""
    site, silent, gone, polite = impatient_site, make_key(ED25519), make_key(ED25519), make_key(ED25519)

    def come(user: UserKey) -> str:
        with site.challenged() as client:
            return str(client.connect(user)["status"])

    with ThreadPoolExecutor(1) as pool, site.connected(polite) as stays, site.connected(silent), site.connected(gone):
        ended = pool.submit(stays.wait_closed)  # it reads, and so it answers pings
        for user in (silent, gone):
            wait_until(partial(come, user), lambda status: status == "success")
        assert not ended.done()
        site.run("kick", fingerprint(polite.public))
        assert ended.result(PATIENCE_S)[0] == 4002
    for user in (silent, gone):
        told = [each["event"] for each in site.audit() if each["user"] == fingerprint(user.public)]
        assert [event for event in told if event != "refused"][:3] == ["admitted", "left", "admitted"]


# In the end


def test_the_books_agree(site: Site, book: Book) -> None:
    """Who came and has not left is on; who joined with a token has used it; why each was put out is known."""

    def balance() -> Counter[str]:
        entries = site.audit()
        came = Counter(each["user"] for each in entries if each["event"] == "admitted")
        came.subtract(each["user"] for each in entries if each["event"] == "left")
        came.subtract(each["user"] for each in site.read("who"))
        return came

    wait_until(balance, lambda balance: not any(balance.values()))
    left = {each["user"]: each["detail"] for each in site.audit() if each["event"] == "left"}
    assert book.left.items() <= left.items()
    tokens = {each["id"]: each for each in site.read("token", "list")}
    assert all(each["used"] == len(each["joined"]) for each in tokens.values())
    for token, winner in book.joined.items():
        assert (tokens[token]["state"], [each["user"] for each in tokens[token]["joined"]]) == ("used up", [winner])
    members = {each["user"]: each["member"] for each in site.read("user", "list") if each["member"]}
    assert {token: user for user, member in members.items() if (token := member["token"]) in book.joined} == book.joined
    assert "Traceback" not in site.log
