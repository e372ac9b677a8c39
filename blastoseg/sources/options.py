"""How frames are found and read, as the user wants it."""

import re
from dataclasses import dataclass
from pathlib import Path

from blastoseg.errors import UsageError
from blastoseg.settings import Naming

CENTRE = "0"
BEST = "best"
ALL = "all"


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """``focal`` is a plane's number, ``0`` the centre; ``best``, the sharpest of each moment; or ``all``.

    ``frame_interval_h`` gives hours to frames whose source has no clock. Symbolic links that lead out of
    the given folder are passed over unless ``follow_symlinks``. Files that changed less than ``settle_s``
    seconds ago may still be being written: they are counted and left alone. ``is_discreet``: a file's own
    name appears in nothing that its reader says. ``embryos`` is the lab's table of them.
    """

    naming: Naming
    focal: str = CENTRE
    frame_interval_h: float | None = None
    follow_symlinks: bool = False
    settle_s: float = 0.0
    is_discreet: bool = False
    embryos: Path | None = None

    def chosen_plane(self) -> int | None:
        """The plane's number, None for ``best`` and ``all``. Raises UsageError for anything else."""
        if self.focal in (BEST, ALL):
            return None
        if not re.fullmatch(r"[+-]?[0-9]{1,6}", self.focal):
            raise UsageError(
                f"--focal {self.focal}: must be a plane's number such as 0 or -15, 'best' or 'all'"
            )
        return int(self.focal)
