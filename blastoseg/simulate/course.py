"""What happens to an embryo, and when: cavity, expansion, collapse and re-expansion, hatching."""

from dataclasses import dataclass

import numpy as np

NEVER = float("nan")


@dataclass(frozen=True, slots=True)
class State:
    """An embryo at one moment; all values are shares.

    ``cavity`` 0 to 1 from the first fluid to a cavity that fills the wall; ``expansion`` 0 to 1 thins and
    widens the zona; ``shrinkage`` is how far a collapse has pulled the body off the zona; ``hatched`` is the
    share of the tissue that has left the zona.
    """

    cavity: float
    expansion: float
    shrinkage: float
    hatched: float
    is_outside: bool


@dataclass(frozen=True, slots=True)
class Course:
    """Times in hours since insemination; NaN for what does not happen."""

    start_h: float
    length_h: float
    cavity_h: float
    filled_h: float
    expanded_h: float
    collapse_h: float
    recovery_h: float
    hatching_h: float
    hatched_h: float

    def state_at(self, time: float) -> State:
        shrinkage = 0.0
        if time >= self.collapse_h:
            sudden = min((time - self.collapse_h) / 0.4, 1.0)
            back = _ramp(time, self.collapse_h + 0.8, self.collapse_h + self.recovery_h)
            shrinkage = sudden * (1.0 - back)
        return State(
            cavity=_ramp(time, self.cavity_h, self.filled_h),
            expansion=_ramp(time, self.filled_h - 3.0, self.expanded_h),
            shrinkage=shrinkage,
            hatched=_ramp(time, self.hatching_h, self.hatched_h),
            is_outside=bool(time >= self.hatched_h),
        )

    def events(self, last: float) -> dict[str, float]:
        """True times of the events up to ``last`` hours; NaN for what has not happened by then."""
        times = {
            "cavity_appears": self.cavity_h,
            "full": self.filled_h,
            "expanded": self.expanded_h,
            "collapse": self.collapse_h,
            "reexpanded": self.collapse_h + self.recovery_h,
            "hatching": self.hatching_h,
            "hatched": self.hatched_h,
        }
        return {name: time if time <= last else NEVER for name, time in times.items()}


def _ramp(time: float, start: float, end: float) -> float:
    """0 before ``start``, 1 after ``end``, smooth between; 0 where they are NaN."""
    if not time > start:
        return 0.0
    share = min((time - start) / (end - start), 1.0)
    return float(share * share * (3.0 - 2.0 * share))


def draw_course(
    rng: np.random.Generator,
    hatching: bool | None = None,
    blastulates: bool = True,
    first_h: float | None = None,
) -> Course:
    """A course from day 3.5, or from ``first_h``, on; ``hatching`` None leaves it to chance."""
    start = rng.uniform(84, 96)
    if not blastulates:
        return Course(first_h or start, 30.0, *([NEVER] * 7))
    cavity = start + rng.uniform(1.0, 9.0)
    filled = cavity + rng.uniform(5.0, 10.0)
    expanded = filled + rng.uniform(4.0, 10.0)
    collapses = rng.random() < 0.4
    collapse = filled + rng.uniform(0.5, 5.0) if collapses else NEVER
    recovery = rng.uniform(2.5, 6.0)
    hatches = rng.random() < 0.45 if hatching is None else hatching
    settled = max(expanded, collapse + recovery) if collapses else expanded
    begin = settled + rng.uniform(0.5, 5.0) if hatches else NEVER
    done = begin + rng.uniform(10.0, 25.0)
    end = (begin + rng.uniform(5.0, 28.0)) if hatches else settled + rng.uniform(2.0, 10.0)
    begins = start if first_h is None else min(first_h, end - 4.0)
    return Course(
        start_h=begins,
        length_h=end - begins,
        cavity_h=cavity,
        filled_h=filled,
        expanded_h=expanded,
        collapse_h=collapse,
        recovery_h=recovery,
        hatching_h=begin,
        hatched_h=done,
    )
