"""``<video>_timeElapsed.csv`` (Gomez 2022): hours of every frame since the recording began."""

import csv
import math
from pathlib import Path

from blastoseg.sources.numbers import LONGEST_H, hours

ENDING = "_timeelapsed.csv"
LARGEST_FILE = 10_000_000


def is_elapsed_file(name: str) -> bool:
    """Whether the name is that of a table of hours."""
    return name.casefold().endswith(ENDING)


def video_of(name: str) -> str:
    """The video that the table is for, lower case."""
    return name.casefold().removesuffix(ENDING)


def read_elapsed(path: Path) -> dict[int, float]:
    """Hours by frame number, from the columns ``frame_index`` and ``time``.

    Raises ValueError, saying what is wrong, for a table that is not one.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ValueError(f"larger than {LARGEST_FILE / 1e6:.0f} MB")
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise ValueError(f"it cannot be read ({error.strerror}): check the rights") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(str(error)) from error
    if not rows or not {"frame_index", "time"} <= rows[0].keys():
        raise ValueError("needs the columns frame_index and time")
    found = {}
    for number, row in enumerate(rows, start=2):
        try:
            index, time_h = int(row["frame_index"]), float(row["time"])
        except (TypeError, ValueError) as error:
            raise ValueError(f"line {number}: {str(error)[:200]}") from error
        if math.isnan(hours(time_h)):
            raise ValueError(f"line {number}: the time is no number of hours up to {LONGEST_H:g}")
        found[index] = time_h
    return found
