"""A conformance kit for RIC servers: a check for each numbered rule of docs/protocol.md, over the wire alone.

Begin with `run_checks` (docs/conformance.md). What a server answers is read and judged here, without the package's own
codecs and session: they are what is tested as well.
"""
