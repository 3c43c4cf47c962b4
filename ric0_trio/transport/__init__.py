"""WebSockets that survive their peer: trio-websocket behind a stream that bounds what reaches it.

The server and the client are both built on this room (docs/architecture.md, "The guarded stream").
"""
