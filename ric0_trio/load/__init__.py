"""A load for servers: many users on raw sockets, far cheaper than what they measure. Linux alone (epoll, /proc).

`run.py` is where it begins: it meets the server, starts worker processes and merges what they measured.
"""
