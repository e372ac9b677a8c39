"""Suggested letters of ICM and TE: a model that was fitted to a lab's own grades, read and applied.

The model is a proportional-odds ordinal regression (McCullagh 1980) on standardised measures. No published
cut-off turns measures into letters, so there is none here: without a lab's grades there are no letters.
"""

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from blastoseg.columns import LETTER_COLUMNS, LETTER_TISSUES, LETTERS, PERCENTILES, dtypes_of
from blastoseg.course.expansion import FULL
from blastoseg.course.observed import Floats
from blastoseg.errors import SettingsError
from blastoseg.quality import doubtful_tissues
from blastoseg.records import Status

FORMAT: Final = "blastoseg letters 1"
LARGEST_FILE = 100_000
FARTHEST = 4.0
"""Standard deviations from the mean of the lab's grades beyond which a measure is like none of them."""
NOT_GRADABLE = "not gradable"
COLUMNS_OF_MEASURE = {
    "icm_area": ("icm_area_frac", ""),
    "icm_solidity": ("icm_solidity_frac", ""),
    "icm_roundness": ("icm_roundness_index", ""),
    "te_thickness": ("te_thickness_mean_px", "blastocyst_diameter_px"),
    "te_thickness_sd": ("te_thickness_sd_px", "blastocyst_diameter_px"),
    "te_coverage": ("te_coverage_frac", ""),
}
"""The column of a measure and the one it is divided by: none depends on the pixel size."""

