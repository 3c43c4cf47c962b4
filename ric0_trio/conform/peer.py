"""A WebSocket on which the protocol is spoken: requests, and what is expected in reply."""

import base64
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, TypeGuard

import trio

from ric0_trio.conform.encodings import Encoding, Plain, UnreadableError
from ric0_trio.conform.evidence import Evidence, show_plain
from ric0_trio.conform.messages import change, make_nonce, make_request
from ric0_trio.conform.outcomes import EndedError, FailedError, NotRunError
from ric0_trio.conform.people import User, to_base64
from ric0_trio.conform.websocket import ANSWER_S, Closed, Event, WebSocket

_AUTH_S: Final = 10.0
_EARLY_S: Final = 1.0
"""The server's time begins before the kit's, which sees the 101 answer later."""

_POLICY: Final = 1008

NO_CHANGES: Mapping[str, Any] = MappingProxyType({})


class Peer(WebSocket):
    """One connection as a client has it."""

    def __init__(
        self,
        stream: trio.abc.Stream,
        evidence: Evidence,
        number: int,
        rest: bytes,
        encoding: Encoding,
        join_token: str | None,
    ) -> None:
        super().__init__(stream, evidence, number, rest)
        self.encoding = encoding
        self.server_key: Plain = {}
        """What the last successful `challenge` replied."""
        self.payload: str | bytes = b""
        """The last message of the server's, as it came."""
        self._join_token = join_token
        self._stranger_since = self.opened_at
        """Since when no user is connected."""
        self._conversation = -2
        self._asked = ("", 0)

    async def say(self, plain: Plain) -> None:
        """Send any object."""
        await self.send_payload(self.encoding.encode(plain), show_plain(plain))

    async def ask(self, name: str, data: Any, /, **changes: Any) -> int:
        """Send a request in a new conversation, with `changes` of its envelope; return the conversation."""
        self._conversation += 2
        plain = make_request(name, data, self._conversation, **changes)
        await self.say(plain)
        self.awaits(plain.get("name"), plain.get("conversation"))
        return self._conversation

    def awaits(self, name: Any, conversation: Any) -> None:
        """Say what the next reply has to repeat, when it was not asked for with `ask`."""
        self._asked = (name, conversation)

    async def receive_object(self, expected: str) -> Plain:
        """Wait for a message, and decode it."""
        came = await self.receive(expected)
        if isinstance(came, Closed):
            raise self.unexpected(expected, came)
        self.payload = came
        if not isinstance(came, self.encoding.payload_type):
            self.note("<-", repr(came[:300]))
            raise FailedError(f"{expected}, as {self.encoding.name}", f"a message of the wrong kind, {type(came)}")
        try:
            plain = self.encoding.decode(came)
        except UnreadableError as error:
            self.note("<-", repr(came[:300]))
            raise FailedError(f"{expected}, as {self.encoding.name}", self._evidence.show(str(error))) from None
        self.note("<-", show_plain(plain))
        if not isinstance(plain, dict):
            raise FailedError(expected, "a message that is no object")
        return plain

    async def expect_reply(self, *statuses: str, name: str | None = None, conversation: int | None = None) -> Plain:
        """See that the reply to what was asked last (or to these) comes, with one of these statuses; return it."""
        name = self._asked[0] if name is None else name
        conversation = self._asked[1] if conversation is None else conversation
        wanted = " or ".join(f"`{status}`" for status in statuses)
        expected = f"a reply `{name}` to conversation {conversation} with {wanted}"
        reply = await self.receive_object(expected)
        got = {key: reply.get(key) for key in ("type", "name", "conversation", "status")}
        if (got["type"], got["name"], got["conversation"]) != ("reply", name, conversation):
            raise FailedError(expected, self._evidence.show(show_plain(got)))
        if got["status"] not in statuses:
            raise FailedError(expected, self._evidence.show(f"status {show_plain(got['status'])}"))
        if got["status"] == "success" and name in ("connect", "disconnect"):
            self._stranger_since = math.inf if name == "connect" else trio.current_time()
        return reply

    def unexpected(self, expected: str, came: Event) -> EndedError:
        """Make what is to be raised: no failure, where the check itself outlasted the time to authenticate."""
        is_late = trio.current_time() - self._stranger_since >= _AUTH_S - _EARLY_S
        if is_late and isinstance(came, Closed) and came.code == _POLICY:
            return NotRunError(
                f"the {_AUTH_S:g} s to authenticate passed before the check was through: the server is slow to answer"
            )
        return super().unexpected(expected, came)

    async def data_of(self, *statuses: str) -> Plain:
        """See that the reply comes, as `expect_reply` does, and return its data."""
        data = (await self.expect_reply(*statuses)).get("data")
        if not isinstance(data, dict):
            raise FailedError("a reply whose `data` is an object", self._evidence.show(show_plain(data)))
        return data

    async def challenge(self, nonce: bytes | None = None) -> Plain:
        """Challenge the server, remember the key that it shows, and return the reply's data."""
        await self.ask("challenge", {"challenge": to_base64(make_nonce() if nonce is None else nonce)})
        data = await self.data_of("success")
        key = data.get("pubkey")
        if not _is_usable_key(key):
            raise FailedError("a `pubkey` with a `key` in base64", self._evidence.show(show_plain(data)))
        self.server_key = key
        return data

    def connect_data(self, user: User, changes: Mapping[str, Any] = NO_CHANGES) -> Plain:
        """The data of a `connect` of that user, with what is at these paths changed; its secrets are not shown."""
        data = user.connect_data(self.server_key, self._join_token)
        self._evidence.keep_secret(data["challenge"])
        self._evidence.keep_secret(data.get("join_token", ""))
        return change(data, changes)

    async def connect(self, user: User, *statuses: str, changes: Mapping[str, Any] = NO_CHANGES) -> Plain:
        """Have that user join, with what is at these paths changed; expect `success`, or one of these statuses."""
        await self.ask("connect", self.connect_data(user, changes))
        return await self.data_of(*(statuses or ("success",)))

    async def disconnect(self, *statuses: str) -> Plain:
        """Have the user leave; expect `success`, or one of these statuses."""
        await self.ask("disconnect", {})
        return await self.data_of(*(statuses or ("success",)))

    async def expect_no_more(self) -> None:
        """See that nothing more comes in reply: close, and see that the server's own Close is all."""
        await self.send_close()
        came = await self.receive("the server's Close, and no message before it", ANSWER_S)
        if not isinstance(came, Closed):
            raise FailedError("no reply", self.tell(came))

    def _show_payload(self, payload: str | bytes) -> str:
        """Write a message as JSON, if it can be read."""
        if not isinstance(payload, self.encoding.payload_type):
            return super()._show_payload(payload)
        try:
            return show_plain(self.encoding.decode(payload))
        except UnreadableError:
            return super()._show_payload(payload)


def _is_usable_key(key: Any) -> TypeGuard[Plain]:
    if not isinstance(key, dict) or not isinstance(key.get("key"), str):
        return False
    try:
        base64.b64decode(key["key"])
    except ValueError:
        return False
    return True
