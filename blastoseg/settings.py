"""A lab's settings file: TOML, validated, hashable. Unknown keys are errors: no typing mistake is silent."""

import hashlib
import math
import tomllib
from datetime import date
from pathlib import Path
from typing import Any, Literal, Self

import regex
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from blastoseg.columns import EMBRYO_COLUMNS
from blastoseg.errors import SettingsError, UsageError
from blastoseg.naming_presets import PRESETS

FINEST_UM_PER_PX, COARSEST_UM_PER_PX = 0.01, 10.0
"""Pixel sizes of any light microscope, whoever tells them. Beyond lie slips of the decimal point, and the
print resolutions that programs put into files (72 dpi is 353 um)."""
LONGEST_INTERVAL_H = 1000.0
"""Between two frames: more is no embryo's life."""
PIXEL_SIZE_RANGE = (
    f"must lie between {FINEST_UM_PER_PX:g} and {COARSEST_UM_PER_PX:g} micrometres, the width of one pixel"
)


def is_pixel_size(um_per_px: float) -> bool:
    """Whether a camera on a microscope can have this pixel size; NaN is none."""
    return FINEST_UM_PER_PX <= um_per_px <= COARSEST_UM_PER_PX


def check_pixel_size_option(um_per_px: float | None) -> None:
    """Raises UsageError for a ``--um-per-px`` that no microscope has; None is not given, and fine."""
    if um_per_px is not None and not is_pixel_size(um_per_px):
        raise UsageError(f"--um-per-px {um_per_px:g}: {PIXEL_SIZE_RANGE}")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PixelSize(_Section):
    """The pixel size of the lab's instrument. Without it, lengths are reported in pixels only."""

    um_per_px: float | None = None
    instrument: str = ""
    measured_on: date | None = None

    @field_validator("um_per_px")
    @classmethod
    def _is_possible(cls, um_per_px: float | None) -> float | None:
        if um_per_px is not None and not is_pixel_size(um_per_px):
            raise ValueError(PIXEL_SIZE_RANGE)
        return um_per_px

    def known(
        self, option: float | None, metadata: float = math.nan, metadata_source: str = "metadata"
    ) -> tuple[float, str]:
        """The um/px that counts and where it comes from, in the order of trust: option, settings, metadata.

        NaN and an empty source where none of them tells it.
        """
        if option is not None:
            return option, "option"
        if self.um_per_px is not None:
            details = ", ".join(str(value) for value in (self.instrument, self.measured_on) if value)
            return self.um_per_px, f"settings ({details})" if details else "settings"
        return metadata, "" if math.isnan(metadata) else metadata_source


class Naming(_Section):
    """How file names carry embryo, time point, focal plane and hours. Regular expressions with named groups.

    A ``preset`` fills in what is not given; ``time`` is empty where names carry no hours. ``patient`` and
    ``dish`` are looked for in the whole path; empty where none tells them.
    """

    preset: str = ""
    embryo: str = r"(?P<embryo>(?:.*[_\- ])?WELL ?\d+)"
    run: str = r"RUN[_\- ]?(?P<run>\d+)"
    focal: str = r"(?:^|[_\- ])F(?P<focal>-?\d+)(?=$|[_\- .])"
    time: str = ""
    patient: str = ""
    dish: str = ""
    time_unit: Literal["h", "min", "s", "days"] = "h"
    time_reference: Literal["unknown", "insemination", "recording"] = "unknown"

    @model_validator(mode="before")
    @classmethod
    def _filled_from_preset(cls, given: Any) -> Any:
        if not isinstance(given, dict) or not given.get("preset"):
            return given
        preset = PRESETS.get(given["preset"]) if isinstance(given["preset"], str) else None
        if preset is None:
            choices = ", ".join(PRESETS)
            raise ValueError(f"no preset {given['preset']!r}: choose one of {choices}, or set the patterns")
        return {**preset.patterns, **given}

    @field_validator("embryo", "run", "focal", "time", "patient", "dish")
    @classmethod
    def _has_its_group(cls, pattern: str, info: object) -> str:
        name = getattr(info, "field_name", "")
        if name in ("time", "patient", "dish") and not pattern:
            return pattern
        try:
            compiled = regex.compile(pattern, regex.IGNORECASE)
        except (regex.error, RecursionError, OverflowError) as error:
            raise ValueError(f"not a regular expression: {error}") from error
        if name not in compiled.groupindex:
            raise ValueError(f"needs a named group (?P<{name}>...)")
        return pattern

    @model_validator(mode="after")
    def _unit_belongs_to_a_time(self) -> Self:
        if not self.time:
            if (self.time_unit, self.time_reference) != ("h", "unknown"):
                raise ValueError("time_unit and time_reference need a pattern: set time as well")
        elif "minutes" in regex.compile(self.time).groupindex and self.time_unit != "h":
            raise ValueError("time: a group (?P<minutes>...) goes with time_unit = 'h' only")
        return self


