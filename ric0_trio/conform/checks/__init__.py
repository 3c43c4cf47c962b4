"""The checks, a module a section of docs/protocol.md, or a part of one. A check's name says what a good server does."""
