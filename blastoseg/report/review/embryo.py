"""What the page says of one embryo: its line in the index, and all that is loaded when it is opened."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from blastoseg.columns import (
    BY_NAME,
    CONFIDENCE_COLUMNS,
    EMBRYO_COLUMNS,
    FRAME_COLUMNS,
    LETTER_TISSUES,
    MEASURE_COLUMNS,
    STEADY_COLUMNS,
    VERDICT_COLUMNS,
    Column,
)
from blastoseg.report.film import FINENESS, TILE_SIDE, TILES_ACROSS, Film
from blastoseg.report.headline import MEASURES
from blastoseg.report.tables import decimals_of
from blastoseg.report.wording import flags_in_words, symbols_of, words_of

FRAME_TEXTS = ("status", "flags", "reason", "course_flags", "overlay", "corrected", "corrected_by")
_NUMBERED = ("time_h", "frame_index", "focal_plane")
_LENGTHS = {"um": ("px", "px2", "px2/h", "px/h"), "px": ("um", "um2", "um2/h", "um/h")}
_OF_EMBRYO = [column for column in EMBRYO_COLUMNS if column not in (*FRAME_COLUMNS, *VERDICT_COLUMNS)]


def shown(declared: Iterable[Column], unit: str) -> list[Column]:
    """The columns that are shown where ``unit`` (um or px) is the unit of length."""
    return [column for column in declared if column.unit not in _LENGTHS[unit]]


def frame_columns(unit: str) -> list[Column]:
    """The numbers that the page has of every frame."""
    return shown((*MEASURE_COLUMNS, *CONFIDENCE_COLUMNS, *STEADY_COLUMNS[1:]), unit)


def embryo_columns(unit: str) -> list[Column]:
    """What the page has of an embryo as a whole."""
    return shown(_OF_EMBRYO, unit)


def frames_used(unit: str) -> list[str]:
    """Every column of the frames table that the page depends on, the mask's path among them."""
    names = ["embryo_id", *_NUMBERED, *FRAME_TEXTS, "mask", *(column.name for column in frame_columns(unit))]
    return list(dict.fromkeys(names))


def described(declared: Iterable[Column]) -> list[dict[str, str]]:
    """Name, words, unit and definition of columns, for the index."""
    return [
        {
            "name": column.name,
            "words": words_of(column),
            "unit": symbols_of(column.unit),
            "definition": column.definition + (f" ({column.source})" if column.source else ""),
        }
        for column in declared
    ]


def index_entry(
    key: str, row: dict[Any, Any], frames: pd.DataFrame, film: Film, still: int, unit: str
) -> dict[str, Any]:
    """The embryo's line in the index; ``row`` is that of the embryos table, ``still`` its standing frame."""
    confidences = [_plain(row[column.name]) for column in CONFIDENCE_COLUMNS]
    sure = [value for value in confidences if value is not None]
    return {
        "key": key,
        "name": str(row["embryo_id"]),
        **{name: _text(row[name]) for name in ("patient", "dish", "fate", "reason", "status")},
        "flags": [flag for flag in _text(row["flags"]).split(";") if flag],
        "hours": _plain(row["time_h"], 2),
        "stage": _plain(row["expansion_stage"]),
        "grade": suggested_grade(row),
        "lab": lab_grade(row),
        "frames": len(frames),
        "doubtful": int((frames["status"] != "ok").sum()),
        "corrected": int((frames["corrected"].fillna("") != "").sum()),
        "confidence": min(sure) if sure else None,
        "area": _plain(row["blastocyst_area_px2"], 0),
        "numbers": [one.text(row[one.column(unit).name]) for one in MEASURES],
        "still": film.is_seen[still],
        "outlines": film.outlines[still],
    }


def headlines(unit: str) -> list[dict[str, str]]:
    """What the numbers of an index entry are, in words, with their units."""
    return [{"words": one.heading(unit), "unit": symbols_of(one.unit(unit))} for one in MEASURES]


