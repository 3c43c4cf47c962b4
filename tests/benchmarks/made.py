"""Results as a run would have them."""

from collections.abc import Mapping, Sequence

from benchmarks.comparison.results import Measured, Results

Rounds = Sequence[float | None]


def results_of(figures: Mapping[tuple[str, str, str], Mapping[str, Rounds]]) -> Results:
    """Results by scenario, variant and peer: figures by name, round by round."""
    results = Results(
        begun="2026-01-01T00:00:00+00:00",
        command=["session"],
        seed=1,
        versions={"python": "3.11.0", "openssl": "OpenSSL 3", "trio": "0.30"},
        machine={"processor": "a processor", "cores": "2", "kernel": "6", "system": "linux"},
    )
    for (scenario, variant, peer), by_name in figures.items():
        for number in range(max(map(len, by_name.values()))):
            measured = Measured({name: values[number] for name, values in by_name.items() if number < len(values)})
            results.add(scenario, variant, peer, measured)
    return results


PLAIN = "plain ws://, Ed25519, JSON"


def whole_run() -> Results:
    """Some of every scenario."""
    waits: Mapping[str, Rounds] = {"p50_ms": [2.0, 2.0, 3.0], "p99_ms": [9.0, 8.0, 7.0], "p999_ms": [12.0, 11.0, 10.0]}
    return results_of(
        {
            ("session", PLAIN, "ours"): {"cpu_us": [2000.0, 2100.0, 1900.0], "per_second": [500.0] * 3, **waits},
            ("session", PLAIN, "picows_server"): {"cpu_us": [500.0, 700.0, 380.0], "per_second": [None] * 3, **waits},
            ("session", PLAIN, "signatures"): {"cpu_us": [77.0, 78.0, 77.5]},
            ("message", "1 connection", "ours"): {"cpu_us": [200.0]},
            ("message", "100 connections", "ours"): {"cpu_us": [100.0], "per_second": [9000.0]},
            ("idle", "1,000 connections", "ours"): {"memory_bytes": [60e6], "bytes_each": [20e3], "cpu_share": [0.01]},
            ("idle", "10,000 connections", "ours"): {"memory_bytes": [240e6], "bytes_each": [20e3]},
            ("storm", "200 users", "ours"): {"cpu_us": [1800.0], "all_back_s": [0.4], "p50_ms": [300.0]},
            ("logins", "asked for the peak", "served"): {"per_second": [300.0], "of_peak": [1.0]},
            ("flood", "quiet", "served"): {"p99_ms": [1.7], "p50_ms": [1.0], "to_quiet": [1.0]},
            ("flood", "challenges", "served"): {"p99_ms": [3.4], "p50_ms": [2.0], "to_quiet": [2.0]},
            ("kept", "10", "served"): {"cpu_us": [2500.0, 2600.0], "startup_s": [0.5, 0.6]},
            ("kept", "1,000", "served"): {"cpu_us": [2500.0, 2500.0], "startup_s": [0.5, 0.5]},
            ("live", "10", "ours"): {"cpu_us": [2000.0], "message_cpu_us": [150.0]},
        }
    )
