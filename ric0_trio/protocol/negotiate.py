"""What two programs can do together (docs/protocol.md, "Negotiation")."""

from ric0_trio.protocol.messages import AppInfo


def negotiate(server: AppInfo, client: AppInfo) -> AppInfo:
    """Give `server` with the capabilities that both have, and for each shared extension the highest shared version.

    Capabilities and the names of extensions are sorted by code point, without duplicates.
    """
    shared = {
        name: set(server.extensions[name]).intersection(client.extensions[name])
        for name in sorted(server.extensions.keys() & client.extensions.keys())
    }
    return AppInfo(
        name=server.name,
        description=server.description,
        version=server.version,
        capabilities=sorted(set(server.capabilities) & set(client.capabilities)),
        extensions={name: [max(versions)] for name, versions in shared.items() if versions},
    )
