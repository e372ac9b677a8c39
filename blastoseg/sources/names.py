"""What a file or folder name tells: embryo, run, focal plane, hours, patient, dish."""

import math
from dataclasses import dataclass

import regex

from blastoseg.errors import SettingsError, counted
from blastoseg.settings import Naming
from blastoseg.sources.numbers import LONGEST_H
from blastoseg.sources.shown import AS_THEY_ARE, Shown

NO_RUN = -1
NO_HOURS = -1.0
HOURS_PER = {"h": 1.0, "min": 1 / 60, "s": 1 / 3600, "days": 24.0}
PATIENCE_S = 0.2
"""For one pattern on one name: a careless pattern can try for years on a long name."""
MOST_SLOW_NAMES = 20
OWNERS = ("patient", "dish")
"""What a whole path may tell of its embryo."""


@dataclass(frozen=True, slots=True)
class NameParts:
    """``rest`` is the name without run, focal plane and hours: equal for all frames of a series.

    ``hours`` are 0 or more, or NO_HOURS, which sorts and compares where NaN would not.
    """

    rest: str
    embryo: str = ""
    run: int = NO_RUN
    plane: int | None = None
    hours: float = NO_HOURS


class NameReader:
    """Reads names by a lab's patterns.

    A pattern that takes too long on a name tells nothing of it, which ``slow_names`` counts; where that
    becomes a habit, SettingsError names the pattern.
    """

    def __init__(self, naming: Naming, shown: Shown = AS_THEY_ARE) -> None:
        self._shown = shown
        self._naming = naming
        self._patterns = {
            group: regex.compile(pattern, regex.IGNORECASE)
            for group in ("time", "focal", "run", "embryo", "patient", "dish")
            if (pattern := getattr(naming, group))
        }
        self.slow_names: list[str] = []

    def read(self, stem: str) -> NameParts:
        """The parts of a name without its extension."""
        rest, hours = self._take_hours(stem)
        rest, plane = self._take("focal", rest)
        rest, run = self._take("run", rest)
        match = self._search("embryo", rest)
        embryo = (match["embryo"] or "").strip(" _-") if match else ""
        return NameParts(
            rest=rest, embryo=embryo, run=NO_RUN if run is None else run, plane=plane, hours=hours
        )

    def read_folder(self, name: str) -> tuple[str, int | None]:
        """A folder's name without the focal plane (empty where it is nothing else), and the plane."""
        return self._take("focal", name)

    def read_owner(self, way: str) -> tuple[str, str]:
        """Patient and dish that a path without its extension tells, ``/`` between folders; else empty."""
        patient, dish = (self._told(group, way) for group in OWNERS)
        return patient, dish

    def _told(self, group: str, text: str) -> str:
        match = self._search(group, text) if group in self._patterns else None
        return printable((match[group] or "").strip(" _-")) if match else ""

    @property
    def tells_owners(self) -> bool:
        """Whether any pattern looks for patients or dishes."""
        return not self._patterns.keys().isdisjoint(OWNERS)

    def notes(self) -> list[str]:
        """What is to be logged of names that took too long."""
        if not self.slow_names:
            return []
        first = self._shown.detail(f" (the first: {printable(self.slow_names[0])!r})")
        count = counted(len(self.slow_names), "name")
        return [f"{count} took too long for a pattern of [naming], which tells nothing of them{first}"]

    def _search(self, group: str, text: str) -> regex.Match[str] | None:
        try:
            return self._patterns[group].search(text, timeout=PATIENCE_S)
        except TimeoutError as error:
            self.slow_names.append(text)
            if len(self.slow_names) > MOST_SLOW_NAMES:
                example = self._shown.detail(f", as on {printable(text)!r}")
                raise SettingsError(
                    f"[naming] {group}: takes longer than {PATIENCE_S:g} s on a name{example}: "
                    "write it without a repetition inside a repetition"
                ) from error
            return None

    def _take(self, group: str, text: str) -> tuple[str, int | None]:
        """The text without the pattern's match, and the number in the group."""
        match = self._search(group, text)
        if match is None or not regex.fullmatch(r"-?\d{1,9}", match[group] or ""):
            return text, None
        return _without(match, text), int(match[group])

    def _take_hours(self, text: str) -> tuple[str, float]:
        """The text without the hours, and the hours; all of it, and NO_HOURS, where they make no sense."""
        match = self._search("time", text) if "time" in self._patterns else None
        if match is None:
            return text, NO_HOURS
        hours = _number(match["time"]) * HOURS_PER[self._naming.time_unit]
        if "minutes" in match.re.groupindex:
            minutes = _number(match["minutes"])
            hours = hours + minutes / 60 if minutes < 60 else math.nan
        return (_without(match, text), hours) if hours <= LONGEST_H else (text, NO_HOURS)


def _without(match: regex.Match[str], text: str) -> str:
    before, after = text[: match.start()].rstrip(" _-"), text[match.end() :].lstrip(" _-")
    return "_".join(part for part in (before, after) if part)


def _number(text: str | None) -> float:
    """A number without a sign, its decimals behind a point or a comma; NaN for any other text."""
    whole = regex.fullmatch(r"[0-9]{1,9}(?:[.,][0-9]{1,9})?", text or "")
    return float(whole[0].replace(",", ".")) if whole else math.nan


def printable(text: str) -> str:
    """The text as valid Unicode: bytes of a file name that are no UTF-8 are shown as ``\\xNN``."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def is_printable(text: str) -> bool:
    """Whether a name is valid Unicode. Native libraries and databases refuse, or crash on, any other."""
    return printable(text) == text
