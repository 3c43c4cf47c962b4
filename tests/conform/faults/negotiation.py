"""Faults in what the two can do together."""

from typing import Any

from tests.conform.faults.seeding import seeds
from tests.conform.reference.negotiation import CAPABILITIES, EXTENSIONS, Negotiation


@seeds("G4")
class NegotiatesUnsorted(Negotiation):
    """Shared capabilities come in the server's order."""

    def capabilities(self, clients: list[str]) -> list[str]:
        return [name for name in CAPABILITIES if name in clients]


@seeds("G3")
class NegotiatesTwice(Negotiation):
    """A capability that the client named twice comes twice."""

    def capabilities(self, clients: list[str]) -> list[str]:
        return sorted(name for name in clients if name in CAPABILITIES)


@seeds("G1")
class NegotiatesNothing(Negotiation):
    """All capabilities of the server come, shared or not."""

    def capabilities(self, clients: list[str]) -> list[str]:
        return sorted(CAPABILITIES)


@seeds("G1")
class TakesAllThatIsOffered(Negotiation):
    """All capabilities of the client come, shared or not."""

    def capabilities(self, clients: list[str]) -> list[str]:
        return sorted(set(clients))


@seeds("G2")
class NegotiatesTheLowest(Negotiation):
    """Of the versions that are shared, the lowest comes."""

    def versions(self, shared: list[int]) -> list[int]:
        return shared[:1]


@seeds("G2")
class NegotiatesEveryVersion(Negotiation):
    """All versions that are shared come."""

    def versions(self, shared: list[int]) -> list[int]:
        return shared


@seeds("G2")
class NegotiatesTheClientsVersion(Negotiation):
    """The client's highest version comes, shared or not."""

    def extensions(self, clients: dict[str, list[int]]) -> dict[str, list[int]]:
        return {name: [max(clients[name])] for name in sorted(clients) if clients[name] and name in EXTENSIONS}


@seeds("G2")
class KeepsUnsharedVersions(Negotiation):
    """An extension of which no version is shared comes with none."""

    def extensions(self, clients: dict[str, list[int]]) -> dict[str, list[int]]:
        return super().extensions(clients) | {name: [] for name in clients if name not in super().extensions(clients)}


@seeds("G4")
class SortsExtensionsBackwards(Negotiation):
    """The names of extensions are not sorted by code point."""

    def extensions(self, clients: dict[str, list[int]]) -> dict[str, list[int]]:
        return dict(reversed(super().extensions(clients).items()))


@seeds("M31")
class LeavesOutCapabilities(Negotiation):
    """Where nothing is shared, `capabilities` and `extensions` are left out."""

    def app(self, client: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in super().app(client).items() if value}
