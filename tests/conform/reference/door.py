"""What stands between the network and HTTP: TLS, or nothing."""

import ssl

import trio


class Door:
    async def admit(self, stream: trio.SocketStream, context: ssl.SSLContext | None) -> trio.abc.Stream:
        """Give the stream to go on with. Its TLS handshake comes with the first bytes that are read."""
        if context is None:
            return stream
        return trio.SSLStream(stream, context, server_side=True, https_compatible=True)
