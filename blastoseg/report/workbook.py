"""``report.xlsx``: Summary, Timeline, Events, Quality for people; every column for machines; Run; Columns."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import pandas as pd
from openpyxl import Workbook

from blastoseg.columns import (
    BY_NAME,
    EMBRYO_COLUMNS,
    EPISODE_COLUMNS,
    EVENT_COLUMNS,
    LAB_COLUMNS,
    LETTER_COLUMNS,
    MOMENT_COLUMNS,
    PLANE_OF,
    REPORTED_FRAME_COLUMNS,
    SERIES_COLUMNS,
    VERDICT_COLUMNS,
    Column,
    spread_of,
)
from blastoseg.course.steady import MEANING_OF_COURSE_FLAG
from blastoseg.errors import counted
from blastoseg.quality import MEANING_OF_FLAG, MEANING_OF_STATUS, statuses_after
from blastoseg.report.curves import CurveMaker
from blastoseg.report.embryo_pictures import EmbryoPictures
from blastoseg.report.gathered import GatheredTables
from blastoseg.report.headline import MEASURES, unit_of_length
from blastoseg.report.manifest import RunManifest
from blastoseg.report.ranking import ids_of, ranked
from blastoseg.report.sheet import (
    LEFT,
    MOST_LINKS,
    TOP,
    TOP_CENTRED,
    Layout,
    Sheet,
    safe_values,
    wide_enough,
    workbook_at,
)
from blastoseg.report.summary_sheet import MOST_PICTURED, Beside, write_summary
from blastoseg.report.tables import decimals_of
from blastoseg.report.timeline_sheet import chart_rows, charted, write_timeline
from blastoseg.report.wording import flags_in_words, heading_of
from blastoseg.settings import DEFAULT_ORDER

LINKED = ("mask", "overlay")
"""The columns that name files: their cells open them."""
MOST_FRAMES = 50_000
"""Rows of frames, or of any other table: every cell takes its time when Excel opens them, and its memory."""
PRINTED_PERCENT = 60
"""Scale of the sheets with every column: they are for machines, and take many pages."""
_WIDTHS = {"source": 36, "embryo_id": 18, "flags": 24, "reason": 30, "mask": 40, "overlay": 40}
_EPISODE_WIDTHS = {"embryo_id": 16, "source": 34, "episode_kind": 10, "doubt": 56, "overlay": 12}
_EVENT_WIDTHS = {"embryo_id": 16, "event": 15, "time_reference": 13, "note": 24}
_EXPLAINED = tuple(
    {
        column.name: column
        for column in (
            *(*REPORTED_FRAME_COLUMNS, *LAB_COLUMNS, *SERIES_COLUMNS, *LETTER_COLUMNS, *VERDICT_COLUMNS),
            *(*EVENT_COLUMNS, *EPISODE_COLUMNS),
        )
    }.values()
)
"""Every column of a workbook without focal planes, once."""
_FILES = {
    "Embryos": "embryos.csv",
    "Events": "events.csv",
}
"""The tables beside the workbook that hold every row of a sheet."""
_NARROW = 9.5
_FORMATS = {"h": "0.0", "fraction": "0%", "px2": "#,##0", "um2": "#,##0", "px": "0.0", "um": "0.0"}
"""No more digits than the frames' distance in time, and a person's eye, earn."""


def write_workbook(
    path: Path,
    tables: GatheredTables,
    manifest: RunManifest,
    pictures: Mapping[str, EmbryoPictures],
    notes: Mapping[str, str] | None = None,
    order: Sequence[str] = DEFAULT_ORDER,
) -> None:
    """Write the workbook to ``path``, with the lab's ``notes`` on embryos (``notes.take_over``).

    ``pictures`` maps an embryo's id to its pictures, ``order`` says how embryos are ordered
    (``ranking.ranked``). Links to pictures are relative to the workbook's folder, so that they hold in a copy
    of it.
    """
    embryos = tables.embryos
    groups = ranked(embryos, order)
    maker = CurveMaker(tables)
    with_charts = charted(maker, ids_of(groups))
    shown = embryos_with_frames(tables)
    with workbook_at(path) as workbook:
        with_pictures = {
            embryo: pictures[embryo] for embryo in ids_of(groups)[:MOST_PICTURED] if embryo in pictures
        }
        beside = Beside(with_pictures, notes or {}, chart_rows(with_charts))
        write_summary(workbook, groups, order, beside)
        fitted, heading = _fitted(embryos, "Embryos", f"Every column of {len(embryos):,} embryos")
        _write_table(workbook, "Embryos", heading, (len(fitted), [fitted], EMBRYO_COLUMNS))
        _write_frames(workbook, tables, shown)
        values = write_timeline(workbook, maker, with_charts)
        _write_events(workbook, tables)
        _write_quality(workbook, tables)
        if tables.has_moments:
            _write_planes(workbook, tables, shown)
        _write_run(workbook, manifest)
        _write_columns(workbook, MOMENT_COLUMNS if tables.has_moments else ())
        values.write(workbook)


def embryos_with_frames(tables: GatheredTables) -> set[str]:
    """The embryos whose frames the workbook holds: all, or the newest with ``MOST_FRAMES`` in all.

    The newest are those inseminated last, where that is known, then those named last in the report.
    """
    by_age = tables.embryos["insemination_time"].fillna("").to_numpy(str).argsort(kind="stable")
    newest = tables.embryos["embryo_id"].iloc[by_age[::-1]].astype(str)
    frames = accumulate(tables.frames_of_embryo[embryo] for embryo in newest)
    return {embryo for embryo, so_far in zip(newest, frames, strict=True) if so_far <= MOST_FRAMES}


def left_out_in_words(tables: GatheredTables) -> str:
    """What to say at the end of a run whose workbook does not hold all frames; empty where it does."""
    told = _left_out("frames.csv", tables, embryos_with_frames(tables))
    return f"report.xlsx holds the frames{told}" if told else ""


def _write_frames(workbook: Workbook, tables: GatheredTables, shown: set[str]) -> None:
    rows = sum(tables.frames_of_embryo[embryo] for embryo in shown)
    heading = f"Every column of {rows:,} frames{_left_out('frames.csv', tables, shown)}"
    parts = _of_embryos(tables.frames_in_order(), shown)
    _write_table(workbook, "Frames", heading, (rows, parts, REPORTED_FRAME_COLUMNS))


def _of_embryos(parts: Iterable[pd.DataFrame], shown: set[str]) -> Iterator[pd.DataFrame]:
    return (part[part["embryo_id"].isin(shown).to_numpy()] for part in parts)


def _left_out(file: str, tables: GatheredTables, shown: set[str]) -> str:
    if len(shown) == len(tables.embryos):
        return ""
    embryos = f"the newest {len(shown):,} of {len(tables.embryos):,} embryos"
    return f" of {embryos}; more than {MOST_FRAMES:,} frames open slowly: all are in {file}"


def _fitted(table: pd.DataFrame, title: str, heading: str) -> tuple[pd.DataFrame, str]:
    """The rows that a sheet holds, and its heading, which says where the others are."""
    if len(table) <= MOST_FRAMES:
        return table, heading
    where = f": all are in {_FILES[title]}" if title in _FILES else ""
    return table.head(MOST_FRAMES), f"{heading}; the first {MOST_FRAMES:,} rows, more open slowly{where}"


def _write_table(
    workbook: Workbook,
    title: str,
    heading: str,
    content: tuple[int, Iterable[pd.DataFrame], Sequence[Column]],
) -> None:
    """A sheet with all columns, in their order, of so many rows that come in parts."""
    rows, parts, declared = content
    if len(LINKED) * rows > MOST_LINKS:
        heading += f"; links to pictures in the first {MOST_LINKS // len(LINKED):,} rows, Excel takes no more"
    headings = [heading_of(column) for column in declared]
    widths = wide_enough(headings, [_WIDTHS.get(column.name, 13) for column in declared])
    sheet = Sheet(workbook, title, heading, Layout(widths, frozen_columns=1, scale=PRINTED_PERCENT))
    sheet.append_header(headings, rows)
    decimals = [decimals_of(column) for column in declared]
    links = [place for place, column in enumerate(declared) if column.name in LINKED]
    for part in parts:
        # A link's path is made safe where the link is made.
        columns = [
            part[column.name].tolist() if place in links else safe_values(part[column.name], digits)
            for place, (column, digits) in enumerate(zip(declared, decimals, strict=True))
        ]
        for row in zip(*columns, strict=True):
            cells = list(row)
            for place in links:
                cells[place] = sheet.link(row[place])
            sheet.append(cells)


def _write_events(workbook: Workbook, tables: GatheredTables) -> None:
    heading = "What happened, between which frames (suggested, research use)"
    _write_rows(workbook, "Events", heading, (tables.events, EVENT_COLUMNS, _EVENT_WIDTHS))


def _write_quality(workbook: Workbook, tables: GatheredTables) -> None:
    heading = (
        f"What to look at: {counted(len(tables.episodes), 'episode')}; {tables.doubtful:,} of "
        f"{counted(tables.frames_total, 'frame')} are not ok"
    )
    _write_rows(workbook, "Quality", heading, (tables.episodes, EPISODE_COLUMNS, _EPISODE_WIDTHS))


def _write_planes(workbook: Workbook, tables: GatheredTables, shown: set[str]) -> None:
    heading = "Each measure in the focal plane where its tissue is sharpest, and its spread over the planes"
    heading += _left_out("moments.csv", tables, shown)
    moments = pd.concat(list(_of_embryos(tables.moments_in_order(), shown)))
    columns = _of_moments(unit_of_length(moments))
    _write_rows(workbook, "Focal planes", heading, (moments, columns, {"embryo_id": 16}))


def _of_moments(unit: str) -> tuple[Column, ...]:
    measures = [headline.column(unit) for headline in MEASURES]
    said = [column for column in MOMENT_COLUMNS if column.name in ("embryo_id", "frame_index", "time_h")]
    said += [BY_NAME[name] for name in ("planes_total", "planes_measured", *PLANE_OF.values())]
    return (*said, *(column for measure in measures for column in (measure, spread_of(measure))))


def _write_rows(
    workbook: Workbook,
    title: str,
    heading: str,
    content: tuple[pd.DataFrame, Sequence[Column], Mapping[str, float]],
) -> None:
    """A sheet for people: every row as high as its text, numbers with few digits, a link to a picture."""
    declared, widths = content[1:]
    table, heading = _fitted(content[0], title, heading)
    headings = [heading_of(column) for column in declared]
    wide = wide_enough(headings, [widths.get(column.name, _NARROW) for column in declared])
    sheet = Sheet(workbook, title, heading, Layout(wide, frozen_columns=1))
    sheet.append_header(headings, len(table))
    for row in table.to_dict("records"):
        sheet.append_text(_cell(sheet, column, row[column.name]) for column in declared)


def _cell(sheet: Sheet, column: Column, value: Any) -> Any:
    if column.name == "overlay":
        return sheet.link(value, "open", TOP_CENTRED)
    if column.dtype == "bool":
        return sheet.cell(None if pd.isna(value) else "yes" if value else "no", alignment=TOP_CENTRED)
    if column.dtype == "str":
        return sheet.cell(value, alignment=TOP)
    return sheet.cell(value, number_format=_FORMATS.get(column.unit, ""), alignment=TOP_CENTRED)


def _write_run(workbook: Workbook, manifest: RunManifest) -> None:
    layout = Layout([34, 100], frozen_columns=1)
    sheet = Sheet(workbook, "Run", "How these numbers came about", layout)
    entries = list(_flattened("", manifest.as_dict()))
    sheet.append_header(["Entry", "Value"], len(entries))
    for name, value in entries:
        # Numbers stand with the words, on the left.
        sheet.append_text([sheet.cell(name, alignment=LEFT), sheet.cell(value, alignment=LEFT)])


def _flattened(prefix: str, value: Any) -> list[tuple[str, Any]]:
    """Nested dicts and lists as (dotted name, plain value) pairs."""
    if isinstance(value, dict):
        parts = [(str(name), part) for name, part in value.items()]
    elif isinstance(value, list):
        parts = [(str(index), part) for index, part in enumerate(value, 1)]
    else:
        return [(prefix, value)]
    return [
        entry for name, part in parts for entry in _flattened(f"{prefix}.{name}" if prefix else name, part)
    ]


def _write_columns(workbook: Workbook, of_planes: Sequence[Column]) -> None:
    known = {column.name for column in _EXPLAINED}
    columns = (*_EXPLAINED, *(column for column in of_planes if column.name not in known))
    layout = Layout([40, 33, 9, 8, 84, 22], frozen_columns=1)
    sheet = Sheet(workbook, "Columns", "What every column, status and flag means", layout)
    sheet.append_header(
        ["Heading", "Name in the CSV files", "Unit", "Type", "Meaning", "Source"], len(columns)
    )
    for column in columns:
        texts = (column.name, column.unit, column.dtype, column.definition, column.source)
        sheet.append_text(sheet.cell(text, alignment=TOP) for text in (heading_of(column), *texts))
    values = {
        "Statuses": {status.value: ("", meaning) for status, meaning in MEANING_OF_STATUS.items()},
        "Flags": {
            flags_in_words(flag.value): (flag.value, f"{meaning} ({' or '.join(statuses_after(flag))})")
            for flag, meaning in MEANING_OF_FLAG.items()
        },
        "Flags of the course": {
            flags_in_words(flag.value): (flag.value, meaning)
            for flag, meaning in MEANING_OF_COURSE_FLAG.items()
        },
    }
    for title, rows in values.items():
        sheet.append_section(title)
        for words, (code, meaning) in rows.items():
            cells = (words, code, "", "", meaning)
            sheet.append_text(sheet.cell(text, alignment=TOP) for text in cells)
