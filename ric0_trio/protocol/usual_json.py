"""The usual requests, read from JSON straight into their types: a short way, at half the cost of plain objects.

For any payload it gives what the long way gives (`JsonCodec.decode_any`), or steps aside. It steps aside for all that
is wrong or rare, so what is right, and what is said of what is wrong, is decided in one place: `envelope.py`.

Both ways end in the same types, by the same library, and ask the same form of the time. What msgspec skips, it looks
at less closely: it minds neither depth nor numbers that are out of range. So nothing is skipped here: every structure
refuses keys that it does not know, and then the long way is taken. Tests hold the ways against each other.
"""

from datetime import datetime
from typing import Annotated, Any, Final, Literal, Union

import msgspec
from msgspec import Meta

from ric0_trio.protocol.envelope import RFC3339
from ric0_trio.protocol.messages import MAX_CONVERSATION, REQUEST_DATA, Request, RequestData

_ClientsConversation = Annotated[int, Meta(ge=0, le=MAX_CONVERSATION, multiple_of=2)]


class _UsualRequest(msgspec.Struct, tag_field="name", forbid_unknown_fields=True):
    """The envelope of a request, but for its `data`: the type of that is told by its name."""

    time: str
    type: Literal["request"]
    conversation: _ClientsConversation


def _usual(name: str, data: type[RequestData]) -> type[msgspec.Struct]:
    return msgspec.defstruct(f"_Usual_{name}", [("data", data)], bases=(_UsualRequest,), tag=name)


# A union that is made of a table is beyond what a type checker follows.
_USUAL: Final[Any] = Union[tuple(_usual(name, data) for name, data in REQUEST_DATA.items())]  # noqa: UP007
_DECODER: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(_USUAL)


def read_usual_request(payload: str | bytes) -> Request | None:
    """Decode a usual request; None for anything else, which may well be a request."""
    try:
        usual = _DECODER.decode(payload)
        time = msgspec.convert(usual.time, datetime)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    if not RFC3339.fullmatch(usual.time):
        return None
    return Request(time, usual.__struct_config__.tag, usual.conversation, usual.data)
