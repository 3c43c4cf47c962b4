"""A client that comes back after a drop: jittered back-off, and never after a 400x.

Run it as `python docs/examples/stay_connected.py wss://chat.example identity.pem [ca.pem]`.
"""

import random
import ssl
import sys
from pathlib import Path

import trio

from ric0_trio.client import (
    ChatError,
    ChatTimeoutError,
    ConnectionClosedError,
    Identity,
    ServerUnreachableError,
    open_chat,
)
from ric0_trio.protocol import PrivateKey

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0


def may_return(error: ChatError) -> bool:
    """A refusal and a wrong server are for a person to look at; a drop is not."""
    if isinstance(error, ConnectionClosedError):
        return error.may_return
    return isinstance(error, ServerUnreachableError | ChatTimeoutError)


async def stay_connected(url: str, identity: Identity, ssl_context: ssl.SSLContext | None = None) -> ChatError:
    """Connect, and come back for as long as that is allowed; return why it is not any more."""
    attempt = 0
    while True:
        try:
            async with open_chat(url, identity, ssl_context=ssl_context) as chat:
                attempt = 0
                print(f"connected to {chat.server_identity.name!a}", flush=True)
                raise await chat.wait_closed()
        except ChatError as error:
            if not may_return(error):
                return error
            # Anywhere between 0 and the bound: clients that were dropped together do not come back together.
            wait_s = random.uniform(0, min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**attempt))  # noqa: S311
            print(f"{error!s}; again in {wait_s:.1f} s", flush=True)
        attempt += 1
        await trio.sleep(wait_s)


def main() -> None:
    url, key_file, *ca_file = sys.argv[1:]
    identity = Identity(PrivateKey.from_pem(Path(key_file).read_bytes()), name="Ann")
    context = ssl.create_default_context(cafile=ca_file[0]) if ca_file else None
    print(f"not coming back: {trio.run(stay_connected, url, identity, context)}")


if __name__ == "__main__":
    main()
