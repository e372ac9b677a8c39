"""What a recording (a video, a slide file) says of its wells."""

from dataclasses import dataclass, field

from blastoseg.sources.addresses import Nowhere
from blastoseg.sources.shots import Shot


@dataclass(slots=True)
class Well:
    """One well's pictures as (position, run, shot). ``name`` is empty where the recording tells no well."""

    name: str = ""
    has_clock: bool = False
    shots: list[tuple[int, int, Shot]] = field(default_factory=list)


def one_problem(source: str, path: str, what: str) -> list[Well]:
    """A recording that cannot be opened: one shot that says why, as one failed row."""
    return [Well(shots=[(0, -1, Shot(source, path, Nowhere(), problem=f"{source}: {what}"))])]
