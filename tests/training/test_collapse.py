"""When a teacher's labels have lost what an embryo consists of."""

import pytest

from blastoseg.training.collapse import collapse_of
from blastoseg.training.recipe_unlabelled import Unlabelled


def rows_of(*parts: tuple[int, tuple[float, ...]]) -> list[tuple[float, ...]]:
    """So many steps of (used, ICM, blastocoel, TE, ZP, background) each."""
    flat = [shares for count, shares in parts for _ in range(count)]
    return [(float(step), *shares) for step, shares in enumerate(flat, start=1)]


SOUND = (0.8, 0.05, 0.2, 0.1, 0.1, 0.55)


@pytest.mark.parametrize(
    ("last", "words"),
    [
        ((0.8, 0.04, 0.17, 0.08, 0.1, 0.61), ""),
        ((0.8, 0.02, 0.05, 0.05, 0.1, 0.78), "blastocyst covers 12.00%"),
        ((0.8, 0.0, 0.25, 0.1, 0.1, 0.55), "Inner cell mass covers 0.00%"),
        ((0.8, 0.05, 0.28, 0.015, 0.1, 0.55), "Trophectoderm covers 1.50%"),
        ((0.0, 0.05, 0.2, 0.1, 0.1, 0.55), "no pixel of the unlabelled frames was used"),
    ],
)
def test_a_collapse_is_said_by_the_tissue_that_is_lost(last: tuple[float, ...], words: str) -> None:
    settings = Unlabelled(watched_steps=5)
    assert collapse_of(rows_of((4, last)), settings) == ""
    told = collapse_of(rows_of((10, SOUND), (5, last)), settings)
    assert (words in told) if words else not told
    assert not told or "step 15" in told
