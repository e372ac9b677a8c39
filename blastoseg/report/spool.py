"""Tables set aside in a temporary file, so that a report of millions of frames needs little memory."""

import json
import tempfile
import threading
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from blastoseg.columns import Column, dtypes_of

IN_MEMORY = 32 * 2**20
"""Bytes of a spool that stay in memory: those of an ordinary night never touch the disk."""
_NUMBER, _CODE = np.dtype(np.float64), np.dtype(np.int32)


class _Place(NamedTuple):
    """Where a table begins in the file, and how long its parts are."""

    start: int
    rows: int
    texts: int


class Spool:
    """Tables of the ``declared`` columns, read back by their numbers as they were, index and all.

    The file lies in ``folder`` (without one in the system's own), has no name there, and is gone with the
    process. Numbers and truth values are kept as floats, by column, so that a few columns are read alone; of
    texts each different one once. Safe for threads. OSError where the disk refuses.
    """

    def __init__(self, declared: Sequence[Column], folder: Path | None = None) -> None:
        self._texts = [column.name for column in declared if column.dtype == "str"]
        self._numbers = [column.name for column in declared if column.dtype != "str"]
        self._dtypes = dtypes_of(declared)
        place = None if folder is None else str(folder)
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY, dir=place)  # noqa: SIM115  closed with this
        weakref.finalize(self, self._file.close)
        self._places: list[_Place] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many tables there are."""
        return len(self._places)

    def append(self, table: pd.DataFrame) -> None:
        """Set one more aside; its index are whole numbers."""
        parts = [table.index.to_numpy(float)]
        parts += [table[name].to_numpy(float, na_value=np.nan) for name in self._numbers]
        codes, known = [], []
        for name in self._texts:
            # -1 where there is none.
            code, different = pd.factorize(table[name])
            codes.append(code.astype(_CODE))
            known.append([str(text) for text in different])
        texts = json.dumps(known).encode()
        with self._lock:
            start = self._file.seek(0, 2)
            for part in (*parts, *codes):
                self._file.write(part.tobytes())
            self._file.write(texts)
            self._places.append(_Place(start, len(table), len(texts)))

    def read(self, number: int, names: Sequence[str] | None = None) -> pd.DataFrame:
        """One of the tables, whole or with some of its columns."""
        asked = list(self._dtypes) if names is None else list(names)
        place = self._places[number]
        end = _NUMBER.itemsize * place.rows * (1 + len(self._numbers))
        with self._lock:
            index = self._array(place, 0, _NUMBER).astype(np.int64)
            known: list[list[str]] = []
            if not set(asked).isdisjoint(self._texts):
                self._file.seek(place.start + end + _CODE.itemsize * place.rows * len(self._texts))
                known = json.loads(self._file.read(place.texts))
            columns: dict[str, Any] = {}
            for name in asked:
                if self._dtypes[name].startswith("string"):
                    column = self._texts.index(name)
                    codes = self._array(place, end + column * place.rows * _CODE.itemsize, _CODE)
                    values = np.array([*known[column], pd.NA], object)[codes]
                    columns[name] = pd.array(values, dtype=self._dtypes[name])
                else:
                    column = 1 + self._numbers.index(name)
                    numbers = self._array(place, column * place.rows * _NUMBER.itemsize, _NUMBER)
                    columns[name] = _typed(numbers, self._dtypes[name])
        return pd.DataFrame(columns, index=pd.Index(index))

    def tables(self, names: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
        """All of them, one at a time."""
        for number in range(len(self)):
            yield self.read(number, names)

    def _array(self, place: _Place, at: int, dtype: "np.dtype[Any]") -> NDArray[Any]:
        self._file.seek(place.start + at)
        return np.frombuffer(self._file.read(place.rows * dtype.itemsize), dtype)


def _typed(numbers: NDArray[np.float64], dtype: str) -> Any:
    if dtype == "float64":
        return numbers
    is_empty = np.isnan(numbers)
    values = np.where(is_empty, 0, numbers)
    if dtype == "Int64":
        return pd.arrays.IntegerArray(values.astype(np.int64), is_empty)
    return pd.arrays.BooleanArray(values.astype(bool), is_empty)
