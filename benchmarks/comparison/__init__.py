"""What `python -m benchmarks` is made of: peers in turns under `ric0-trio bench`, in figures and pictures."""
