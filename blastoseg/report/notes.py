"""A lab's own notes in the workbook: read back before it is replaced; the last workbooks are kept."""

import re
import shutil
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

from blastoseg.columns import BY_NAME
from blastoseg.files import replace_atomically
from blastoseg.report.sheet import HEADER_ROW
from blastoseg.report.tables import plain_text
from blastoseg.report.wording import heading_of
from blastoseg.sources.embryo_table import unreadable_workbook

NOTES_HEADING = "Notes"
"""The column of Summary that is the lab's own."""
MOST_KEPT = 3
"""Earlier workbooks that stay beside the new one."""
EMBRYO_HEADING = heading_of(BY_NAME["embryo_id"])


class _NoNotesColumnError(ValueError):
    """The workbook opens, but its notes are not where they belong."""


@dataclass(frozen=True, slots=True)
class EarlierWorkbook:
    """What the workbook of the run before leaves: notes by the embryo's name as shown; what must be said."""

    notes: dict[str, str] = field(default_factory=dict)
    said: tuple[str, ...] = ()


def take_over(workbook: Path) -> EarlierWorkbook:
    """Read the notes of the workbook that is about to be replaced, and keep a copy of it.

    Never raises for the old file's sake: one that cannot be read is kept aside, for good, and it is said.
    """
    if not workbook.is_file():
        return EarlierWorkbook()
    try:
        notes = read_notes(workbook)
    except unreadable_workbook() as error:
        return EarlierWorkbook(said=(_kept_aside(workbook, error),))
    try:
        _copy(workbook, "earlier")
        for old in _kept(workbook)[:-MOST_KEPT]:
            old.unlink()
    except OSError as error:
        said = (
            f"{workbook.name}: no copy of the earlier workbook was kept ({error.strerror}): free some space"
        )
        return EarlierWorkbook(notes, (said,))
    return EarlierWorkbook(notes)


def read_notes(workbook: Path) -> dict[str, str]:
    """The notes of Summary by embryo, as shown there: text only, a formula is none.

    Raises one of many errors for a file that is no workbook of ours.
    """
    book = load_workbook(workbook, read_only=True)
    try:
        rows = book["Summary"].iter_rows(min_row=HEADER_ROW)
        headings = [cell.value for cell in next(rows, ())]
        if not {EMBRYO_HEADING, NOTES_HEADING} <= set(headings):
            raise _NoNotesColumnError(f"Summary has no columns {EMBRYO_HEADING} and {NOTES_HEADING}")
        embryo, note = headings.index(EMBRYO_HEADING), headings.index(NOTES_HEADING)
        notes: dict[str, str] = {}
        for cells in rows:
            if len(cells) > max(embryo, note) and (text := _text(cells[note])):
                # A patient's heading has its name in the first column.
                name = str(cells[0].value if cells[embryo].value is None else cells[embryo].value)
                # A row that was copied by hand: neither note is thrown away.
                notes[name] = text if notes.get(name, text) == text else f"{notes[name]}\n{text}"
    finally:
        book.close()
    return notes


def note_text(note: str) -> str:
    """A note as a cell holds it: never a formula; its lines stay lines."""
    first, *others = note.split("\n")
    return "\n".join([plain_text(first), *(plain_text(f"x{line}")[1:] for line in others)])


def _text(cell: Any) -> str:
    if cell.value is None or cell.data_type == "f":
        return ""
    text = str(cell.value).replace("\r\n", "\n").strip()
    # What ``note_text`` put before it; a person sees the same and means the same.
    return text[1:] if text.startswith("'") and note_text(text[1:]) == text else text


def _kept_aside(workbook: Path, error: Exception) -> str:
    why = getattr(error, "strerror", None) or error
    try:
        kept = _copy(workbook, "unread")
    except OSError:
        return f"{workbook.name}: its notes cannot be read ({why}), and no copy of it was kept: close it"
    return (
        f"{workbook.name}: its notes cannot be read ({why}): it is kept as {kept.name}, copy them from there"
    )


def _copy(workbook: Path, word: str) -> Path:
    changed = datetime.fromtimestamp(workbook.stat().st_mtime)
    kept = workbook.with_name(f"{workbook.stem}-{word}-{changed:%Y%m%d-%H%M%S}{workbook.suffix}")
    with replace_atomically(kept) as temporary:
        shutil.copy2(workbook, temporary)
    return kept


def _kept(workbook: Path) -> list[Path]:
    """The copies that ``take_over`` made, oldest first: no other file's name has this form."""
    form = re.compile(rf"{re.escape(workbook.stem)}-earlier-\d{{8}}-\d{{6}}{re.escape(workbook.suffix)}")
    return sorted(path for path in workbook.parent.iterdir() if form.fullmatch(path.name))
