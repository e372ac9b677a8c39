"""What a frame says on its own: who it is, its measures, how sure they are."""

import math
from collections.abc import Iterable

from blastoseg.columns.corrections import CORRECTION_COLUMNS
from blastoseg.columns.declared import Column, area, frac, length


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
        for column in length(f"{tissue}_thickness_{key}", f"{words} of the thickness {where}")
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
    *CORRECTION_COLUMNS,
)

_LAGALLA = "Lagalla 2015"
_RICHTER = "Richter 2001"
_ALMAGOR = "Almagor 2016"

MEASURE_COLUMNS: tuple[Column, ...] = (
    *area("blastocyst_area", "area of B", _LAGALLA),
    *length("blastocyst_diameter", "diameter of the circle with the area of B"),
    *length("blastocyst_feret_max", "largest caliper width of B"),
    *length("blastocyst_feret_min", "smallest caliper width of B"),
    *frac("blastocyst_circularity", "4 pi area / perimeter^2 of B, unbiased on digitised discs"),
    *area("embryo_area", "area of E, the zona included"),
    *length("embryo_diameter", "diameter of the circle with the area of E"),
    *length("embryo_feret_max", "largest caliper width of E"),
    *length("embryo_feret_min", "smallest caliper width of E"),
    *frac("embryo_circularity", "4 pi area / perimeter^2 of E, unbiased on digitised discs"),
    *area(
        "icm_area",
        "area of the inner cell mass: its largest component and those above 2 % of it",
        _RICHTER,
    ),
    *length("icm_perimeter", "perimeter of the inner cell mass, unbiased on digitised discs"),
    *length("icm_diameter", "diameter of the circle with the inner cell mass's area"),
    *length("icm_length", "largest caliper width of the inner cell mass", _RICHTER),
    *length("icm_width", "smallest caliper width of the inner cell mass", _RICHTER),
    Column("icm_roundness_index", "", "float", "icm length / icm width", source=_RICHTER),
    *frac("icm_solidity", "inner cell mass area / area of its convex hull"),
    Column("icm_components", "", "int", "number of inner cell mass components kept"),
    *frac("icm_area", "inner cell mass area / area of B"),
    *frac("icm_diameter_ratio", "inner cell mass diameter / blastocyst diameter (of B)", _ALMAGOR),
    *frac("icm_te_contact", "share of the inner cell mass's outline that touches TE or ZP"),
    *area("blastocoel_area", "area of the cavity"),
    *length("blastocoel_diameter", "diameter of the circle with the cavity's area"),
    *frac("blastocoel_area", "cavity area / area of B"),
    Column(
        "blastocoel_volume_frac_est",
        "fraction",
        "float",
        "blastocoel_area_frac^1.5: share of the volume, estimated for concentric spheres",
    ),
    *area("te_area", "area of the trophectoderm"),
    *frac("te_area", "trophectoderm area / area of B"),
    *_thickness("te", "of TE along inward normals of B's outline, at least 360 of them, those with TE"),
    *frac("te_coverage", "share of the normals of B's outline that meet TE"),
    *area("zp_area", "area of the zona"),
    *_thickness("zp", "of ZP along outward normals from the zona's inner outline, those with ZP"),
    *frac("zp_thickness_variation", "(max - mean) / mean of the zona's thickness"),
    *frac("zp_integrity", "share of the 360 degrees in which the zona is present"),
    Column("zp_gap_count", "", "int", "number of gaps of at least 5 degrees in the zona"),
    Column("zp_largest_gap_deg", "deg", "float", "angle of the largest gap; 0 for a closed zona"),
    *length("zp_largest_gap", "arc length of the largest gap; 0 for a closed zona"),
    Column(
        "zp_is_breached",
        "",
        "bool",
        "a gap of at least 5 degrees with B reaching it, or tissue outside the closed zona",
    ),
    *frac(
        "zp_parted",
        "share of the directions from the zona's centre in which B stays more than 2 px and 4 % of the "
        "zona's radius away from its inner outline",
        "after Marcos 2015",
    ),
    *area("extruded_area", "part of B outside the zona's outline closed across its gaps"),
    *frac("extruded_area", "extruded area / area of B"),
)

CONFIDENCE_COLUMNS: tuple[Column, ...] = tuple(
    column
    for key, name in (
        ("icm", "inner cell mass"),
        ("blastocoel", "blastocoel"),
        ("te", "trophectoderm"),
        ("zp", "zona"),
    )
    for column in frac(f"confidence_{key}", f"mean of the winning class's probability over the {name}")
)

SHARPNESS_COLUMNS: tuple[Column, ...] = tuple(
    Column(
        f"sharpness_{key}",
        "",
        "float",
        f"mean squared gray gradient over {where}, over the gray values' variance over E",
        source="Tenenbaum 1970",
    )
    for key, where in (
        ("blastocyst", "B"),
        ("icm", "the inner cell mass"),
        ("blastocoel", "the blastocoel"),
        ("te", "the trophectoderm"),
        ("zp", "the zona"),
    )
)
"""Where a tissue lies in focus: to compare the focal planes of one moment."""

PIXEL_COLUMNS: tuple[Column, ...] = MEASURE_COLUMNS + CONFIDENCE_COLUMNS + SHARPNESS_COLUMNS
"""All that a frame's pixels are asked for."""

FRAME_COLUMNS: tuple[Column, ...] = IDENTITY_COLUMNS + PIXEL_COLUMNS
"""What a frame says on its own: its row in the ledger."""

Measures = dict[str, float | int | bool | None]
"""Values by column name: an undefined float is NaN, an undefined integer or truth value None."""

_UNDEFINED: Measures = {
    column.name: math.nan if column.dtype == "float" else None for column in PIXEL_COLUMNS
}
_PHYSICAL = [
    (column.name, column.name.removesuffix(column.unit) + twin, power)
    for column in MEASURE_COLUMNS
    for unit, twin, power in (("um", "px", 1), ("um2", "px2", 2))
    if column.unit == unit
]
"""Each column in micrometres with its twin in pixels, and the power of the pixel size between them."""


def check_declared(names: Iterable[str], declared: Iterable[Column]) -> None:
    """Raise ValueError, which lists them, for names that no column has: what is computed must not vanish."""
    undeclared = set(names) - {column.name for column in declared}
    if undeclared:
        raise ValueError(f"computed, but not declared in columns/: {', '.join(sorted(undeclared))}")


def with_undefined(measures: Measures) -> Measures:
    """Every value of ``PIXEL_COLUMNS``, in their order: what ``measures`` lacks is undefined.

    Raises ValueError for a measure that no column declares.
    """
    if not measures.keys() <= _UNDEFINED.keys():
        check_declared(measures, PIXEL_COLUMNS)
    return _UNDEFINED | measures


def add_micrometres(pixel_measures: Measures, um_per_px: float) -> Measures:
    """Add the physical column beside each pixel column.

    Returns a new dict with every ``_um`` and ``_um2`` column of ``MEASURE_COLUMNS`` whose ``_px`` or ``_px2``
    twin is given; NaN where ``um_per_px`` is NaN. All others pass through. Raises ValueError for a measure
    that no column declares.
    """
    if not pixel_measures.keys() <= _UNDEFINED.keys():
        check_declared(pixel_measures, PIXEL_COLUMNS)
    measures = dict(pixel_measures)
    for name, twin, power in _PHYSICAL:
        pixels = pixel_measures.get(twin)
        if pixels is not None:
            measures[name] = pixels * um_per_px**power
    return {name: measures[name] for name in _UNDEFINED if name in measures}