class LeastConfidence(_Section):
    """Mean probability of each tissue below which the network is unsure of it; by the tissues' keys.

    Every pixel of a thin tissue lies near its edge, where a network is never sure: what is little for an
    inner cell mass is usual for trophectoderm and zona. docs/validation.md says what they are fitted to.
    """

    icm: float = Field(default=0.82, ge=0, le=1)
    blastocoel: float = Field(default=0.80, ge=0, le=1)
    te: float = Field(default=0.68, ge=0, le=1)
    zp: float = Field(default=0.68, ge=0, le=1)


class Quality(_Section):
    """Thresholds of the quality flags. Areas in um2 are applied only where the pixel size is known."""

    low_confidence: LeastConfidence = LeastConfidence()
    low_contrast: float = Field(default=0.04, ge=0, le=1)
    out_of_focus: float = Field(default=0.08, ge=0)
    icm_min_area_frac: float = Field(default=0.01, ge=0, le=1)
    te_min_coverage: float = Field(default=0.85, ge=0, le=1)
    zp_min_integrity: float = Field(default=0.25, ge=0, le=1)
    blastocyst_min_share_of_embryo: float = Field(default=0.15, ge=0, le=1)
    blastocoel_min_area_frac: float = Field(default=0.03, ge=0, le=1)
    blastocyst_area_min_um2: float = Field(default=11_600, gt=0)
    blastocyst_area_max_um2: float = Field(default=35_100, gt=0)

    @field_validator("low_confidence", mode="before")
    @classmethod
    def _one_for_all_tissues(cls, given: Any) -> Any:
        if isinstance(given, int | float) and not isinstance(given, bool):
            return dict.fromkeys(LeastConfidence.model_fields, given)
        return given


class Course(_Section):
    """How an embryo's frames are taken together. No frame is scored anew when this changes."""

    recent_h: float = Field(default=6.0, ge=0)
    """How long before the latest measured frame the one that stands for an embryo may be."""


class Grades(_Section):
    """Cut-offs of events and suggested grades, ours where docs/grading.md names no source.

    Events and grades are computed from all rows at every report: no frame is scored anew when this changes.
    """

    half_volume_frac: float = Field(default=0.125, gt=0, le=1)
    """Stage 2: a cavity of this share of the blastocyst's volume, estimated: half of what a full one has."""
    full_volume_frac: float = Field(default=0.25, gt=0, le=1)
    parted_frac: float = Field(default=0.25, gt=0, le=1)
    """A full blastocyst: a cavity of this share of its volume, estimated, and less than this parted."""
    thinned_frac: float = Field(default=0.8, gt=0, lt=1)
    grown_frac: float = Field(default=1.3, gt=1, le=10)
    expanded_um2: float = Field(default=24_000, gt=0, le=1e6)
    """An expanded blastocyst: its zona thinned to this share, its area grown to this share, or this large."""
    baseline_frames: int = Field(default=5, ge=1, le=100)
    """Frames at most, the last before the blastocyst is full, that say how thick its zona and how large its
    area were: around a cavity that has just appeared the network draws the zona a quarter too thick."""
    late_frames: int = Field(default=3, ge=0, le=100)
    """What bulges out of a fresh gap is seen as outside so many frames late at most: the zona outline, closed
    across the gap, runs along it."""
    hatched_frac: float = Field(default=0.95, gt=0.5, lt=1)

    @model_validator(mode="after")
    def _half_is_less_than_full(self) -> Self:
        if self.half_volume_frac > self.full_volume_frac:
            raise ValueError("half_volume_frac must not be larger than full_volume_frac")
        return self


