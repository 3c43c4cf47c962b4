"""What the core raises: never for what a peer sent to a session, only for what its embedder did wrong."""


class LocalProtocolError(Exception):
    """The embedder broke the contract of a session: answered no question, fed input while one was open, …"""


class DecodeError(ValueError):
    """A payload is no valid envelope, and no request that could be answered. Its text says what was wrong."""


class InvalidKeyError(ValueError):
    """Bytes or PEM text are no key of a format that is known here. Its text says why; it shows no secret."""
