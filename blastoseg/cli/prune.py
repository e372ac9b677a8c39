"""``blastoseg prune``: delete the pictures of frames that are no longer in the input."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from blastoseg.run.prune import Prunable

FILES_SHOWN = 20


def prune(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Output folder of earlier runs.")],
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
) -> None:
    """Delete masks and overlays of frames that the last run on OUT no longer found in its input.

    Says what would go, and asks. Only files that a run wrote are deleted; one that was changed since is left.
    The frames' rows stay in the ledger: if a frame comes back, its pictures are made again.
    """
    import sys

    from blastoseg.errors import OutputError, UsageError, counted
    from blastoseg.run.journal import Journal, OutputLock, read_runs
    from blastoseg.run.outputs import OutputFolder
    from blastoseg.run.prune import Prunable, find_prunable
    from blastoseg.run.prune import prune as delete

    read_runs(out)
    # Nobody holds the folder while a person thinks: a night may begin.
    with OutputFolder(out.absolute()).refusals(), OutputLock(out), Journal(out) as journal:
        shown = find_prunable(out, journal)
    _show(out, shown)
    if not shown.files and not shown.gone:
        return
    # What a prune that was killed had deleted needs no leave to be struck off the register.
    if shown.files and not yes:
        if not sys.stdin.isatty():
            raise UsageError(f"prune {out}: nothing was deleted: nobody can be asked here; give --yes")
        if not typer.confirm(f"Delete {shown.in_words()}?"):
            print("Nothing was deleted.")
            return
    with OutputFolder(out.absolute()).refusals(), OutputLock(out) as lock, Journal(out) as journal:
        found = find_prunable(out, journal)
        # What was not shown stays, and so does what a run in between found again.
        agreed = Prunable(
            {path: size for path, size in found.files.items() if path in shown.files}, found.gone
        )
        refused = delete(out, journal, agreed, lock.check)
    if refused:
        others = f", nor can {counted(len(refused) - 1, 'other file')}" if len(refused) > 1 else ""
        raise OutputError(
            f"{out / refused[0]}: cannot be deleted{others}: check rights, close what is open elsewhere, "
            "and run prune again"
        )
    if agreed.files:
        print(f"Deleted: {agreed.in_words()}")


def _show(out: Path, found: "Prunable") -> None:
    for path in list(found.files)[:FILES_SHOWN]:
        print(f"  {_printable(path)}")
    if len(found.files) > FILES_SHOWN:
        print(f"  and {len(found.files) - FILES_SHOWN:,} more")
    for path in found.changed:
        print(f"  left: {_printable(path)} was changed since a run wrote it")
    if found.files:
        print(f"{out}: masks and overlays of frames that are no longer in the input: {found.in_words()}")
    else:
        print(f"{out}: nothing to delete: no mask or overlay is of a frame that is gone from the input")


def _printable(path: str) -> str:
    # Names keep letters of every script; a terminal, or a log that a scheduler writes, may know fewer.
    import sys

    encoding = sys.stdout.encoding or "utf-8"
    return path.encode(encoding, "backslashreplace").decode(encoding)
