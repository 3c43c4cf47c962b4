"""A third implementation of the protocol, written from docs/protocol.md: a server that shares no code with the package.

The conformance kit is tried on it. It is made of parts (`Parts` in server.py), and a seeded fault replaces one of them:
so whatever a server can get wrong can be got wrong here.
"""
