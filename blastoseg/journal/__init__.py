"""What makes a night safe: one run at a time, whole files only, and a ledger of every frame and run."""

from blastoseg.journal.atomic import remove_unfinished, replace_atomically
from blastoseg.journal.history import RunRecord, read_runs
from blastoseg.journal.keys import MISSING, FrameKey, FrameKeys, ScoredWith
from blastoseg.journal.ledger import Journal
from blastoseg.journal.lock import OutputLock
from blastoseg.journal.run_log import run_log

__all__ = [
    "MISSING",
    "FrameKey",
    "FrameKeys",
    "Journal",
    "OutputLock",
    "RunRecord",
    "ScoredWith",
    "read_runs",
    "remove_unfinished",
    "replace_atomically",
    "run_log",
]
