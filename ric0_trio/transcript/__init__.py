"""Transcripts: what a session was given and what it told, written down without secrets, and played again."""

from ric0_trio.transcript.format import FORMAT_VERSION, Header
from ric0_trio.transcript.recording import RecordedSession, Sink
from ric0_trio.transcript.replay import Difference, Replayed, TranscriptError, replay
from ric0_trio.transcript.stand_ins import StandIns

__all__ = [
    "FORMAT_VERSION",
    "Difference",
    "Header",
    "RecordedSession",
    "Replayed",
    "Sink",
    "StandIns",
    "TranscriptError",
    "replay",
]
