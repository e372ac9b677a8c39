"""How people read a column: words and a unit in place of its name."""

from blastoseg.columns import LETTER_TISSUES, LETTERS, STEM_OF_EVENT, Column

_SUFFIX_OF_UNIT = {
    **{unit: f"_{unit}" for unit in ("px", "um", "px2", "um2", "deg", "h")},
    **{"px2/h": "_px2_per_h", "um2/h": "_um2_per_h", "px/h": "_px_per_h", "um/h": "_um_per_h"},
    "fraction": "_frac",
}
_SYMBOLS = {
    "um": "µm",
    "um2": "µm²",
    "px2": "px²",
    "um/px": "µm/px",
    "um2/h": "µm²/h",
    "px2/h": "px²/h",
    "um/h": "µm/h",
    "deg": "°",
}
_WORDS_OF_EVENT = {
    "tSB": "Blastulation, tSB",
    "tB": "Full blastocyst, tB",
    "tEB": "Expanded, tEB",
    "zona breached": "Zona breached at",
    "tHB": "Hatching, tHB",
    "hatched": "Hatched at",
}
_WORDS = {
    "embryo_id": "Embryo",
    "source": "File",
    "frame_index": "Frame",
    "lab_expansion": "The lab's expansion",
    "lab_icm": "The lab's ICM",
    "lab_te": "The lab's TE",
    "verdict_grade": "The verdict's grade",
    "verdict_note": "The verdict's note",
    "verdict_by": "Verdict by",
    "verdict_at": "Verdict given at",
    "time_reference": "Time counts from",
    "reason": "Why",
    "um_per_px": "Pixel size",
    "um_per_px_source": "Pixel size from",
    "icm_roundness_index": "ICM length / width",
    "icm_area_frac": "ICM share of area",
    "icm_diameter_ratio_frac": "ICM diameter / blastocyst diameter",
    "icm_te_contact_frac": "ICM contact with TE or zona",
    "blastocoel_area_frac": "Blastocoel share of area",
    "blastocoel_volume_frac_est": "Blastocoel share of volume, estimated",
    "te_area_frac": "TE share of area",
    "zp_integrity_frac": "Zona present",
    "zp_gap_count": "Zona gaps",
    "zp_largest_gap_deg": "Largest zona gap, angle",
    "zp_largest_gap_px": "Largest zona gap",
    "zp_largest_gap_um": "Largest zona gap",
    "zp_is_breached": "Zona breached",
    "zp_parted_frac": "Share parted from the zona",
    "extruded_area_frac": "Share outside the zona",
    "blastocyst_area_change_frac": "Area change over the series",
    "blastocyst_area_rate_px2_per_h": "Area growth",
    "blastocyst_area_rate_um2_per_h": "Area growth",
    "first_measured_h": "First measured at",
    "last_measured_h": "Last measured at",
    "course_flags": "Contradicts its neighbours",
    "steady_blastocyst_area_px2": "Course: blastocyst area",
    "steady_blastocyst_area_um2": "Course: blastocyst area",
    "steady_blastocoel_area_frac": "Course: blastocoel share of area",
    "steady_zp_thickness_px": "Course: zona thickness",
    "steady_zp_thickness_um": "Course: zona thickness",
    "steady_extruded_area_frac": "Course: share outside the zona",
    "steady_zp_is_breached": "Course: zona breached",
    "steady_expansion_stage": "Course: expansion stage, suggested",
    "frame_choice": "Frame shown",
    "expansion_stage": "Expansion stage, suggested",
    "expansion_gardner": "Expansion stage (Gardner), suggested",
    "expansion_istanbul_2025": "Expansion (Istanbul 2025), suggested",
    "expansion_istanbul_2011": "Expansion (Istanbul 2011), suggested",
    "expansion_note": "Expansion: what weakens it",
    "embryo_note": "To look at",
    "frames_outlier": "Frames that contradict their neighbours",
    **{
        f"{stem}{ending}": f"{_WORDS_OF_EVENT[event]}{words}"
        for event, stem in STEM_OF_EVENT.items()
        for ending, words in (("_h", ""), ("_last_before_h", ": last frame before"), ("_note", ": why empty"))
    },
    "collapse_count": "Collapses",
    "collapse_marcos_count": "Collapses, half parted from the zona",
    **{
        f"{stem}_rate{error}_{unit}_per_h": f"{words}{', standard error' if error else ''}"
        for stem, words, units in (
            ("expansion", "Expansion rate", ("px2", "um2")),
            ("zp_thinning", "Zona thinning rate", ("px", "um")),
        )
        for error in ("", "_se")
        for unit in units
    },
    **{
        f"{key}_letter{ending}": f"{name} letter{words}"
        for key, name in LETTER_TISSUES.items()
        for ending, words in (
            ("", ", suggested"),
            *((f"_{letter.lower()}_frac", f": probability of {letter}") for letter in LETTERS),
            ("_note", ": why not gradable"),
        )
    },
    "percentile_note": "Percentiles among",
    "last_before_h": "Last frame before",
    "first_after_h": "First frame after",
    "note": "Why empty",
    "last_before_frame": "Last frame before, number",
    "first_after_frame": "First frame after, number",
    "minimum_h": "Smallest at",
    "recovery_h": "Recovered at",
    "depth_area_frac": "Depth, area",
    "depth_volume_frac_est": "Depth, volume, estimated",
    "collapse_parted_frac": "Parted from the zona",
    "is_marcos": "Collapse after Marcos",
    "is_after_t_b": "After tB",
    "episode_from_h": "From",
    "episode_to_h": "To",
    "episode_frames": "Frames",
    "episode_kind": "Status",
    "doubt": "What to look at",
    "worst_frame": "Worst frame",
    "frames_total": "Frames",
    "frames_ok": "Frames ok",
    "frames_review": "Frames to review",
}
"""The names that do not spell out what they mean."""
_SPELLED = {
    **{"icm": "ICM", "te": "TE", "zp": "zona"},
    **{"mean": ", mean", "median": ", median", "sd": ", SD", "min": ", smallest", "max": ", largest"},
    "feret": "width",
}


def words_of(column: Column) -> str:
    """A column's name in words, without its unit: ``icm_area_um2`` is "ICM area"."""
    if column.name in _WORDS:
        return _WORDS[column.name]
    parts = column.name.removesuffix(_SUFFIX_OF_UNIT.get(column.unit, "")).split("_")
    words = " ".join(_SPELLED.get(part, part) for part in parts).replace(" ,", ",")
    return words[0].upper() + words[1:]


def symbols_of(unit: str) -> str:
    """A unit as it is printed: ``um2`` is "µm²"."""
    return _SYMBOLS.get(unit, unit)


def heading_of(column: Column) -> str:
    """Words and unit, as above a column of a sheet: "ICM area, µm²"."""
    return f"{words_of(column)}, {symbols_of(column.unit)}" if column.unit else words_of(column)


def flags_in_words(flags: object) -> str:
    """The codes of a ``flags`` cell as people read them."""
    return flags.replace(";", ", ").replace("_", " ") if isinstance(flags, str) else ""
