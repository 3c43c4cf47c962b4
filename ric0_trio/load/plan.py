"""What is to be done: made by the command, the same for every worker process."""

import ssl
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ric0_trio.client.address import Address
from ric0_trio.protocol import BsonCodec, Codec, JsonCodec


class Scenario(StrEnum):
    """What the users do."""

    SESSION = "session"
    """Come and go, on and on."""
    MESSAGE = "message"
    """Stay, and ask on and on."""
    IDLE = "idle"
    """Stay, and do nothing."""
    STORM = "storm"
    """Are cut off, and come back all at once."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A run."""

    url: str
    address: Address
    scenario: Scenario
    connections: int
    """At most so many at once, of all processes together."""
    seconds: float
    """From the first operation to the end of the measured time. A storm is given so long to be over."""
    rate: float | None
    """Operations a second, of all processes together; None for as many as there are answers."""
    encoding: str
    user_format: str
    users: int
    seed: int
    ca: Path | None
    join_token: str | None
    processes: int
    resumes: bool
    """Whether TLS sessions are resumed."""

    @property
    def codec(self) -> Codec:
        """The one encoding that is offered."""
        return BsonCodec() if self.encoding == BsonCodec.subprotocol else JsonCodec()

    @property
    def warm_up_s(self) -> float:
        """What is not counted, of `seconds`."""
        return min(1.0, self.seconds / 10) if self.scenario in (Scenario.SESSION, Scenario.MESSAGE) else 0.0

    def share(self, of: int, worker: int) -> int:
        """How many of `of` things are the worker's, whose number counts from 0."""
        return of // self.processes + (worker < of % self.processes)

    def tls(self) -> ssl.SSLContext | None:
        """TLS 1.3, the certificate verified; None for a plain server."""
        if not self.address.is_tls:
            return None
        context = ssl.create_default_context(cafile=self.ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        return context
