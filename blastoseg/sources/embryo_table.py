"""The lab's table of embryos (``--embryos``): patient, dish, insemination, fate, the lab's own grades.

CSV or ``.xlsx``, a row an embryo under the name that a report without pseudonyms gives it. What is wrong with
the table as a whole is a UsageError; a cell or row that cannot be used is left out and said. No value of a
cell is ever a number to compute with, an insemination time apart, and none reaches an output unchecked.
"""

import csv
import hashlib
import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from blastoseg.errors import UsageError, counted, some_of
from blastoseg.records import AboutEmbryo
from blastoseg.sources.names import printable
from blastoseg.sources.shown import Shown

LARGEST_FILE, LARGEST_UNPACKED = 10_000_000, 200_000_000
MOST_ROWS, MOST_COLUMNS = 50_000, 100
LONGEST_CELL = 200
HEADINGS = ("embryo", "patient", "dish", "insemination_time", "fate", "icm", "te", "expansion")
FATES = frozenset({"transferred", "frozen", "discarded", "biopsied", "donated", "arrested", "thawed"})
"""Words for a fate that hold no name; others are not shown under pseudonyms."""
DAY_ZERO = datetime(1899, 12, 30)
"""From which slide files count their days."""
_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?")
_GRADE = re.compile(r"[A-D1-3]")
_EXPANSION = re.compile(r"[1-6]")


@dataclass(frozen=True, slots=True)
class EmbryoTable:
    """What the table tells, by the embryo's id as shown; ``remarks`` are what is wrong with it.

    ``insemination_day`` counts in days since 1899-12-30, as slide files do. ``sha256`` is the file's, empty
    where names are hidden: who guesses a short table could tell by it that he is right.
    """

    about: Mapping[str, AboutEmbryo] = field(default_factory=dict)
    insemination_day: Mapping[str, float] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    sha256: str = ""

    def remarks_on(self, found: Iterable[str]) -> Iterator[str]:
        """What to say of the embryos that the input does not hold."""
        unknown = sorted(set(self.about) - set(found))
        if unknown:
            embryos = counted(len(unknown), "embryo")
            yield f"{embryos} of the table of embryos not in the input: {some_of(unknown)}"


def read_embryo_table(path: Path | None, shown: Shown) -> EmbryoTable:
    """The table in the file; an empty one without a file.

    Patients and dishes are given as ``shown``; where that hides names, no date is kept, nor a fate in words
    of the lab's own. Raises UsageError for a file that is missing, too large, damaged, or has other headings.
    """
    if path is None:
        return EmbryoTable()
    name = f"--embryos {shown.of_path(path)}"
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ValueError(f"larger than {LARGEST_FILE / 1e6:.0f} MB")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        rows = list(_rows_of_workbook(path) if path.suffix.casefold() == ".xlsx" else _rows_of_csv(path))
    except unreadable_workbook() as error:
        why = getattr(error, "strerror", None) or shown.detail(str(error)[:200]) or type(error).__name__
        raise UsageError(
            f"{name}: cannot be read as a table ({why}): save it as CSV UTF-8 or .xlsx"
        ) from error
    if len(rows) > MOST_ROWS:
        raise UsageError(f"{name}: has more than {MOST_ROWS:,} rows: leave out what is not of this input")
    table = _table(_headings(rows, name, shown), rows[1:], shown)
    return replace(table, sha256=shown.detail(digest))


def unreadable_workbook() -> tuple[type[Exception], ...]:
    """What the library raises on a workbook that is damaged, locked, encrypted, or none."""
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415  as below

    return (
        *(OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError, RuntimeError),
        *(zipfile.BadZipFile, zlib.error, InvalidFileException, ParseError),
    )


def _rows_of_csv(path: Path) -> Iterator[list[str]]:
    text = path.read_text("utf-8-sig")
    if "\0" in text:
        raise ValueError("it holds zero bytes")
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    try:
        for cells in islice(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), MOST_ROWS + 2):
            yield [cell.strip() for cell in cells[:MOST_COLUMNS]]
    except csv.Error as error:
        raise ValueError(str(error)) from error


def _rows_of_workbook(path: Path) -> Iterator[list[str]]:
    with zipfile.ZipFile(path) as parts:
        if sum(part.file_size for part in parts.infolist()) > LARGEST_UNPACKED:
            raise ValueError(f"larger than {LARGEST_UNPACKED / 1e6:.0f} MB when unpacked")
    from openpyxl import load_workbook  # noqa: PLC0415  loads only for a table that is given

    book = load_workbook(path, read_only=True, data_only=True)
    try:
        rows = book.worksheets[0].iter_rows(max_col=MOST_COLUMNS, values_only=True)
        for cells in islice(rows, MOST_ROWS + 2):
            yield [_text(cell) for cell in cells]
    finally:
        book.close()


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).strip()


