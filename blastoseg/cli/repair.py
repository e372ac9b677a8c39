"""``blastoseg repair``: keep what is whole of a damaged ledger."""

from pathlib import Path
from typing import Annotated

import typer


def repair(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Output folder of earlier runs.")],
) -> None:
    """Make the ledger of OUT whole again: rows that stand as they were written are kept, others dropped.

    The damaged ledger stays beside it under another name. The next run scores the frames that were dropped.
    """
    from blastoseg.errors import counted
    from blastoseg.run.journal import OutputLock, ledger_of
    from blastoseg.run.journal.repair import repair_ledger

    ledger_of(out)  # Before a lock is written into a folder that is no run's.
    with OutputLock(out):
        done = repair_ledger(out)
    kept = f"{counted(done.frames, 'row')} of frames and {counted(done.run_events, 'line')} of the history"
    if done.aside is None:
        print(f"{out}: nothing to repair: {kept} stand as they were written")
        return
    torn = ", and what could not be read" if done.is_torn else ""
    print(f"{out}: kept {kept}; dropped {counted(done.dropped, 'row')}{torn}")
    print(f"The damaged ledger is {done.aside.name}. The next run scores again what is missing.")
