"""What a file or folder name tells: embryo, run, focal plane."""

import re
from dataclasses import dataclass

from blastoseg.settings import Naming

NO_RUN = -1


@dataclass(frozen=True, slots=True)
class NameParts:
    """``rest`` is the name without run and focal plane: equal for all frames of a series."""

    rest: str
    embryo: str = ""
    run: int = NO_RUN
    plane: int | None = None


class NameReader:
    """Reads names by a lab's patterns."""

    def __init__(self, naming: Naming) -> None:
        self._embryo = re.compile(naming.embryo, re.IGNORECASE)
        self._run = re.compile(naming.run, re.IGNORECASE)
        self._focal = re.compile(naming.focal, re.IGNORECASE)

    def read(self, stem: str) -> NameParts:
        """The parts of a name without its extension."""
        rest, plane = self._take(self._focal, "focal", stem)
        rest, run = self._take(self._run, "run", rest)
        match = self._embryo.search(rest)
        embryo = (match["embryo"] or "").strip(" _-") if match else ""
        return NameParts(rest, embryo, NO_RUN if run is None else run, plane)

    def read_folder(self, name: str) -> tuple[str, int | None]:
        """A folder's name without the focal plane (empty where it is nothing else), and the plane."""
        return self._take(self._focal, "focal", name)

    @staticmethod
    def _take(pattern: re.Pattern[str], group: str, text: str) -> tuple[str, int | None]:
        """The text without the pattern's match, and the number in the group."""
        match = pattern.search(text)
        if match is None or not re.fullmatch(r"-?\d{1,9}", match[group] or ""):
            return text, None
        before, after = text[: match.start()].rstrip(" _-"), text[match.end() :].lstrip(" _-")
        return "_".join(part for part in (before, after) if part), int(match[group])


def printable(text: str) -> str:
    """The text as valid Unicode: bytes of a file name that are no UTF-8 are shown as ``\\xNN``."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
