"""A second implementation of the protocol, which shares no code with the package: it is there to disagree."""
