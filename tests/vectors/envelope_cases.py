"""All envelopes, in both encodings."""

from tests.vectors import bound_cases, bson_cases, envelope_rules, json_cases, message_cases
from tests.vectors.cases import Vector

ABOUT = (
    "One WebSocket message each, `payload` being JSON text, or BSON in base64, as a server receives it. "
    "`valid`: what it means, without unknown keys and nulls; a key that `message` leaves out is not compared. "
    "`bad_request`: a request with a usable conversation id that is bad in another way. "
    "`undecodable`: anything else. `also_right`, where it is there, has other outcomes that are allowed as well."
)


def vectors() -> list[Vector]:
    both = [*envelope_rules.cases(), *message_cases.cases(), *bound_cases.cases()]
    return [
        *(vector for case in both for vector in case.encoded()),
        *json_cases.vectors(),
        *bson_cases.vectors(),
    ]
