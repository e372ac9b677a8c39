"""Every reported column, declared once: name, unit, dtype, definition, source.

The report, the documentation and the tests read this table, so that they cannot drift apart. Angles are
in degrees clockwise from 12 o'clock about the blastocyst's centroid; y points down. B, the blastocyst,
is ICM + blastocoel + TE with holes filled; E, the embryo, is B + ZP with holes filled.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

DType = Literal["str", "int", "float", "bool"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``unit`` is empty for plain numbers and text; ``source`` names the literature, if any."""

    name: str
    unit: str
    dtype: DType
    definition: str
    source: str = ""


def _length(stem: str, definition: str, source: str = "") -> tuple[Column, Column]:
    column = Column(f"{stem}_px", "px", "float", definition, source=source)
    return column, replace(column, name=f"{stem}_um", unit="um")


def _area(stem: str, definition: str, source: str = "") -> tuple[Column, Column]:
    column = Column(f"{stem}_px2", "px2", "float", definition, source=source)
    return column, replace(column, name=f"{stem}_um2", unit="um2")


def _frac(stem: str, definition: str, source: str = "") -> tuple[Column]:
    return (Column(f"{stem}_frac", "fraction", "float", definition, source=source),)


def _thickness(tissue: str, where: str) -> tuple[Column, ...]:
    statistics = {
        "mean": "mean",
        "median": "median",
        "min": "smallest value",
        "max": "largest value",
        "sd": "standard deviation",
    }
    return tuple(
        column
        for key, words in statistics.items()
        for column in _length(f"{tissue}_thickness_{key}", f"{words} of the thickness {where}")
    )


IDENTITY_COLUMNS: tuple[Column, ...] = (
    Column("embryo_id", "", "str", "embryo: sub-folder, well, or part of the file name"),
    Column("source", "", "str", "file, relative to what was given to the command"),
    Column("frame_index", "", "int", "position in the embryo's series, from 0"),
    Column("focal_plane", "", "int", "focal plane, 0 the centre; empty where the input names none"),
    Column("time_h", "h", "float", "hours since the time reference"),
    Column("time_reference", "", "str", "what time_h counts from: insemination, recording, unknown"),
    Column("status", "", "str", "ok, review (look at it), excluded (nothing to measure), failed"),
    Column("flags", "", "str", "codes of what a person must know, separated by semicolons"),
    Column("reason", "", "str", "the status in words"),
    Column("um_per_px", "um/px", "float", "pixel size; empty where it is not known: it is never guessed"),
    Column("um_per_px_source", "", "str", "where the pixel size comes from: option, settings, metadata"),
    Column("mask", "", "str", "the frame's label image, relative to the output folder; empty where none is"),
    Column("overlay", "", "str", "the frame's overlay, relative to the output folder; empty where none is"),
)

_LAGALLA = "Lagalla 2015"
_RICHTER = "Richter 2001"
_ALMAGOR = "Almagor 2016"

MEASURE_COLUMNS: tuple[Column, ...] = (
    *_area("blastocyst_area", "area of B", _LAGALLA),
    *_length("blastocyst_diameter", "diameter of the circle with the area of B"),
    *_length("blastocyst_feret_max", "largest caliper width of B"),
    *_length("blastocyst_feret_min", "smallest caliper width of B"),
    *_frac("blastocyst_circularity", "4 pi area / perimeter^2 of B, unbiased on digitised discs"),
    *_area("embryo_area", "area of E, the zona included"),
    *_length("embryo_diameter", "diameter of the circle with the area of E"),
    *_length("embryo_feret_max", "largest caliper width of E"),
    *_length("embryo_feret_min", "smallest caliper width of E"),
    *_frac("embryo_circularity", "4 pi area / perimeter^2 of E, unbiased on digitised discs"),
    *_area(
        "icm_area",
        "area of the inner cell mass: its largest component and those above 2 % of it",
        _RICHTER,
    ),
    *_length("icm_perimeter", "perimeter of the inner cell mass, unbiased on digitised discs"),
    *_length("icm_diameter", "diameter of the circle with the inner cell mass's area"),
    *_length("icm_length", "largest caliper width of the inner cell mass", _RICHTER),
    *_length("icm_width", "smallest caliper width of the inner cell mass", _RICHTER),
    Column("icm_roundness_index", "", "float", "icm length / icm width", source=_RICHTER),
    *_frac("icm_solidity", "inner cell mass area / area of its convex hull"),
    Column("icm_components", "", "int", "number of inner cell mass components kept"),
    *_frac("icm_area", "inner cell mass area / area of B"),
    *_frac("icm_diameter_ratio", "inner cell mass diameter / blastocyst diameter (of B)", _ALMAGOR),
    *_frac("icm_te_contact", "share of the inner cell mass's outline that touches TE or ZP"),
    *_area("blastocoel_area", "area of the cavity"),
    *_length("blastocoel_diameter", "diameter of the circle with the cavity's area"),
    *_frac("blastocoel_area", "cavity area / area of B"),
    Column(
        "blastocoel_volume_frac_est",
        "fraction",
        "float",
        "blastocoel_area_frac^1.5: share of the volume, estimated for concentric spheres",
    ),
    *_area("te_area", "area of the trophectoderm"),
    *_frac("te_area", "trophectoderm area / area of B"),
    *_thickness("te", "of TE along inward normals of B's outline, at least 360 of them, those with TE"),
    *_frac("te_coverage", "share of the normals of B's outline that meet TE"),
    *_area("zp_area", "area of the zona"),
    *_thickness("zp", "of ZP along outward normals from the zona's inner outline, those with ZP"),
    *_frac("zp_thickness_variation", "(max - mean) / mean of the zona's thickness"),
    *_frac("zp_integrity", "share of the 360 degrees in which the zona is present"),
    Column("zp_gap_count", "", "int", "number of gaps of at least 5 degrees in the zona"),
    Column("zp_largest_gap_deg", "deg", "float", "angle of the largest gap; 0 for a closed zona"),
    *_length("zp_largest_gap", "arc length of the largest gap; 0 for a closed zona"),
    Column(
        "zp_is_breached",
        "",
        "bool",
        "a gap of at least 5 degrees with B reaching it, or tissue outside the closed zona",
    ),
    *_area("extruded_area", "part of B outside the zona's outline closed across its gaps"),
    *_frac("extruded_area", "extruded area / area of B"),
)

