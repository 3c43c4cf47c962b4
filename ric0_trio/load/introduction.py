"""The first connection: the server proves its key, and lets a user in. It is not counted."""

import socket
from typing import Any

from ric0_trio.client import ServerUnreachableError, open_connection
from ric0_trio.client.address import Address
from ric0_trio.load.people import make_identity
from ric0_trio.load.plan import Plan
from ric0_trio.protocol import PublicKey

_TRIAL_S = 5.0


async def meet_server(plan: Plan) -> PublicKey:
    """See that it is a server for this load, and learn its key, which every proof is made for.

    Raises `ChatError` of the client's, for whatever goes wrong.
    """
    async with open_connection(plan.url, ssl_context=plan.tls(), codecs=[plan.codec]) as chat:
        key = await chat.verify_server()
        await chat.connect(make_identity(plan, 0), join_token=plan.join_token)
        await chat.disconnect()
        return key


def find_place(address: Address) -> tuple[socket.AddressFamily, tuple[Any, ...]]:
    """Which of the host's addresses answers, as the system takes it. Raises `ServerUnreachableError`."""
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    for family, _, _, _, place in found:
        if len(found) == 1:
            return family, place
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.settimeout(_TRIAL_S)
            if trial.connect_ex(place) == 0:
                return family, place
    raise ServerUnreachableError(f"nothing answers at {address} any more")
