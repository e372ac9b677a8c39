"""All tables of a report, made a few embryos at a time: what grows with the frames lies in spools."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd

from blastoseg.columns import FRAME_COLUMNS, MOMENT_COLUMNS, REPORTED_FRAME_COLUMNS, Column
from blastoseg.course.episodes import worst_first
from blastoseg.course.planes import first_planes
from blastoseg.course.tables import DEFAULT_GRADES, CourseTables, course_tables
from blastoseg.records import AboutEmbryo
from blastoseg.report.headline import unit_of_length
from blastoseg.report.spool import Spool
from blastoseg.report.tables import typed_table
from blastoseg.settings import Grades

LONG_TABLES: Mapping[str, Sequence[Column]] = {
    "frames": REPORTED_FRAME_COLUMNS,
    "planes": FRAME_COLUMNS,
    "moments": MOMENT_COLUMNS,
}
"""Those that grow with the frames."""
ROWS_A_BATCH = 4096
_TABLES_READ = 4
"""Tables that stay in memory once read: rows that follow each other mostly lie in one."""
_Run = tuple[int, int]


class Batch(NamedTuple):
    """A few whole embryos: their rows in each table."""

    frames: pd.DataFrame
    embryos: pd.DataFrame
    events: pd.DataFrame


class GatheredTables:
    """The tables of a report, of tables of ``FRAME_COLUMNS`` in its order, and of ``about`` by embryo.

    ``about`` is read once all tables are. ``embryos``, ``events`` and ``episodes`` are as in
    ``CourseTables``; frames, planes and moments, of which there may be millions, are read again from spools
    in ``folder``: an embryo's at a time, or in the order of the report.
    """

    def __init__(
        self,
        tables: Iterable[pd.DataFrame],
        folder: Path | None = None,
        recent_h: float = 0.0,
        grades: Grades = DEFAULT_GRADES,
        about: Mapping[str, AboutEmbryo] = MappingProxyType({}),
    ) -> None:
        arrived = _Arrived(tables, folder)
        self.statuses = arrived.statuses
        """All frames by status, those of every focal plane."""
        self.frames_of_embryo: Counter[str] = Counter()
        """How many rows of the frames' table each embryo has."""
        self.measured_of_embryo: Counter[str] = Counter()
        self.doubtful = 0
        """How many rows of the frames' table are not ok."""
        self._spools = spools = {name: Spool(declared, folder) for name, declared in LONG_TABLES.items()}
        self._read = lru_cache(_TABLES_READ)(lambda name, number, names: spools[name].read(number, names))
        self._batch_of: dict[str, int] = {}
        self._firsts: list[float] = []
        self._has_moments = False
        made = [
            self._set_aside(frames.index, course_tables(frames, recent_h, grades, about))
            for frames in arrived.of_whole_embryos()
        ]
        joined = [pd.concat(parts, ignore_index=True) for parts in zip(*made, strict=True)]
        self.embryos: pd.DataFrame = joined[0]
        self.events: pd.DataFrame = joined[1]
        self.episodes = worst_first(joined[2])
        self._ends = [(0, 0), *np.cumsum([(len(one[0]), len(one[1])) for one in made], axis=0).tolist()]

    def _set_aside(
        self, index: "pd.Index[int]", made: CourseTables
    ) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        self._batch_of |= dict.fromkeys(made.embryos["embryo_id"].astype(str), len(self._firsts))
        self._firsts.append(float(index[0]) if len(index) else math.inf)
        self.frames_of_embryo.update(made.frames["embryo_id"])
        self.measured_of_embryo.update(made.frames["embryo_id"][made.frames["blastocyst_area_px2"].notna()])
        self.doubtful += int((made.frames["status"] != "ok").sum())
        self._has_moments |= len(made.moments) > 0
        self._spools["frames"].append(made.frames)
        self._spools["planes"].append(made.planes)
        self._spools["moments"].append(made.moments.set_axis(first_planes(made.planes).index))
        return made.embryos, made.events, made.episodes

    @property
    def frames_total(self) -> int:
        """Rows of the frames' table."""
        return self.frames_of_embryo.total()

    @property
    def has_moments(self) -> bool:
        """Whether a moment was seen in several focal planes."""
        return self._has_moments

    @cached_property
    def unit(self) -> str:
        """The unit of length of the whole report (``headline.unit_of_length``)."""
        parts = self._spools["frames"].tables(("blastocyst_area_px2", "um_per_px"))
        units = {unit_of_length(one) for one in parts if one["blastocyst_area_px2"].notna().any()}
        return "um" if units == {"um"} else "px"

    @property
    def frames(self) -> pd.DataFrame:
        """The whole table of frames: of small reports."""
        return pd.concat(list(self.frames_in_order()), ignore_index=True)

    def frames_in_order(self, names: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
        """The frames' table in the order of the report, or some of its columns, in parts; one at least."""
        return self._in_order("frames", names)

    def planes_in_order(self, names: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
        """The table of focal planes likewise."""
        return self._in_order("planes", names)

    def moments_in_order(self) -> Iterator[pd.DataFrame]:
        """The table of moments likewise."""
        return self._in_order("moments")

    def rows_of(self, table: str, embryo: str, names: Sequence[str] | None = None) -> pd.DataFrame:
        """One embryo's rows of one of ``LONG_TABLES``."""
        asked = None if names is None else tuple(dict.fromkeys(("embryo_id", *names)))
        rows = self._read(table, self._batch_of[embryo], asked)
        return rows[(rows["embryo_id"] == embryo).to_numpy()]

    def batches(self, names: Sequence[str] | None = None) -> Iterator[Batch]:
        """Frames, some of their columns, with their embryos and events: a few whole embryos at a time."""
        for number, (begin, end) in enumerate(pairwise(self._ends)):
            yield Batch(
                self._spools["frames"].read(number, names),
                self.embryos.iloc[begin[0] : end[0]],
                self.events.iloc[begin[1] : end[1]],
            )

    def planes_by_batch(self, names: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Focal planes, some of their columns, of the embryos of each batch."""
        return self._spools["planes"].tables(names)

    def _in_order(self, table: str, names: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
        """Batches have whole embryos: rows that came after another embryo's wait for their turn."""
        waiting: list[pd.DataFrame] = []
        for number, next_first in enumerate([*self._firsts[1:], math.inf]):
            rows = pd.concat([*waiting, self._spools[table].read(number, names)])
            if not rows.index.is_monotonic_increasing:
                rows = rows.sort_index(kind="stable")
            ready = int(np.searchsorted(rows.index.to_numpy(float), next_first))
            waiting = [rows.iloc[ready:]] if ready < len(rows) else []
            yield rows.iloc[:ready].reset_index(drop=True)


class _Arrived:
    """Rows as they came, numbered by their order, and which of them are each embryo's."""

    def __init__(self, tables: Iterable[pd.DataFrame], folder: Path | None) -> None:
        spool = Spool(FRAME_COLUMNS, folder)
        self._read = lru_cache(_TABLES_READ)(spool.read)
        self._starts = [0]
        self._runs: dict[str, list[_Run]] = {}
        self.statuses: Counter[str] = Counter()
        for table in tables:
            start = self._starts[-1]
            spool.append(table.set_axis(range(start, start + len(table))))
            self._starts.append(start + len(table))
            self.statuses.update(table["status"])
            self._note_runs(table["embryo_id"], start)

    def _note_runs(self, ids: "pd.Series[str]", start: int) -> None:
        codes, _ = pd.factorize(ids, use_na_sentinel=False)
        changes = (np.flatnonzero(np.diff(codes)) + 1).tolist()
        for first, end in pairwise([0, *changes, len(ids)] if len(ids) else []):
            self._runs.setdefault(str(ids.iloc[first]), []).append((start + first, start + end))

    def of_whole_embryos(self) -> Iterator[pd.DataFrame]:
        """All rows, some embryos at a time, in the order in which they first appear; one table at least."""
        runs: list[_Run] = []
        rows = 0
        for own in self._runs.values():
            runs += own
            rows += sum(end - first for first, end in own)
            if rows >= ROWS_A_BATCH:
                yield self._rows(runs)
                runs, rows = [], 0
        if runs or not self._runs:
            yield self._rows(runs)

    def _rows(self, runs: list[_Run]) -> pd.DataFrame:
        joined: list[_Run] = []
        for first, end in sorted(runs):
            if joined and joined[-1][1] == first:
                joined[-1] = (joined[-1][0], end)
            else:
                joined.append((first, end))
        parts = [part for run in joined for part in self._slices(*run)]
        if not parts:
            return typed_table([], FRAME_COLUMNS)
        return pd.concat(parts) if len(parts) > 1 else parts[0]

    def _slices(self, first: int, end: int) -> Iterator[pd.DataFrame]:
        number = int(np.searchsorted(self._starts, first, side="right")) - 1
        while first < end:
            start, after = self._starts[number], self._starts[number + 1]
            yield self._read(number).iloc[first - start : min(end, after) - start]
            first, number = after, number + 1
