"""How a lab's file names are read."""

from typing import Any, Literal, Self

import regex
from pydantic import field_validator, model_validator

from blastoseg.naming_presets import PRESETS
from blastoseg.settings.section import Section


class Naming(Section):
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