CONFIDENCE_COLUMNS: tuple[Column, ...] = tuple(
    column
    for key, name in (
        ("icm", "inner cell mass"),
        ("blastocoel", "blastocoel"),
        ("te", "trophectoderm"),
        ("zp", "zona"),
    )
    for column in _frac(f"confidence_{key}", f"mean of the winning class's probability over the {name}")
)

FRAME_COLUMNS: tuple[Column, ...] = IDENTITY_COLUMNS + MEASURE_COLUMNS + CONFIDENCE_COLUMNS
"""The columns of ``frames.csv``, which has one row for each frame."""

SERIES_COLUMNS: tuple[Column, ...] = (
    Column("frames_total", "", "int", "frames of this embryo in the report"),
    Column("frames_ok", "", "int", "frames with status ok"),
    Column("frames_review", "", "int", "frames with status review"),
    Column("frames_excluded", "", "int", "frames with status excluded"),
    Column("frames_failed", "", "int", "frames with status failed"),
    Column("first_measured_h", "h", "float", "time of the first measured frame"),
    Column("last_measured_h", "h", "float", "time of the last measured frame"),
    Column(
        "blastocyst_area_change_frac",
        "fraction",
        "float",
        "(last - first) / first measured area of B, medians of up to 3 frames at either end",
    ),
    Column(
        "blastocyst_area_rate_px2_per_h",
        "px2/h",
        "float",
        "Theil-Sen slope of the area of B over the measured hours",
        source="Theil 1950, Sen 1968",
    ),
    Column(
        "blastocyst_area_rate_um2_per_h",
        "um2/h",
        "float",
        "Theil-Sen slope of the area of B over the measured hours",
        source="Theil 1950, Sen 1968",
    ),
    Column(
        "collapse_count",
        "",
        "int",
        "times the area of B fell, for two frames or more, 10 % below its running maximum; again after 95 %",
    ),
    Column("hatching_start_h", "h", "float", "time of the first measured frame flagged hatching"),
)

EMBRYO_COLUMNS: tuple[Column, ...] = FRAME_COLUMNS + SERIES_COLUMNS
"""The columns of ``embryos.csv``: the latest measured frame's values, then the embryo's course."""

NOTICE = Column(
    "notice", "", "str", "that the row is for research use only: the last column of every CSV file"
)

BY_NAME: dict[str, Column] = {column.name: column for column in (*EMBRYO_COLUMNS, NOTICE)}

PANDAS_DTYPES: dict[DType, str] = {
    "str": "string",
    "int": "Int64",
    "float": "float64",
    "bool": "boolean",
}
"""Nullable pandas dtypes, so that an undefined integer or truth value is empty, not 0 or False."""


Measures = dict[str, float | int | bool | None]
"""Values by column name: an undefined float is NaN, an undefined integer or truth value None."""


def check_declared(names: Iterable[str], declared: Iterable[Column]) -> None:
    """Raise ValueError, which lists them, for names that no column has: what is computed must not vanish."""
    undeclared = set(names) - {column.name for column in declared}
    if undeclared:
        raise ValueError(f"computed, but not declared in columns.py: {', '.join(sorted(undeclared))}")


def with_undefined(measures: Measures) -> Measures:
    """Every measure and confidence, in the order of the columns: what ``measures`` lacks is undefined.

    Raises ValueError for a measure that no column declares.
    """
    declared = MEASURE_COLUMNS + CONFIDENCE_COLUMNS
    check_declared(measures, declared)
    return {
        column.name: measures.get(column.name, math.nan if column.dtype == "float" else None)
        for column in declared
    }


def add_micrometres(pixel_measures: Measures, um_per_px: float) -> Measures:
    """Add the physical column beside each pixel column.

    Returns a new dict with every ``_um`` and ``_um2`` column of ``MEASURE_COLUMNS`` whose ``_px`` or ``_px2``
    twin is given; NaN where ``um_per_px`` is NaN. Raises ValueError for a measure that no column declares.
    """
    check_declared(pixel_measures, MEASURE_COLUMNS)
    measures = dict(pixel_measures)
    for column in MEASURE_COLUMNS:
        power = {"um": 1, "um2": 2}.get(column.unit)
        if power is None:
            continue
        twin = column.name.removesuffix(column.unit) + ("px" if power == 1 else "px2")
        pixels = pixel_measures.get(twin)
        if pixels is not None:
            measures[column.name] = pixels * um_per_px**power
    return {column.name: measures[column.name] for column in MEASURE_COLUMNS if column.name in measures}
