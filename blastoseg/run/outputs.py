"""The output folder: what lies where.

Everything a run writes is below OUT. Embryo and file names are turned into plain ASCII names, so that no
name from a disk or a slide file can lead out of OUT or trouble another system.
"""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from blastoseg.errors import OutputError
from blastoseg.files import safe_name
from blastoseg.records import FrameRef
from blastoseg.sources.names import printable


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

    def picture(self, kind: str, ref: FrameRef, suffix: str) -> Path:
        """``<kind>/<embryo>/<frame><suffix>``, relative to OUT; the frame's name is its index and file."""
        stem = safe_name(PurePosixPath(ref.source).stem)
        return Path(kind, safe_name(ref.embryo_id), f"{ref.frame_index:05d}-{stem}{suffix}")
