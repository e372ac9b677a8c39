"""What several focal planes of one moment say together: its row in ``moments.csv``."""

from dataclasses import replace

from blastoseg.columns.declared import Column
from blastoseg.columns.frame import IDENTITY_COLUMNS, MEASURE_COLUMNS, SHARPNESS_COLUMNS

PLANE_OF = {
    column.name.removeprefix("sharpness_"): f"sharpest_plane_{column.name.removeprefix('sharpness_')}"
    for column in SHARPNESS_COLUMNS
}
"""The column with the sharpest plane, of each tissue and of the blastocyst."""


def spread_of(column: Column) -> Column:
    """The column of a measure's spread over focal planes: of ``icm_area_um2`` ``icm_area_spread_um2``."""
    suffixes = ("_frac_est", "_frac") if column.unit == "fraction" else (f"_{column.unit}",)
    suffix = next((one for one in suffixes if column.unit and column.name.endswith(one)), "")
    return replace(
        column,
        name=f"{column.name.removesuffix(suffix)}_spread{suffix}",
        definition=f"standard deviation over the focal planes of a moment: {column.definition}",
        source="",
    )


SPREAD_COLUMNS: tuple[Column, ...] = tuple(
    spread_of(column) for column in MEASURE_COLUMNS if column.dtype == "float"
)

MOMENT_COLUMNS: tuple[Column, ...] = (
    *(
        column
        for column in IDENTITY_COLUMNS
        if column.name in ("embryo_id", "frame_index", "time_h", "time_reference", "um_per_px")
    ),
    Column("planes_total", "", "int", "focal planes of this moment"),
    Column("planes_measured", "", "int", "focal planes of this moment that were measured: ok or for review"),
    *(
        Column(name, "", "int", f"focal plane in which the {what} is sharpest, of those measured")
        for name, what in zip(
            PLANE_OF.values(),
            ("blastocyst", "inner cell mass", "blastocoel", "trophectoderm", "zona"),
            strict=True,
        )
    ),
    *MEASURE_COLUMNS,
    *SPREAD_COLUMNS,
)
"""One row a moment that was seen in several planes: each measure as the plane says in which its tissue is
sharpest, and its spread over the planes."""
