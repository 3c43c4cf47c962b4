"""Seeded faults: one class each, derived from the part of the reference server that it gets wrong."""

from tests.conform.faults import (
    budgets,
    challenges,
    closing,
    connects,
    encodings,
    envelopes,
    frames,
    negotiation,
    replies,
    states,
    structures,
    upgrade,
)
from tests.conform.faults.seeding import FAULTS, Fault

__all__ = [
    "FAULTS",
    "Fault",
    "budgets",
    "challenges",
    "closing",
    "connects",
    "encodings",
    "envelopes",
    "frames",
    "negotiation",
    "replies",
    "states",
    "structures",
    "upgrade",
]
