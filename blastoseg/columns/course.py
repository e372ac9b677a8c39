"""What the course of an embryo adds: to its frames, to its row, its events, its episodes of doubt."""

from blastoseg.columns.declared import Column, area, frac, length
from blastoseg.columns.frame import FRAME_COLUMNS, IDENTITY_COLUMNS
from blastoseg.columns.letters import LETTER_COLUMNS
from blastoseg.columns.verdicts import VERDICT_COLUMNS

_GARDNER = "Gardner & Schoolcraft 1999"
_ISTANBUL_2011, _ISTANBUL_2025 = "Istanbul 2011", "Istanbul 2025"

STEADY_COLUMNS: tuple[Column, ...] = (
    Column(
        "course_flags", "", "str", "how the frame contradicts its neighbours on both sides, by semicolons"
    ),
    *area("steady_blastocyst_area", "area of B, median of 3 frames; empty in a frame left out of the course"),
    *frac("steady_blastocoel_area", "cavity area / area of B, median of 3 frames that are in the course"),
    *length("steady_zp_thickness", "mean thickness of the zona, median of 5 frames that are in the course"),
    *frac("steady_extruded_area", "extruded area / area of B of a hatching that only goes forward"),
    Column("steady_zp_is_breached", "", "bool", "whether the zona was breached by then: it stays breached"),
    Column(
        "steady_expansion_stage",
        "",
        "int",
        "suggested expansion stage by then, from the events",
        source=_GARDNER,
    ),
)
"""What a frame says in its embryo's course, computed anew at every report."""

REPORTED_FRAME_COLUMNS: tuple[Column, ...] = FRAME_COLUMNS + STEADY_COLUMNS
"""The columns of a run's ``frames.csv``, which has one row for each frame."""

STEM_OF_EVENT = {
    "tSB": "t_sb",
    "tB": "t_b",
    "tEB": "t_eb",
    "zona breached": "t_breached",
    "tHB": "t_hb",
    "hatched": "t_hatched",
}
"""Columns of an event begin with these; the rules of the events stand in ``course.events``."""


def _event(name: str, stem: str) -> tuple[Column, ...]:
    return (
        Column(f"{stem}_h", "h", "float", f"{name}: time of the first frame after it"),
        Column(f"{stem}_last_before_h", "h", "float", f"{name}: time of the last frame before it"),
        Column(f"{stem}_note", "", "str", f"{name}: why a time is empty"),
    )


def _rate(stem: str, power: str, definition: str) -> tuple[Column, ...]:
    units = [f"{unit}{power}" for unit in ("px", "um")]
    error = f"standard error of it: {definition}"
    return (
        *(Column(f"{stem}_rate_{unit}_per_h", f"{unit}/h", "float", definition) for unit in units),
        *(Column(f"{stem}_rate_se_{unit}_per_h", f"{unit}/h", "float", error) for unit in units),
    )


SERIES_COLUMNS: tuple[Column, ...] = (
    Column("frame_choice", "", "str", "which frame stands for the embryo, and why it is this one"),
    Column("frames_total", "", "int", "frames of this embryo in the report"),
    Column("frames_ok", "", "int", "frames with status ok"),
    Column("frames_review", "", "int", "frames with status review"),
    Column("frames_excluded", "", "int", "frames with status excluded"),
    Column("frames_failed", "", "int", "frames with status failed"),
    Column("frames_outlier", "", "int", "frames that contradict their neighbours on both sides"),
    Column("first_measured_h", "h", "float", "time of the first measured frame of the course"),
    Column("last_measured_h", "h", "float", "time of the last measured frame of the course"),
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
        "expansion_stage",
        "",
        "int",
        "suggested stage reached by the last frame, 1 to 6, from the events; empty where it cannot be told",
        source=_GARDNER,
    ),
    Column("expansion_gardner", "", "str", "the suggested stage, or those that it may be", source=_GARDNER),
    Column("expansion_istanbul_2025", "", "str", "the same, as named in 2025", source=_ISTANBUL_2025),
    Column("expansion_istanbul_2011", "", "str", "the same, as named in 2011", source=_ISTANBUL_2011),
    Column("expansion_note", "", "str", "why the stage is not told, or what weakens it"),
    Column("embryo_note", "", "str", "what a person must look at in the embryo: two inner cell masses"),
    *(column for name, stem in STEM_OF_EVENT.items() for column in _event(name, stem)),
    Column(
        "collapse_count",
        "",
        "int",
        "times the area of B fell, for two frames or more, 10 % below its running maximum; again after 95 %",
    ),
    Column(
        "collapse_marcos_count",
        "",
        "int",
        "collapses in which half of B's outline or more was parted from the zona",
        source="Marcos 2015",
    ),
    *_rate(
        "expansion", "2", "slope of the area of B over 10 h from tB; empty with under 6 frames or a collapse"
    ),
    *_rate("zp_thinning", "", "how fast the zona thins over 10 h from tB; empty as the expansion rate"),
)

