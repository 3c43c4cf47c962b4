import os


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: half of its time, a test waits for a socket, a process or a deadline."""
    return (os.cpu_count() or 1) + 1
