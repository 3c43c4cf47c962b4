"""The real command, `ric0-trio serve --dev`, with its database on disk and all that comes with it."""

import argparse
import json
import signal
import sys
import tempfile
from pathlib import Path

from benchmarks.peers.site import LIFTED, make_identity, parse_options
from benchmarks.served import running_server
from ric0_trio.keyfile import save_private_key


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data-dir", type=Path, help="with a database that is to be used")
    options = parse_options(parser)
    flags = [] if options.tls else ["--plaintext"]
    lifted = {f"RIC0_TRIO_LIMITS_{name.upper()}": json.dumps(value) for name, value in LIFTED.items()}
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit())
    with tempfile.TemporaryDirectory() as folder:
        identity = Path(folder, "identity.pem")
        save_private_key(identity, make_identity(options.identity))
        with running_server(
            *flags, "--identity", str(identity), environment=lifted, data_dir=options.data_dir
        ) as served:
            ready = json.loads(served.ready_file.read_text())
            print(json.dumps({name: ready[name] for name in ("url", "pid", "ca")}), flush=True)
            signal.pause()


if __name__ == "__main__":
    main()