def suggested_grade(row: dict[Any, Any]) -> str:
    """Expansion and letters in one, as Gardner writes them: "4BA"; empty where nothing is suggested."""
    letters = (_text(row[f"{key}_letter"]) for key in LETTER_TISSUES)
    return _text(row["expansion_gardner"]) + "".join(one for one in letters if len(one) == 1)


def lab_grade(row: dict[Any, Any]) -> str:
    """The lab's own grade in one word, as Gardner writes it; empty where the lab gave none."""
    return "".join(_text(_plain(row[name])) for name in ("lab_expansion", "lab_icm", "lab_te"))


def embryo_data(
    row: dict[Any, Any], frames: pd.DataFrame, film: Film, sheets: Sequence[str], unit: str
) -> dict[str, Any]:
    """All that the page shows of one embryo but its events and episodes; ``sheets`` are the film's files."""
    return {
        "frames": {
            **{name: [_plain(value, 3) for value in frames[name].tolist()] for name in _NUMBERED},
            **{name: [_text(value) for value in frames[name].tolist()] for name in FRAME_TEXTS},
            "flags": [flags_in_words(value) for value in frames["flags"].tolist()],
            "course_flags": [flags_in_words(value) for value in frames["course_flags"].tolist()],
        },
        "measures": {
            column.name: [_plain(value, decimals_of(column)) for value in frames[column.name].tolist()]
            for column in frame_columns(unit)
        },
        "film": {
            "side": TILE_SIDE,
            "across": TILES_ACROSS,
            "fineness": FINENESS,
            "sheets": list(sheets),
            "seen": [int(one) for one in film.is_seen],
            "outlines": film.outlines,
            "window": [film.window.left, film.window.top, film.window.side],
        },
        "whole": {
            column.name: _plain(row[column.name], decimals_of(column)) for column in embryo_columns(unit)
        },
    }


def frame_data(row: dict[str, Any]) -> dict[str, Any]:
    """What the page has of one frame's row, as in the columns of ``embryo_data``, in both units."""
    texts = {name: _text(row[name]) for name in FRAME_TEXTS if name in row}
    columns = (*MEASURE_COLUMNS, *CONFIDENCE_COLUMNS)
    return {
        "texts": texts | {"flags": flags_in_words(row["flags"])},
        "measures": {column.name: _plain(row[column.name], decimals_of(column)) for column in columns},
    }


def events_data(events: pd.DataFrame) -> list[dict[str, Any]]:
    """The events and collapses of one embryo that have happened, in the order of the table."""
    names = ("event", "last_before_h", "first_after_h", "last_before_frame", "first_after_frame", "note")
    return _rows(events[events["first_after_frame"].notna()], names)


def planes_data(planes: pd.DataFrame) -> list[dict[str, Any]]:
    """Every focal plane of the moments of one embryo that were seen in several."""
    return _rows(planes, ("frame_index", "focal_plane", "status", "overlay"))


def episodes_data(episodes: pd.DataFrame) -> list[dict[str, Any]]:
    """The stretches of doubtful frames of one embryo, worst first."""
    names = ("episode_from_h", "episode_to_h", "episode_frames", "episode_kind", "doubt", "worst_frame")
    return _rows(episodes, names)


def _rows(table: pd.DataFrame, names: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {name: _plain(row[name], decimals_of(BY_NAME[name])) for name in names}
        for row in table[list(names)].to_dict("records")
    ]


def _plain(value: Any, decimals: int = 4) -> Any:
    """A cell as JSON has it: None for an undefined one."""
    if value is None or value is pd.NA:
        return None
    if isinstance(value, str | bool | int):
        return value
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return round(value, decimals) if math.isfinite(value) else None
    return value


def _text(value: Any) -> str:
    return "" if value is None or pd.isna(value) else str(value)
