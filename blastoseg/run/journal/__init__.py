"""What makes a night safe: one run at a time, whole files only, and a ledger of every frame and run."""

from blastoseg.run.journal.history import RunRecord, is_dead_night, ledger_of, read_runs
from blastoseg.run.journal.keys import MISSING, FrameKey, FrameKeys, KnownBy, ScoredWith
from blastoseg.run.journal.ledger import Journal
from blastoseg.run.journal.lock import OutputLock
from blastoseg.run.journal.pictures import Picture, PictureRegister, up_to_date
from blastoseg.run.journal.rows import as_row
from blastoseg.run.journal.run_log import run_log
from blastoseg.run.journal.schema import StoredFrame

__all__ = [
    "MISSING",
    "FrameKey",
    "FrameKeys",
    "Journal",
    "KnownBy",
    "OutputLock",
    "Picture",
    "PictureRegister",
    "RunRecord",
    "ScoredWith",
    "StoredFrame",
    "as_row",
    "is_dead_night",
    "ledger_of",
    "read_runs",
    "run_log",
    "up_to_date",
]
