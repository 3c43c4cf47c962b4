"""Runs an example as it is, but for the bounds and the access store that a test wants.

`python -m tests.examples.staged FILE LIMITS`: `LIMITS` is a JSON object of `SessionLimits`. Each place that is taken
and given back is printed, `Ann joined` and `Ann left`; and about whoever is called Slow, `Slow asks` is printed, and
the store decides when a line has come on stdin.
"""

import json
import runpy
import sys
from pathlib import Path

from ric0_trio.protocol import ServerSession, SessionLimits, UserIdentity, Verdict

example, limits = Path(sys.argv[1]), json.loads(sys.argv[2])
sys.path.insert(0, str(example.parent))

import chatroom  # noqa: E402

admit, release = chatroom.admit, chatroom.release
names: dict[ServerSession, str] = {}


def admit_and_tell(session: ServerSession, user: UserIdentity) -> Verdict:
    if user.name == "Slow":
        print("Slow asks", flush=True)
        sys.stdin.readline()
    verdict = admit(session, user)
    names[session] = user.name
    print(f"{user.name} joined", flush=True)
    return verdict


def release_and_tell(session: ServerSession) -> None:
    release(session)
    print(f"{names.pop(session)} left", flush=True)


chatroom.LIMITS = SessionLimits(**limits)
chatroom.admit, chatroom.release = admit_and_tell, release_and_tell
runpy.run_path(str(example), run_name="__main__")
