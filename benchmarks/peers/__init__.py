"""Servers to compare: ours, and the same core behind other libraries, each as its authors would write it.

Each is run as `python -m benchmarks.peers.NAME [--tls] [--identity FORMAT] [--encoding NAME]`, prints one line of JSON
when it listens (`site.announce`), and serves until SIGTERM. What they share, so that nothing but the library differs:
`site` has the identity, the bounds and the certificate, `rules` who may join, `talk` a session and its questions.
"""