DEFAULT_ORDER = (
    *("-expansion_gardner", "icm_letter", "te_letter"),
    *("blastocyst_diameter_um", "blastocyst_diameter_px"),
)
"""By Gardner's stages, not by ``expansion_stage``: that of a still is empty where it is 3 or 4."""


class Summary(_Section):
    """In which order a patient's embryos are shown: columns of ``embryos.csv``, by ``ranking.ranked``."""

    order: tuple[str, ...] = DEFAULT_ORDER

    @field_validator("order")
    @classmethod
    def _are_columns(cls, order: tuple[str, ...]) -> tuple[str, ...]:
        names = [name.removeprefix("-") for name in order]
        unknown = [name for name in names if name not in {column.name for column in EMBRYO_COLUMNS}]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is no column of embryos.csv: docs/columns.md lists them")
        if len(set(names)) < len(names):
            raise ValueError("names a column twice")
        return order


class Output(_Section):
    """What stays in the output folder: nothing here changes a result."""

    keep_missing_days: int | None = Field(default=None, ge=1, le=36_500)


_BESIDE_THE_FRAMES = {"course", "grades", "summary", "output"}
"""Sections that change no frame's row."""


class Settings(_Section):
    """Everything a lab can set. ``Settings()`` is what runs without a file."""

    pixel_size: PixelSize = PixelSize()
    naming: Naming = Naming()
    quality: Quality = Quality()
    course: Course = Course()
    grades: Grades = Grades()
    summary: Summary = Summary()
    output: Output = Output()
    frame_interval_h: float | None = Field(default=None, gt=0, le=LONGEST_INTERVAL_H)
    focal: str = "0"
    weights: str = "starter"
    flips: bool = True

    def overridden(self, **options: object) -> "Settings":
        """These settings with the command line's options in their place; an option of None changes nothing.

        Raises UsageError for an impossible value.
        """
        given = {name: value for name, value in options.items() if value is not None}
        try:
            return Settings.model_validate(self.model_dump() | given)
        except ValidationError as error:
            names = ", ".join(
                "--" + str(problem["loc"][0]).removesuffix("_h").replace("_", "-")
                for problem in error.errors()
            )
            raise UsageError(f"{names}: {error.errors()[0]['msg']}") from error

    def digest(self) -> str:
        """SHA-256 of the settings that a frame's row depends on: equal ones give equal digests.

        The course and its grades are computed from all rows at every report, and what stays in OUT changes no
        row.
        """
        return hashlib.sha256(self.model_dump_json(exclude=_BESIDE_THE_FRAMES).encode()).hexdigest()

    def digest_for_pixels(self) -> str:
        """SHA-256 of the settings that change what a frame's pixels say, and with it what the ledger keeps.

        Names, hours, the focal plane asked for and the pixel size lie around a frame; the weights stand in
        the ledger under their own hash.
        """
        around = {"pixel_size", "naming", "frame_interval_h", "focal", "weights"} | _BESIDE_THE_FRAMES
        return hashlib.sha256(self.model_dump_json(exclude=around).encode()).hexdigest()


def load_settings(path: Path | None) -> Settings:
    """Read and validate a settings file; the defaults without one.

    Raises SettingsError naming the file, the key and the problem.
    """
    if path is None:
        return Settings()
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}): check --settings") from error
    except (ValueError, RecursionError) as error:  # also of numbers too long, of nesting too deep
        raise SettingsError(f"{path}: is not valid TOML: {error}") from error
    if "calibration" in content:
        raise SettingsError(f"{path}: the section [calibration] is called [pixel_size] now: rename it there")
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        problems = [
            ".".join(map(str, problem["loc"])) + ": " + problem["msg"].removeprefix("Value error, ")
            for problem in error.errors()
        ]
        raise SettingsError(f"{path}: {'; '.join(problems)}") from error
