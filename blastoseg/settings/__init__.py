"""A lab's settings file: TOML, validated, hashable. Unknown keys are errors: no typing mistake is silent."""

import hashlib
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from blastoseg.columns import EMBRYO_COLUMNS
from blastoseg.errors import SettingsError, UsageError
from blastoseg.files import read_toml
from blastoseg.settings.naming import Naming
from blastoseg.settings.pixel_size import PixelSize, check_pixel_size_option, is_pixel_size
from blastoseg.settings.section import Section

__all__ = [
    "Course",
    "Grades",
    "LeastConfidence",
    "Naming",
    "Output",
    "PixelSize",
    "Quality",
    "Settings",
    "Summary",
    "TableKind",
    "check_pixel_size_option",
    "is_pixel_size",
    "load_settings",
]

LONGEST_INTERVAL_H = 1000.0
"""Between two frames: more is no embryo's life."""


class LeastConfidence(Section):
    """Mean probability of each tissue below which the network is unsure of it; by the tissues' keys.

    Every pixel of a thin tissue lies near its edge, where a network is never sure: what is little for an
    inner cell mass is usual for trophectoderm and zona. docs/validation.md says what they are fitted to.
    """

    icm: float = Field(default=0.82, ge=0, le=1)
    blastocoel: float = Field(default=0.80, ge=0, le=1)
    te: float = Field(default=0.68, ge=0, le=1)
    zp: float = Field(default=0.68, ge=0, le=1)


class Quality(Section):
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


class Course(Section):
    """How an embryo's frames are taken together. No frame is scored anew when this changes."""

    recent_h: float = Field(default=6.0, ge=0)
    """How long before the latest measured frame the one that stands for an embryo may be."""


class Grades(Section):
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


class Summary(Section):
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


TableKind = Literal["csv", "parquet", "both"]
"""As what the tables that grow with the frames are written."""


class Output(Section):
    """What stays in the output folder: nothing here changes a result."""

    keep_missing_days: int | None = Field(default=None, ge=1, le=36_500)
    review_page: bool = True
    """Whether a run writes ``review/index.html``; one that is there stays as it is."""
    tables: TableKind = "csv"


_BESIDE_THE_FRAMES = {"course", "grades", "summary", "output"}
"""Sections that change no frame's row."""


class Settings(Section):
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
    flips: bool | Literal["unsure"] = True
    """Average over four mirrored copies: of every crop, of none, of those that a first pass is unsure of."""

    def with_tables(self, kind: TableKind | None) -> "Settings":
        """These settings with the long tables of another kind; None changes nothing."""
        if kind is None:
            return self
        return self.model_copy(update={"output": self.output.model_copy(update={"tables": kind})})

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
        content = read_toml(path)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}): check --settings") from error
    except ValueError as error:
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
