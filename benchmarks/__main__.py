"""How this server compares with others under the same load, and with itself when there is more of everything.

Servers are on one core, the load (`ric0-trio bench`) is on another. Peers take turns. The headline is the server's CPU
an operation, by the operating system's account. Loopback is exempt from the bounds per address, and users may send as
many messages as they like: the load comes from one machine. Run it from the root of the repository.

    python -m benchmarks                                          everything, which takes hours
    python -m benchmarks session message --rounds 3               two scenarios
    python -m benchmarks session --peers ours,websockets_uvloop   two peers
    python -m benchmarks --quick                                  does all work? two minutes; the figures are no use
    python -m benchmarks --out docs/benchmarks                    keep figures and pictures, renew docs/benchmarks.md
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from benchmarks.comparison.load import LoadFailedError
from benchmarks.comparison.page import renew_file
from benchmarks.comparison.peers import PEERS, UnknownPeerError, choose_peers
from benchmarks.comparison.processes import ServerFailedError
from benchmarks.comparison.results import Results
from benchmarks.comparison.scenarios import SCENARIOS
from benchmarks.comparison.tables import make_tables
from benchmarks.comparison.turns import Bench, hush


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"{', '.join(SCENARIOS)}  [default: all]")
    parser.add_argument("--peers", help="names, with commas between  [default: all that are installed]")
    parser.add_argument("--rounds", type=int, default=5, help="how often each has its turn  [default: 5]")
    parser.add_argument("--seconds", type=float, default=4, help="for each measurement  [default: 4]")
    parser.add_argument("--quick", action="store_true", help="a moment of each, with few users, once")
    parser.add_argument("--out", type=Path, help="a folder for results-SCENARIO….json and the pictures")
    parser.add_argument("--list", action="store_true", help="tell what scenarios and peers there are")
    options = parser.parse_args(arguments)
    if options.list:
        return tell_what_there_is()
    unknown = [name for name in options.scenarios if name not in SCENARIOS]
    if unknown:
        parser.error(f"no scenario {unknown[0]!r}; there are {', '.join(SCENARIOS)}")
    if options.out is not None and find_spec("matplotlib") is None:
        parser.error("--out draws pictures: pip install 'ric0-trio[bench]'")
    try:
        peers, left_out = choose_peers(options.peers.split(",") if options.peers else None)
    except UnknownPeerError as error:
        parser.error(str(error))
    for line in left_out:
        print(line, file=sys.stderr)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # the servers and the load end with it
    results = Results.begin(sys.argv[1:] if arguments is None else arguments)
    rounds, seconds = (1, 0.3) if options.quick else (options.rounds, options.seconds)
    bench = Bench(peers, rounds, seconds, options.quick, results)
    try:
        run(bench, options.scenarios or list(SCENARIOS))
    except (LoadFailedError, ServerFailedError) as error:
        sys.exit(f"benchmarks: {error}")
    finally:
        if options.out is not None and results.rows:
            keep(results, options.out)
    if any(measured.problem for row in results.rows for measured in row.rounds):
        sys.exit(1)
    return None


def run(bench: Bench, names: Sequence[str]) -> None:
    """Measure, and print each scenario's tables when it is done."""
    for name in names:
        scenario = SCENARIOS[name]
        try:
            scenario.measure(bench)
        finally:  # what was measured before it failed, or Ctrl-C, is shown
            hush()
            for rows in scenario.rows:
                for table in make_tables(bench.results, rows):
                    print(table.to_text(), flush=True)


def keep(results: Results, folder: Path) -> None:
    """Write the figures and the pictures, and renew the page beside the folder, if there is one."""
    from benchmarks.comparison.plots import draw_all  # not everyone who measures has matplotlib

    folder.mkdir(parents=True, exist_ok=True)
    results.save(folder / f"results-{'-'.join(sorted({row.scenario for row in results.rows}))}.json")
    draw_all(results, folder)
    page = folder.with_suffix(".md")
    if page.exists():
        renew_file(page, results)


def tell_what_there_is() -> None:
    print("scenarios")
    for name, scenario in SCENARIOS.items():
        print(f"  {name:<26} {scenario.what}")
    print("peers")
    for peer in PEERS.values():
        note = f"  (needs {', '.join(peer.missing)}: pip install 'ric0-trio[bench]')" if peer.missing else ""
        print(f"  {peer.name:<26} {peer.what}{note}")


if __name__ == "__main__":
    main()
