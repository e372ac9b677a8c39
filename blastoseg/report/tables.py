"""Typed tables with exactly the declared columns, and their CSV files."""

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from blastoseg import RESEARCH_USE_ONLY
from blastoseg.columns import BY_NAME, FRAME_COLUMNS, NOTICE, Column, dtypes_of
from blastoseg.errors import InputNotFoundError, OutputError
from blastoseg.files import replace_atomically, valid_text

NOTICE_COLUMN = NOTICE.name
DECIMALS = {
    "px": 2,
    "um": 2,
    "px2": 1,
    "um2": 1,
    "deg": 1,
    "h": 2,
    "um/px": 6,
    "px2/h": 2,
    "um2/h": 2,
    "px/h": 3,
    "um/h": 3,
}
"""Digits behind the point by unit; anything else has ``DECIMALS_ELSEWHERE``."""
DECIMALS_ELSEWHERE = 4
DIGITS_UNDECLARED = 6
ROWS_A_BATCH = 4096
"""Rows that are printed at once."""
# What a spreadsheet takes for a formula at the start of a cell (OWASP, CSV injection); the wide forms are
# formulas where the spreadsheet runs in Japanese or Chinese.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
ERROR_VALUES = {"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"}


def frames_table(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Rows of ``FrameResult.row()`` as a typed table of exactly ``FRAME_COLUMNS``; without rows an empty one.

    Raises KeyError for a value that no column declares.
    """
    return typed_table(list(rows), FRAME_COLUMNS)


def typed_table(rows: Sequence[dict[str, Any]], declared: Sequence[Column]) -> pd.DataFrame:
    """A table of the declared columns, in their order and dtypes; a missing value is empty."""
    dtypes = dtypes_of(declared)
    unknown = set().union(*rows) - dtypes.keys()
    if unknown:
        raise KeyError(f"not declared in blastoseg.columns: {', '.join(sorted(unknown))}")
    # Each column at once in its own type: rows as objects would take several times the memory.
    texts: dict[str, str] = {}
    columns = {}
    for name, dtype in dtypes.items():
        values = [row.get(name) for row in rows]
        if dtype.startswith("string"):
            # One text for all cells that say the same. Beside pyarrow, pandas refuses lone surrogates.
            values = [
                texts.setdefault(value, valid_text(value)) if isinstance(value, str) else value
                for value in values
            ]
        columns[name] = pd.Series(values, dtype=dtype)
    return pd.DataFrame(columns)


def is_undefined(value: Any) -> bool:
    """Whether a value of a table is NaN, None or NA."""
    return math.isnan(value) if isinstance(value, float) else bool(pd.isna(value))  # isna takes its time


def decimals_of(column: Column) -> int:
    """Digits behind the point that a column's values are given with."""
    return DECIMALS.get(column.unit, DECIMALS_ELSEWHERE)


def plain_text(text: str) -> str:
    """Text as a spreadsheet shows it and never runs it: control characters visible, formulas quoted."""
    # Nothing that is printable has to be made visible: nearly every text is done with at once.
    visible = text if text.isprintable() else "".join(_visible(character) for character in text)
    is_special = text.startswith(FORMULA_STARTS) or visible in ERROR_VALUES
    return f"'{visible}" if is_special else visible


def as_it_was(text: str) -> str:
    """The text that ``plain_text`` quoted; what it did not quote as it is."""
    quoted = text[1:]
    return quoted if text.startswith("'") and plain_text(quoted) == text else text


def _visible(character: str) -> str:
    code = ord(character)
    is_control = code < 32 or 127 <= code < 160 or character in "\u2028\u2029"
    is_no_character = 0xD800 <= code < 0xE000 or code in (0xFFFE, 0xFFFF)
    return f"\\x{code:02x}" if is_control or is_no_character else character


def write_csv(table: pd.DataFrame | Iterable[pd.DataFrame], path: Path) -> None:
    """Write a table as CSV: UTF-8 without a byte order mark, ``\\n`` line ends, the notice as last column.

    A table that comes in parts, one at least, is never held whole. The bytes depend on the values alone.
    Undefined values are empty; text never starts a formula. A number has its column's decimals, or six digits
    where ``blastoseg.columns`` declares no such column.
    """
    parts = [table] if isinstance(table, pd.DataFrame) else table
    with path.open("w", encoding="utf-8", newline="") as file:
        for number, rows in enumerate(some for part in parts for some in _sliced(part)):
            printed = {name: _printed(rows[name], BY_NAME.get(name)) for name in rows.columns}
            printed[NOTICE_COLUMN] = [RESEARCH_USE_ONLY] * len(rows)
            pd.DataFrame(printed).to_csv(
                file,
                header=number == 0,
                index=False,
                lineterminator="\n",
                float_format=f"%.{DIGITS_UNDECLARED}g",
            )


def _sliced(table: pd.DataFrame) -> Iterator[pd.DataFrame]:
    # Cells as text take ten times the memory of numbers: no more than a batch of rows are.
    for start in range(0, max(1, len(table)), ROWS_A_BATCH):
        yield table.iloc[start : start + ROWS_A_BATCH]


def save_csv(table: pd.DataFrame, path: Path) -> None:
    """``write_csv`` into a file that appears whole or not at all; OutputError where the disk refuses."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replace_atomically(path) as temporary:
            write_csv(table, temporary)
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror}): close it in other programs, free some space, or "
            "choose another --out"
        ) from error


def read_csv(path: Path, declared: Sequence[Column]) -> pd.DataFrame:
    """Those columns of a run's table, typed; InputNotFoundError without one, OutputError if damaged."""
    if not path.is_file():
        raise InputNotFoundError(
            f"{path}: there is no such table: is {path.parent} the output folder of a run?"
        )
    dtypes = dtypes_of(declared)
    try:
        table = pd.read_csv(
            path, usecols=lambda name: name in dtypes, dtype=dtypes, keep_default_na=False, na_values=[""]
        )
    except (ValueError, TypeError, OverflowError, OSError) as error:
        raise OutputError(
            f"{path}: cannot be read as this version's table ({error}): run blastoseg on {path.parent} again"
        ) from error
    missing = [name for name in dtypes if name not in table]
    if missing:
        raise OutputError(
            f"{path}: lacks {', '.join(missing[:5])}: it is another version's, or was changed: run "
            f"blastoseg on {path.parent} again"
        )
    return table


def _printed(values: "pd.Series[Any]", declared: Column | None) -> "Sequence[Any] | pd.Series[Any]":
    if declared is not None and declared.dtype == "float":
        pattern = f"z.{decimals_of(declared)}f"  # z: no -0.00
        numbers = values.to_numpy(float, na_value=math.nan).tolist()
        return [None if math.isnan(number) else format(number, pattern) for number in numbers]
    if pd.api.types.is_numeric_dtype(values):
        return values
    return [None if pd.isna(value) else plain_text(str(value)) for value in values]