Number = Annotated[float, Field(ge=-1e9, le=1e9)]
Name = Annotated[str, Field(max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FittedMeasure(_Part):
    """A measure's mean and standard deviation among the lab's grades, and its weight."""

    name: Name
    mean: Number
    scale: float = Field(gt=0, le=1e9)
    coefficient: Number


class Figure(_Part):
    """A number with its 95 % interval."""

    value: Number
    low: Number
    high: Number


class FittedTissue(_Part):
    """The model of one tissue: ``letters`` from C to A, and between each two of them a cut point."""

    letters: tuple[Literal["A", "B", "C"], ...] = Field(min_length=2, max_length=3)
    measures: tuple[FittedMeasure, ...] = Field(min_length=1, max_length=8)
    cut_points: tuple[Number, ...] = Field(min_length=1, max_length=2)
    embryos: int = Field(ge=1, le=10_000_000)
    patients: int = Field(ge=1, le=10_000_000)
    accuracy: Figure
    quadratic_kappa: Figure

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if list(self.letters) != sorted(set(self.letters), reverse=True):
            raise ValueError("letters must stand once each, from C to A")
        if len(self.cut_points) != len(self.letters) - 1 or list(self.cut_points) != sorted(
            set(self.cut_points)
        ):
            raise ValueError("cut_points must rise, one between each two letters")
        if len({measure.name for measure in self.measures}) != len(self.measures):
            raise ValueError("measures must stand once each")
        return self

    def probabilities(self, values: Floats) -> Floats:
        """``(embryo, letter)`` in the order of ``letters``, of ``values`` ``(embryo, measure)``."""
        scores = self.standardised(values) @ np.array([measure.coefficient for measure in self.measures])
        below = 1 / (1 + np.exp(np.clip(scores[:, None] - np.array(self.cut_points), -500, 500)))
        return np.diff(below, axis=1, prepend=0.0, append=1.0)

    def standardised(self, values: Floats) -> Floats:
        """``values`` ``(embryo, measure)`` in standard deviations from the mean of the lab's grades."""
        means, scales = (
            np.array([getattr(one, name) for one in self.measures]) for name in ("mean", "scale")
        )
        return np.asarray((values - means) / scales)


class LetterModel(_Part):
    """What ``blastoseg grade fit`` writes; a hostile file is refused when it is read."""

    format: Literal["blastoseg letters 1"] = FORMAT
    notice: Name
    software: Name
    weights_sha256: Name
    tissues: dict[Literal["icm", "te"], FittedTissue] = Field(min_length=1)

    @model_validator(mode="after")
    def _measures_are_known(self) -> Self:
        for key, fitted in self.tissues.items():
            unknown = [one.name for one in fitted.measures if one.name not in PERCENTILES[key]]
            if unknown:
                raise ValueError(
                    f"{key}: no measure {unknown[0]!r}: choose from {', '.join(PERCENTILES[key])}"
                )
        return self


@dataclass(frozen=True, slots=True)
class Letters:
    """A model, and the SHA-256 of the file that it was read from."""

    model: LetterModel
    sha256: str


def read_letters(path: Path) -> Letters:
    """The model in a file of ``blastoseg grade fit``. Raises SettingsError where it is not one."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}): check --grades") from error
    if len(content) > LARGEST_FILE:
        raise SettingsError(f"{path}: is too large for a file of blastoseg grade fit: check --grades")
    try:
        return Letters(LetterModel.model_validate_json(content), hashlib.sha256(content).hexdigest())
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"]))
        raise SettingsError(
            f"{path}: is no file of blastoseg grade fit ({where}: {problem['msg']}): write it anew"
        ) from error


def values_of(embryos: pd.DataFrame, measures: list[str]) -> Floats:
    """``(embryo, measure)``, NaN where undefined; ``embryos`` has columns of ``EMBRYO_COLUMNS``."""

    def of(column: str) -> Floats:
        return embryos[column].to_numpy(float, na_value=np.nan)

    pairs = [COLUMNS_OF_MEASURE[name] for name in measures]
    with np.errstate(divide="ignore", invalid="ignore"):
        columns = [of(column) / of(over) if over else of(column) for column, over in pairs]
    values = np.stack(columns, axis=1)
    return np.where(np.isfinite(values), values, np.nan)


def reasons_not_to_grade(embryos: pd.DataFrame, key: str) -> list[str]:
    """For each embryo why a tissue, ``"icm"`` or ``"te"``, is not gradable; empty where it is."""
    told = embryos[["status", "flags", "reason", "expansion_gardner"]].fillna("").to_numpy(str)
    is_known = np.isfinite(values_of(embryos, list(PERCENTILES[key])))
    return [_reason(key, row, not known.all()) for row, known in zip(told, is_known, strict=True)]


def _reason(key: str, row: Any, is_lacking: bool) -> str:
    status, flags, reason, stage = (str(cell) for cell in row)
    if status not in (Status.OK, Status.REVIEW):
        return "not measured"
    if not stage or int(stage[0]) < FULL:
        return (
            f"stage {stage}: letters are given from stage {FULL} on"
            if stage
            else "no expansion stage is told"
        )
    if key in doubtful_tissues(flags, reason):
        return f"doubtful: {reason}"
    return f"{LETTER_TISSUES[key]} was not measured" if is_lacking else ""


def with_letters(embryos: pd.DataFrame, model: LetterModel | None) -> pd.DataFrame:
    """``embryos`` with its letter columns filled in; without a model they stay empty."""
    if model is None or not len(embryos):
        return embryos
    filled: dict[str, Any] = {}
    for key, fitted in model.tissues.items():
        notes = reasons_not_to_grade(embryos, key)
        values = values_of(embryos, [measure.name for measure in fitted.measures])
        farthest = np.abs(fitted.standardised(values)).max(axis=1)
        notes = [
            note or ("its measures are like none of the lab's grades" if distance > FARTHEST else "")
            for note, distance in zip(notes, farthest, strict=True)
        ]
        is_graded = np.array([not note for note in notes])
        chances = fitted.probabilities(np.where(is_graded[:, None], values, math.nan))
        best = np.argmax(np.nan_to_num(chances), axis=1)
        letters = np.array(fitted.letters)[best]
        filled[f"{key}_letter"] = np.where(is_graded, letters, NOT_GRADABLE)
        filled[f"{key}_letter_note"] = notes
        for letter in LETTERS:
            own = chances[:, fitted.letters.index(letter)] if letter in fitted.letters else 0.0
            filled[f"{key}_letter_{letter.lower()}_frac"] = np.where(is_graded, own, math.nan)
    dtypes = {name: dtype for name, dtype in dtypes_of(LETTER_COLUMNS).items() if name in filled}
    return embryos.assign(**filled).astype(dtypes)
