"""The output folder: what lies where.

Everything a run writes is below OUT. Embryo and file names become safe names, so that no name from a disk or
a slide file can lead out of OUT or trouble another system.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from blastoseg.errors import OutputError
from blastoseg.files import clash_key, safe_name, safe_names
from blastoseg.records import FrameRef
from blastoseg.sources.names import printable

PICTURE_KINDS = ("masks", "overlays")
"""The folders below OUT that hold the frames' pictures, one folder an embryo."""


def default_out(paths: list[Path]) -> Path:
    """``./<folder name>-blastoseg`` for the first path given."""
    return Path.cwd() / f"{printable(paths[0].resolve().name) or 'blastoseg'}-blastoseg"


@dataclass(frozen=True, slots=True)
class OutputFolder:
    """Paths of everything a run writes below ``root``."""

    root: Path

    @property
    def workbook(self) -> Path:
        return self.root / "report.xlsx"

    @property
    def frames_csv(self) -> Path:
        return self.root / "frames.csv"

    @property
    def embryos_csv(self) -> Path:
        return self.root / "embryos.csv"

    @property
    def events_csv(self) -> Path:
        return self.root / "events.csv"

    @property
    def manifest(self) -> Path:
        return self.root / "run.json"

    def create(self) -> None:
        """Make the folder and check that it can be written; OutputError otherwise."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            probe = self.root / ".blastoseg-write-test"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise OutputError(
                f"{self.root}: cannot be written ({error.strerror}): choose another folder with --out"
            ) from error

    def pictures(self) -> set[str]:
        """``clash_key`` of every file below the folders of pictures, relative to OUT with ``/`` between."""
        return {
            clash_key(Path(parent, name).relative_to(self.root).as_posix())
            for kind in PICTURE_KINDS
            for parent, _, names in os.walk(self.root / kind)
            for name in names
        }


class PictureNames:
    """What the pictures of a run's frames are called: names that no two frames of the run share.

    ``refs`` are all frames of the run. Nothing else decides a name, so that two runs over one input agree.
    """

    def __init__(self, refs: Iterable[FrameRef]) -> None:
        self._embryos = safe_names(ref.embryo_id for ref in refs)

    def place(self, kind: str, ref: FrameRef, suffix: str) -> Path:
        """``<kind>/<embryo>/<frame><suffix>``, relative to OUT; the frame's name is its index and file."""
        embryo = self._embryos.get(ref.embryo_id) or safe_name(ref.embryo_id)
        name = f"{ref.frame_index:05d}-{safe_name(PurePosixPath(ref.source).stem)}{suffix}"
        return Path(kind, embryo, name)
