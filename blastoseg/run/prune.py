"""Deleting pictures of frames that are no longer in the input: those that a run wrote, and nothing else.

The files go first and their entries in the ledger's register after them, so that whatever a kill leaves
behind, the next time goes on from there. Rows of the ledger stay.
"""

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath

from blastoseg.errors import counted
from blastoseg.run.journal import Journal, Picture
from blastoseg.run.outputs import PICTURE_KINDS

log = logging.getLogger(__name__)

FILES_A_CHECK = 64


@dataclass(frozen=True, slots=True)
class Prunable:
    """What can be deleted: ``files`` relative to OUT with their sizes, and what is left alone.

    ``gone`` are registered, but no longer there; ``changed`` are not as a run wrote them: a person may have
    corrected them, or put a link in their place.
    """

    files: dict[str, int]
    gone: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(self.files.values())

    def in_words(self) -> str:
        """Number and size, as a person reads them."""
        size = f"{self.size / 1e6:,.1f} MB" if self.size >= 1e6 else f"{self.size / 1e3:,.0f} kB"
        return f"{counted(len(self.files), 'file')}, {size}"


def find_prunable(out: Path, journal: Journal, missing_days: float = 0) -> Prunable:
    """The pictures in ``out`` whose frames the last whole run did not find, nor any for ``missing_days``."""
    since = datetime.now(UTC) - timedelta(days=missing_days) if missing_days else None
    files, gone, changed = {}, [], []
    root = out.resolve()
    for picture in journal.pictures.missing(since):
        place = root / picture.path
        if not _is_of_a_run(picture):
            changed.append(picture.path)
            continue
        try:
            size = place.lstat().st_size
        except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: no system has such a name
            gone.append(picture.path)
            continue
        if _is_own(place) and picture.size in (None, size):
            files[picture.path] = size
        else:
            changed.append(picture.path)
    return Prunable(files, tuple(gone), tuple(changed))


def follow_input(
    out: Path, journal: Journal, shown: Iterable[str], keep_days: int | None, check: Callable[[], None]
) -> None:
    """After a whole run: note which pictures' frames its input lacks; ``shown`` are those that it has.

    Then ``delete_missing``.
    """
    journal.pictures.note_missing(shown)
    delete_missing(out, journal, keep_days, check)


def delete_missing(out: Path, journal: Journal, keep_days: int | None, check: Callable[[], None]) -> None:
    """Delete pictures whose frames have been missing for ``keep_days``; None keeps them all."""
    if keep_days is None:
        return
    found = find_prunable(out, journal, keep_days)
    refused = prune(out, journal, found, check)
    for path in found.changed:
        log.info("%s was changed since a run wrote it: left", path)
    if found.files:
        log.info(
            "pictures of frames that were missing from the input for %d days: %d of %s deleted",
            keep_days,
            len(found.files) - len(refused),
            found.in_words(),
        )


def prune(out: Path, journal: Journal, found: Prunable, check: Callable[[], None]) -> list[str]:
    """Delete ``found.files``, then the folders that this leaves empty; returns those that could not be.

    ``check`` is called now and then, and raises where ``out`` is no longer ours to work on.
    """
    deleted, refused = list(found.gone), []
    for number, path in enumerate(found.files):
        if number % FILES_A_CHECK == 0:
            check()
        try:
            (out / path).unlink(missing_ok=True)
            deleted.append(path)
        except OSError as error:
            log.warning("%s: cannot be deleted (%s)", path, error.strerror)
            refused.append(path)
    root = out.resolve()
    for folder in {(root / path).parent for path in deleted}:
        # Only an empty one goes: a folder may hold what others put there.
        with suppress(OSError, ValueError):
            if _is_reached_by_no_link(folder):
                folder.rmdir()
    journal.pictures.forget(deleted)
    return refused


def _is_of_a_run(picture: Picture) -> bool:
    """Whether the path is where runs write: ``<kind>/<embryo>/<file>``."""
    parts = PurePosixPath(picture.path).parts
    return len(parts) == 3 and parts[0] in PICTURE_KINDS and ".." not in parts


def _is_own(place: Path) -> bool:
    """Whether a file lies there, with no link on the way."""
    return _is_reached_by_no_link(place.parent) and not place.is_symlink() and place.is_file()


def _is_reached_by_no_link(folder: Path) -> bool:
    return folder.resolve() == folder
