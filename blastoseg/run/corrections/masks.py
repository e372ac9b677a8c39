"""Label images that lie in a run's output folder: whose frames they are, as its report says."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from blastoseg.columns import BY_NAME, CORRECTION_COLUMNS
from blastoseg.errors import InputNotFoundError
from blastoseg.records import AS_THE_NETWORK_SAID, Corrected, FrameRef, TimeReference
from blastoseg.report.dataset import read_long_table
from blastoseg.report.tables import plain_text
from blastoseg.run.corrections.folder import read_corrections
from blastoseg.run.outputs import CORRECTIONS

_KINDS = ("masks", CORRECTIONS)
_ASKED = (
    *("embryo_id", "frame_index", "focal_plane", "time_h", "time_reference"),
    *("um_per_px", "um_per_px_source", "mask"),
    *(column.name for column in CORRECTION_COLUMNS),
)


@dataclass(frozen=True, slots=True)
class KnownFrame:
    """A label image's frame: ``ref`` with embryo, hours and pixel size as its report has them."""

    ref: FrameRef
    corrected: Corrected = AS_THE_NETWORK_SAID


class KnownMasks:
    """What reports know of label images; each report is read once."""

    def __init__(self) -> None:
        self._rows: dict[Path, dict[str, dict[str, Any]]] = {}

    def frame_of(self, ref: FrameRef) -> KnownFrame:
        """The frame of a label image; one that no report names is its own.

        Raises OutputError where the table beside it is damaged, or another version's.
        """
        path = ref.path.resolve()
        if len(path.parents) < 3 or path.parents[1].name not in _KINDS:
            return KnownFrame(ref)
        out = path.parents[2]
        if out not in self._rows:
            self._rows[out] = _rows_of(out)
        row = self._rows[out].get(path.relative_to(out).as_posix())
        return KnownFrame(ref) if row is None else _known(ref, row)


def _rows_of(out: Path) -> dict[str, dict[str, Any]]:
    """The rows of a report by their label images, also by corrections that no run has taken in yet."""
    try:
        table = read_long_table(out, "frames", [BY_NAME[name] for name in _ASKED])
    except InputNotFoundError:
        return {}
    rows = table.to_dict("records")
    found = {str(row["mask"]): _plain(row) for row in rows if isinstance(row["mask"], str)}
    by_frame: dict[tuple[Any, Any], list[dict[str, Any]]] = {}
    for row in rows:
        by_frame.setdefault((row["embryo_id"], row["frame_index"]), []).append(_plain(row))
    for kept in read_corrections(out).kept.values():
        frames = by_frame.get((plain_text(kept.record.embryo), kept.record.frame_index), [])
        # Of a moment in several planes nothing says which it is, until a run has taken it in.
        if kept.mask_file not in found and len(frames) == 1:
            found[kept.mask_file] = frames[0] | kept.record.told(is_hidden=False).columns()
    return found


def _plain(row: dict[Any, Any]) -> dict[str, Any]:
    return {str(name): None if pd.isna(value) else value for name, value in row.items()}


def _known(ref: FrameRef, row: dict[str, Any]) -> KnownFrame:
    def number(name: str) -> float:
        return math.nan if row[name] is None else float(row[name])

    known = replace(
        ref,
        embryo_id=str(row["embryo_id"]),
        frame_index=int(row["frame_index"]),
        focal_plane=None if row["focal_plane"] is None else int(row["focal_plane"]),
        time_h=number("time_h"),
        time_reference=TimeReference(row["time_reference"] or TimeReference.UNKNOWN),
        um_per_px=number("um_per_px"),
        um_per_px_source=row["um_per_px_source"] or "",
    )
    if not row["corrected"]:
        return KnownFrame(known)
    how, tissues, by, at = (row[column.name] or "" for column in CORRECTION_COLUMNS)
    return KnownFrame(known, Corrected(how, tuple(tissues.split(";")), by, at))
