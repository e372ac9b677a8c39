"""EmbryoScope slide files: SQLite, opened read-only and immutable, pictures fetched one at a time.

Of the table ``GENERAL`` only ``Fertilization`` is read: other rows identify a person.
"""

import math
import sqlite3
import threading
import time
from collections import defaultdict
from contextlib import closing
from pathlib import Path

from blastoseg.errors import UnreadableFrameError, counted
from blastoseg.records import Decoded, TimeReference
from blastoseg.sources.addresses import SlidePicture
from blastoseg.sources.decode import decode_picture
from blastoseg.sources.numbers import (
    LARGEST_WHOLE,
    LONGEST_NAME,
    MOST_DIGITS,
    can_be_insemination,
    day,
    hours,
    number,
    whole,
)
from blastoseg.sources.shots import Shot
from blastoseg.sources.wells import Well, one_problem

SUFFIX = ".pdb"
LARGEST_PICTURE = 50_000_000
MOST_PICTURES = 500_000
"""A dish of 12 wells, 800 runs and 11 planes has 105,600."""
LONGEST_LISTING_S = 50.0
MAGIC = b"SQLite format 3\x00"
EXPORT_AGAIN = "copy it from the incubator again"

Row = tuple[int, object, object, object, object]


def find_wells(path: str, source: str) -> tuple[list[Well], list[str]]:
    """The wells of a slide file with all runs and focal planes, and notes; a problem where it is none.

    Hours count from ``Fertilization``; without a usable one from the well's first picture.
    """
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            head = file.read(len(MAGIC))
    except OSError as error:
        return one_problem(source, path, f"cannot be read ({error.strerror}): check its rights"), []
    if head != MAGIC:
        return one_problem(source, path, f"is not an SQLite slide file: {EXPORT_AGAIN}"), []
    try:
        with closing(_open(path, time_limit_s=LONGEST_LISTING_S)) as database:
            rows = _list_pictures(database)
            fertilization = _fertilization(database)
    except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
        return one_problem(source, path, f"is a damaged slide file ({error}): {EXPORT_AGAIN}"), []
    if not rows:
        return one_problem(source, path, "holds no pictures"), []
    return _by_well(rows, path, source, fertilization)


def read_picture(path: Path, row: int, name: str) -> Decoded:
    """Decode the picture of one row. Raises UnreadableFrameError, beginning with ``name``."""
    try:
        found = (
            _database_of_this_thread(path)
            .execute(
                "SELECT length(Image), CASE WHEN length(Image) <= ? THEN Image END FROM IMAGES "
                "WHERE rowid = ?",
                (LARGEST_PICTURE, row),
            )
            .fetchone()
        )
    except (sqlite3.Error, OSError) as error:
        # An OSError's own text names the path.
        what = getattr(error, "strerror", None) or error
        raise UnreadableFrameError(f"{name}: cannot be read ({what}): {EXPORT_AGAIN}") from error
    if found is None:
        raise UnreadableFrameError(f"{name}: this picture is no longer in the slide file: was it replaced?")
    length, picture = found
    if length is not None and length > LARGEST_PICTURE:
        raise UnreadableFrameError(f"{name}: {length / 1e6:.0f} MB are too large for a picture")
    if not isinstance(picture, bytes):
        raise UnreadableFrameError(f"{name}: the slide file holds no picture here: {EXPORT_AGAIN}")
    return decode_picture(picture, name)


def _open(path: str, time_limit_s: float) -> sqlite3.Connection:
    address = f"{Path(path).absolute().as_uri()}?mode=ro&immutable=1"
    database = sqlite3.connect(address, uri=True, timeout=5.0)
    database.execute("PRAGMA trusted_schema = OFF")
    database.execute("PRAGMA cell_size_check = ON")
    # No value is longer than a picture: SQLite refuses it before it takes the memory.
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_PICTURE)
    if time_limit_s < math.inf:
        # A damaged or malicious file must not hold up the night: a true value interrupts the query.
        deadline = time.monotonic() + time_limit_s
        database.set_progress_handler(lambda: time.monotonic() > deadline, 100_000)
    return database