LAB_COLUMNS: tuple[Column, ...] = (
    Column("patient", "", "str", "whose embryo it is: from the table of embryos, or [naming] patient"),
    Column("dish", "", "str", "the dish that it grew in: from the table of embryos, or [naming] dish"),
    Column("insemination_time", "", "str", "insemination, by the lab's clock; under pseudonyms empty"),
    Column("fate", "", "str", "what became of it, in the lab's words"),
    Column("lab_expansion", "", "int", "the lab's own grade of the expansion, 1 to 6"),
    Column("lab_icm", "", "str", "the lab's own grade of the ICM, A to D or 1 to 3"),
    Column("lab_te", "", "str", "the lab's own grade of the TE, A to D or 1 to 3"),
)
"""What the lab tells of an embryo: ``records.AboutEmbryo``."""

EMBRYO_COLUMNS: tuple[Column, ...] = (
    *(column for column in FRAME_COLUMNS if column.name == "embryo_id"),
    *LAB_COLUMNS,
    *(column for column in FRAME_COLUMNS if column.name != "embryo_id"),
    *SERIES_COLUMNS,
    *LETTER_COLUMNS,
    *VERDICT_COLUMNS,
)
"""Columns of ``embryos.csv``: what the lab tells, the standing frame's values, course, letters, a verdict."""

EVENT_COLUMNS: tuple[Column, ...] = (
    *(column for column in IDENTITY_COLUMNS if column.name == "embryo_id"),
    Column("event", "", "str", "what happened: tSB, tB, tEB, zona breached, tHB, hatched, collapse"),
    Column("last_before_h", "h", "float", "time of the last frame before it; of a collapse, before the fall"),
    Column("first_after_h", "h", "float", "time of the first frame after it; of a collapse, in the fall"),
    *(column for column in IDENTITY_COLUMNS if column.name == "time_reference"),
    Column("note", "", "str", "why a time is empty: before the first frame, not reached"),
    Column("last_before_frame", "", "int", "position of the last frame before it in the series, from 0"),
    Column("first_after_frame", "", "int", "position of the first frame after it in the series, from 0"),
    Column("minimum_h", "h", "float", "time of a collapse's smallest area"),
    Column("recovery_h", "h", "float", "time of the first frame with 95 % of the area before a collapse"),
    *frac("depth_area", "share of the area of B lost at a collapse's minimum"),
    Column(
        "depth_volume_frac_est",
        "fraction",
        "float",
        "share of the volume lost at a collapse's minimum, estimated for a sphere",
    ),
    *frac("collapse_parted", "largest share of B parted from the zona in a collapse"),
    Column(
        "is_marcos", "", "bool", "whether a collapse parted half of B from the zona", source="Marcos 2015"
    ),
    Column("is_after_t_b", "", "bool", "whether a collapse began at tB or later"),
)
"""The columns of the sheet Events: one row an event of an embryo, and one a collapse."""

EPISODE_COLUMNS: tuple[Column, ...] = (
    *(column for column in IDENTITY_COLUMNS if column.name == "embryo_id"),
    Column("episode_from_h", "h", "float", "time of an episode's first frame"),
    Column("episode_to_h", "h", "float", "time of an episode's last frame"),
    Column("episode_frames", "", "int", "frames of an episode that have a doubt"),
    Column("episode_kind", "", "str", "failed, review or excluded: worst first"),
    Column("doubt", "", "str", "what is doubtful in these frames, the most frequent first"),
    Column(
        "worst_frame", "", "int", "the episode's frame with the least confidence, its position in the series"
    ),
    *(column for column in IDENTITY_COLUMNS if column.name in ("source", "overlay")),
)
"""The columns of the sheet Quality: one row a stretch of doubtful frames."""
