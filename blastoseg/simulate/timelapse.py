"""One embryo through a whole time-lapse, with the true time of every event."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from blastoseg.simulate.course import Course, State, draw_course
from blastoseg.simulate.draw import Recorded, Seeds, render
from blastoseg.simulate.frame import SimulatedFrame, View
from blastoseg.simulate.growth import Traits, draw_traits, grow
from blastoseg.simulate.preset import Optics, draw_optics


@dataclass(frozen=True)
class Timelapse:
    """A planned series: its frames are drawn one by one as ``frames()`` is walked through.

    ``numbers`` count the frames the incubator took, from 0; those missing were not recorded.
    ``times_h`` are hours since insemination of the frames that were recorded; ``events`` are the true times
    in hours, NaN for what does not happen.
    """

    numbers: NDArray[np.int64]
    times_h: NDArray[np.float64]
    events: dict[str, float]
    states: tuple[State, ...]
    traits: Traits
    seeds: Seeds
    optics: Optics
    view: View
    scale: float
    well: int
    wander_seed: int

    def frames(self) -> Iterator[SimulatedFrame]:
        """The pictures in the order of ``times_h``."""
        rng = np.random.default_rng(self.wander_seed)
        place = np.array([self.view.width, self.view.height]) / 2 + rng.normal(0, 0.03, 2) * self.view.width
        focus = 0.0
        shots = []
        for state in self.states:
            place = place + rng.normal(0, 0.0025, 2) * self.view.width
            if rng.random() < 0.03:  # the dish was moved
                place = place + rng.normal(0, 0.02, 2) * self.view.width
            focus = 0.8 * focus + rng.normal(0, 0.2)
            optics = replace(self.optics, focus=self.optics.focus * float(np.exp(focus)))
            embryo = grow(self.traits, state)
            outer = embryo.everything()
            middle = (outer.min(0) + outer.max(0)) / 2
            # a hatching embryo stays in the well: half of its growth to one side is taken back
            shift = place - 0.7 * middle * self.scale
            placed = embryo.placed(self.scale, (float(shift[0]), float(shift[1])))
            seeds = replace(self.seeds, camera=int(rng.integers(2**62)))
            shots.append((seeds, placed, optics))
        course = np.concatenate([placed.everything() for _, placed, _ in shots])
        for time, (seeds, placed, optics) in zip(self.times_h, shots, strict=True):
            recorded = Recorded((f"Well {self.well}", f"{time:.1f} h"), course)
            yield render(seeds, placed, optics, self.view, recorded=recorded)


def plan_timelapse(
    rng: np.random.Generator, frames: int, view: View, course: Course | None = None
) -> Timelapse:
    """Plan an embryo's course over ``frames`` recorded frames; ``view.kind`` is not used.

    The fill of ``view`` is that of the embryo at its largest. About one frame in twelve was not recorded.
    """
    course = course or draw_course(rng)
    arrested = np.isnan(course.cavity_h)
    traits = draw_traits(rng, int(rng.integers(2, 9) if arrested else rng.integers(10, 24)))
    planned = frames + frames // 12
    numbers = np.sort(rng.permutation(planned)[:frames]).astype(np.int64)
    times = course.start_h + course.length_h * numbers / max(planned - 1, 1)
    states = tuple(course.state_at(float(time)) for time in times)
    largest = max(np.ptp(grow(traits, state).everything(), axis=0).max() for state in states)
    scale = min(view.height, view.width) * float(rng.uniform(*view.fill)) / float(largest)
    return Timelapse(
        numbers=numbers,
        times_h=times,
        events=course.events(float(times[-1])),
        states=states,
        traits=traits,
        seeds=Seeds.draw(rng),
        optics=draw_optics(rng, view.preset),
        view=view,
        scale=scale,
        well=int(rng.integers(1, 13)),
        wander_seed=int(rng.integers(2**62)),
    )


def draw_timelapse(rng: np.random.Generator, frames: int, view: View) -> Iterator[SimulatedFrame]:
    """The frames of one planned series; see ``plan_timelapse`` for its times and events."""
    return plan_timelapse(rng, frames, view).frames()
