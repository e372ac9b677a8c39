"""How many of the machine's cores this program may use. Without torch: a run over known frames asks, too."""

import os


def usable_cores() -> int:
    """How many of this machine's cores this program may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
