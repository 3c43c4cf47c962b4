"""What client and server can do together."""

from typing import Any

VERSION = {"type": "release", "major": 1, "minor": 0}
CAPABILITIES = ["history", "files", "voice"]
EXTENSIONS = {"reactions": [1, 2], "polls": [3, 1]}


class Negotiation:
    def app(self, client: dict[str, Any]) -> dict[str, Any]:
        return {
            "name": "reference",
            "version": VERSION,
            "capabilities": self.capabilities(client["capabilities"]),
            "extensions": self.extensions(client["extensions"]),
        }

    def capabilities(self, clients: list[str]) -> list[str]:
        return sorted(set(CAPABILITIES).intersection(clients))

    def extensions(self, clients: dict[str, list[int]]) -> dict[str, list[int]]:
        names = sorted(EXTENSIONS.keys() & clients.keys())
        return {
            name: self.versions(shared)
            for name in names
            if (shared := sorted(set(EXTENSIONS[name]).intersection(clients[name])))
        }

    def versions(self, shared: list[int]) -> list[int]:
        return shared[-1:]