def _headings(rows: list[list[str]], name: str, shown: Shown) -> list[str]:
    if not rows:
        raise UsageError(f"{name}: is empty: its first row must name its columns, embryo first of all")
    headings = ["_".join(cell.casefold().split()) for cell in rows[0]]
    while headings and not headings[-1]:
        headings.pop()
    unknown = [heading for heading in headings if heading not in HEADINGS]
    allowed = f"may have the columns {', '.join(HEADINGS)}, and no other"
    if unknown:
        first = shown.detail(f", such as {printable(unknown[0][:60])!r}")
        columns = counted(len(unknown), "heading")
        raise UsageError(f"{name}: {columns} not known{first}: a table of embryos {allowed}")
    twice = [heading for heading, count in Counter(headings).items() if count > 1]
    if twice or "embryo" not in headings:
        what = f"two columns {twice[0]}" if twice else "no column embryo"
        raise UsageError(f"{name}: has {what}: a table of embryos {allowed}")
    return headings


def _table(headings: list[str], rows: list[list[str]], shown: Shown) -> EmbryoTable:
    told: list[tuple[str, int, dict[str, str]]] = []
    for line, cells in enumerate(rows, 2):
        row = dict(zip(headings, (printable(cell) for cell in cells), strict=False))
        if any(row.values()):
            told.append((row.pop("embryo", ""), line, row))
    count = Counter(embryo for embryo, *_ in told)
    about, days, bad = {}, {}, []
    for embryo, line, row in told:
        if not embryo or len(embryo) > LONGEST_CELL:
            bad.append(f"line {line} embryo")
        elif count[embryo] == 1:
            checked, wrong = _checked(row)
            bad += [f"line {line} {heading}" for heading in wrong]
            about[shown.of_name(embryo)] = _about(checked, shown)
            if "insemination_time" in checked:
                since = datetime.fromisoformat(checked["insemination_time"]) - DAY_ZERO
                days[shown.of_name(embryo)] = since / timedelta(days=1)
    return EmbryoTable(about, days, tuple(_remarks(count, bad, shown)))


def _remarks(count: Counter[str], bad: list[str], shown: Shown) -> Iterator[str]:
    twice = [shown.of_name(embryo) for embryo, rows in count.items() if embryo and rows > 1]
    if twice:
        embryos = counted(len(twice), "embryo")
        yield f"{embryos} in several rows of the table of embryos, none of which is taken: {some_of(twice)}"
    if bad:
        yield (
            f"{counted(len(bad), 'cell')} of the table of embryos cannot be used and are left out: "
            f"{some_of(bad)}; times are written 2026-03-01 14:30, grades A to D or 1 to 3, expansions 1 to 6"
        )


def _checked(row: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """A row's cells that can be used, and the headings of those that cannot."""
    checked, wrong = {}, []
    for heading, cell in row.items():
        if not cell:
            continue
        usable = _usable(heading, cell) if len(cell) <= LONGEST_CELL else ""
        if usable:
            checked[heading] = usable
        else:
            wrong.append(heading)
    return checked, wrong


def _usable(heading: str, cell: str) -> str:
    """The cell in the form that is kept; empty where it makes no sense."""
    if heading in ("icm", "te"):
        return cell.upper() if _GRADE.fullmatch(cell.upper()) else ""
    if heading == "expansion":
        return cell if _EXPANSION.fullmatch(cell) else ""
    if heading == "insemination_time":
        return _time(cell)
    return cell


def _time(cell: str) -> str:
    """ISO 8601 to the minute; empty without a time of day, as midnight is: a date alone is one."""
    if not _TIME.fullmatch(cell):
        return ""
    try:
        moment = datetime.fromisoformat(cell)
    except ValueError:
        return ""
    is_time = moment > DAY_ZERO and (moment.hour, moment.minute, moment.second) != (0, 0, 0)
    return moment.isoformat(" ", "minutes") if is_time else ""


def _about(row: dict[str, str], shown: Shown) -> AboutEmbryo:
    fate, expansion = row.get("fate", ""), row.get("expansion")
    patient, dish = (shown.of_name(row[heading]) if heading in row else "" for heading in ("patient", "dish"))
    return AboutEmbryo(
        patient=patient,
        dish=dish,
        insemination_time=shown.detail(row.get("insemination_time", "")),
        fate=fate if fate.casefold() in FATES else shown.detail(fate),
        lab_expansion=int(expansion) if expansion else None,
        lab_icm=row.get("icm", ""),
        lab_te=row.get("te", ""),
    )
