"""What the system lets a process have."""

import resource

from ric0_trio.cli.inspection.findings import Finding, Level
from ric0_trio.server.limits import ServerLimits, descriptors_for, fit_to_descriptors


def inspect_open_files(limits: ServerLimits) -> Finding:
    """Compare the limit on open files, which is that of this process, to the connections that are wanted."""
    subject, wanted = "[limits] max_connections", limits.max_connections
    possible = fit_to_descriptors(wanted)
    if possible == wanted:
        return Finding(Level.OK, subject, f"the limit on open files has room for {wanted}")
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    why = f"the limit on open files, {soft} for this command, has room for {possible} of {wanted}"
    remedy = f"raise it to {descriptors_for(wanted)} for the server (ulimit -n, or LimitNOFILE= of systemd)"
    return Finding(Level.NOTE, subject, why, remedy)
