"""Files that hold many frames: TIFFs, videos, slide files. Each is listed before a frame is read."""

from dataclasses import dataclass, field
from pathlib import PurePath

from blastoseg.sources import slide, stack, video
from blastoseg.sources.addresses import Nowhere
from blastoseg.sources.shots import Shot
from blastoseg.sources.stack import Series
from blastoseg.sources.wells import Well, one_problem

SUFFIXES = stack.SUFFIXES | {video.SUFFIX, slide.SUFFIX}


@dataclass(frozen=True, slots=True)
class Container:
    """One such file, with the name it is shown under; ``plane`` is the focal plane that names tell."""

    path: str
    source: str
    plane: int | None = None

    @property
    def suffix(self) -> str:
        return PurePath(self.path).suffix.casefold()


@dataclass(frozen=True, slots=True)
class Contents:
    """The series of a TIFF, or the wells of a recording; ``notes`` are for the log."""

    series: list[Series] = field(default_factory=list)
    wells: list[Well] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def list_contents(container: Container) -> Contents:
    """What is in the file, as far as its headers tell; one shot with a problem where it cannot be used."""
    if container.suffix in stack.SUFFIXES:
        return Contents(series=stack.find_series(container.path, container.source, container.plane))
    find = video.find_wells if container.suffix == video.SUFFIX else slide.find_wells
    wells, notes = find(container.path, container.source)
    return Contents(wells=wells, notes=notes)


def unlisted(container: Container, problem: str) -> Contents:
    """What stands for a file whose contents could not be listed: one failed row."""
    if container.suffix in stack.SUFFIXES:
        shot = Shot(container.source, container.path, Nowhere(), container.plane, problem=problem)
        return Contents(series=[Series(moments=[[shot]])])
    what = problem.removeprefix(f"{container.source}: ")
    return Contents(wells=one_problem(container.source, container.path, what))
