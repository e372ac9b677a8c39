"""Which images show the same embryo or patient, told by their names or by ``groups.csv``."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from blastoseg.errors import DataError, counted
from blastoseg.settings import Naming
from blastoseg.sources.names import NameReader

GROUPS_FILE = "groups.csv"
HEADER = ("name", "group")
LARGEST_TABLE = 50_000_000

_PATIENT = re.compile(r"pcrm[ _-]*(r?\d[\d-]*)", re.IGNORECASE)
"""The clinic's number: letters behind it are embryos of one patient."""
_DIFFERS_WITHIN = re.compile(
    r"(?<![a-z0-9])(?:"
    r"left|right|top|bottom|upper|lower|middle|cent(?:er|re)"
    r"|d(?:ay)?[ _-]?[1-7]"
    r"|(?:frame|time|t|hpi|f|run)[ _-]?-?\d+(?:\.\d+)?"
    r"|\d+(?:\.\d+)?[ ]?h(?:pi|pf)?"
    r")(?![a-z0-9])",
    re.IGNORECASE,
)
"""Parts of names that tell views of one embryo or of a pair apart: side, day, frame, plane, hours."""
_PLAIN_FOLDERS = re.compile(
    r"images?|frames?|data|train(?:ing)?|val(?:id(?:ation)?)?|test|default|f-?\d+", re.I
)
"""Folders whose names tell no embryo."""


def groups_from_names(names: Sequence[str]) -> dict[str, str]:
    """The group of every name: its folder if that is an embryo's, else what its name says.

    Where in doubt, images are put together: that makes a test smaller, never easier.
    """
    folders = [PurePosixPath(name).parent.parts for name in names]
    levels = list(zip(*folders, strict=False))
    common = next((depth for depth, level in enumerate(levels) if len(set(level)) > 1), len(levels))
    reader = NameReader(Naming())
    groups = {}
    for name, parts in zip(names, folders, strict=True):
        telling = [part for part in parts[common:] if not _PLAIN_FOLDERS.fullmatch(part)]
        groups[name] = "/".join(telling) or _group_of_stem(PurePosixPath(name).name, reader)
    return groups


def _group_of_stem(stem: str, reader: NameReader) -> str:
    patient = _PATIENT.search(stem)
    if patient:
        return f"pcrm {patient[1].rstrip('-').casefold()}"
    read = reader.read(stem)
    plain = _DIFFERS_WITHIN.sub(" ", read.embryo or read.rest)
    return re.sub(r"[\s_]+", " ", plain).strip(" -.").casefold() or "."


def groups_from_table(path: Path, names: Sequence[str]) -> dict[str, str]:
    """The groups that ``groups.csv`` gives; its names may have the image's suffix.

    Raises DataError where the table is damaged or does not name every image.
    """
    try:
        if path.stat().st_size > LARGEST_TABLE:
            raise DataError(f"{path}: is too large for a table of groups: check what it holds")
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read ({error}): save it as CSV, UTF-8") from error
    if not rows or tuple(cell.strip().casefold() for cell in rows[0][:2]) != HEADER:
        raise DataError(f"{path}: its first line must be: {','.join(HEADER)}")
    table: dict[str, str] = {}
    for number, row in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in row):
            continue
        name, group = (cell.strip() for cell in (*row, "")[:2])
        if not name or not group or table.setdefault(name, group) != group:
            raise DataError(f"{path}, line {number}: needs a name, once, and its group")
    groups = {name: table.get(name) or _with_suffix(table, name) for name in names}
    lacking = [name for name, group in groups.items() if not group]
    if lacking:
        shown = ", ".join(lacking[:5])
        raise DataError(f"{path}: lacks {counted(len(lacking), 'image')} ({shown}): add a line for each")
    return groups


def _with_suffix(table: dict[str, str], name: str) -> str:
    found = {group for key, group in table.items() if str(PurePosixPath(key).with_suffix("")) == name}
    return found.pop() if len(found) == 1 else ""
