"""A Trio server, client and sans-IO core for the RIC chat-connection protocol."""

__version__ = "0.1.0"