def _list_pictures(database: sqlite3.Connection) -> list[Row]:
    kind = database.execute("SELECT type FROM sqlite_master WHERE name = 'IMAGES' COLLATE NOCASE").fetchone()
    if kind != ("table",):
        raise sqlite3.DatabaseError("it has no table IMAGES")
    rows = database.execute(
        "SELECT rowid, Well, Run, Focal, Time FROM IMAGES LIMIT ?", (MOST_PICTURES + 1,)
    ).fetchall()
    if len(rows) > MOST_PICTURES:
        raise sqlite3.DatabaseError(f"it has more than {MOST_PICTURES:,} pictures")
    return rows


def _fertilization(database: sqlite3.Connection) -> float:
    try:
        found = database.execute(
            "SELECT Val FROM GENERAL WHERE Par = 'Fertilization' AND length(Val) <= ?", (MOST_DIGITS,)
        ).fetchone()
    except (sqlite3.OperationalError, sqlite3.DataError):
        # The table is missing, or the value too long for a date: no time is known, which is not an error.
        return math.nan
    return day(found[0]) if found else math.nan


def _by_well(rows: list[Row], path: str, source: str, fertilization: float) -> tuple[list[Well], list[str]]:
    wells: dict[str, list[tuple[int, int, int, float]]] = defaultdict(list)
    damaged: list[tuple[int, int, Shot]] = []
    for row, well, run, focal, moment in rows:
        run_number, plane = whole(run), whole(focal)
        name = _well_name(well)
        if not name or run_number is None or plane is None:
            what = f"{source}: picture {row} tells no well, run or focal plane to use: {EXPORT_AGAIN}"
            damaged.append((row, -1, Shot(source, path, SlidePicture(row), problem=what)))
        else:
            wells[name].append((row, run_number, plane, day(moment)))
    found, notes, without = [], [], 0
    for name, pictures in wells.items():
        times = [moment for *_, moment in pictures if not math.isnan(moment)]
        start, reference = _clock_start(times, fertilization)
        if reference is not TimeReference.INSEMINATION:
            without += 1
        shots = []
        for row, run, plane, moment in pictures:
            time_h = hours((moment - start) * 24)
            counted_from = TimeReference.UNKNOWN if math.isnan(time_h) else reference
            at = SlidePicture(row)
            shot = Shot(source, path, at, plane, time_h=time_h, time_reference=counted_from, clock_day=moment)
            shots.append((0, run, shot))
        found.append(Well(name, has_clock=bool(times), shots=shots))
    if damaged:
        found.append(Well(shots=damaged))
    if without:
        # Not the wells' names, which may be a person's.
        notes.append(
            f"{source}: no usable time of fertilization; the hours of {counted(without, 'well')} count from "
            "the first picture"
        )
    return found, notes


def _well_name(well: object) -> str:
    found = number(well)
    if not math.isnan(found):
        return f"Well {found:g}" if abs(found) <= LARGEST_WHOLE else ""
    return f"Well {well.strip()}" if isinstance(well, str) and 0 < len(well.strip()) <= LONGEST_NAME else ""


def _clock_start(times: list[float], fertilization: float) -> tuple[float, TimeReference]:
    if not times:
        return math.nan, TimeReference.UNKNOWN
    first, last = min(times), max(times)
    if can_be_insemination(fertilization, first, last):
        return fertilization, TimeReference.INSEMINATION
    return first, TimeReference.RECORDING


class _Opened(threading.local):
    """The slide file that this thread read last: an SQLite connection belongs to one thread."""

    key: tuple[str, int, int] | None = None
    database: sqlite3.Connection | None = None


_opened = _Opened()


def _database_of_this_thread(path: Path) -> sqlite3.Connection:
    status = path.stat()
    key = (str(path), status.st_size, status.st_mtime_ns)
    if _opened.database is None or _opened.key != key:
        if _opened.database is not None:
            _opened.database.close()
        _opened.database, _opened.key = _open(str(path), math.inf), key
    return _opened.database
