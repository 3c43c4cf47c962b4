"""The checks, a module a section of docs/protocol.md. Each begins with what a good client may send."""
