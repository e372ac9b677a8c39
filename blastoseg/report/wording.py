"""How people read a column: words and a unit in place of its name."""

from blastoseg.columns import Column

_SUFFIX_OF_UNIT = {
    **{unit: f"_{unit}" for unit in ("px", "um", "px2", "um2", "deg", "h")},
    **{"px2/h": "_px2_per_h", "um2/h": "_um2_per_h", "fraction": "_frac"},
}
_SYMBOLS = {
    "um": "µm",
    "um2": "µm²",
    "px2": "px²",
    "um/px": "µm/px",
    "um2/h": "µm²/h",
    "px2/h": "px²/h",
    "deg": "°",
}
_WORDS = {
    "embryo_id": "Embryo",
    "source": "File",
    "frame_index": "Frame",
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
    "hatching_start_h": "Hatching starts at",
    "collapse_count": "Collapses",
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
