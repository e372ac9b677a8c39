"""The kinds of embryo that can be drawn, and how often training meets each."""

import numpy as np

from blastoseg.errors import UsageError

BLASTOCYSTS: dict[str, float] = {
    "early": 0.09,
    "full": 0.22,
    "expanded": 0.28,
    "collapsed": 0.07,
    "hatching": 0.1,
    "hatched": 0.04,
    "opened_zona": 0.05,
}
"""Kind -> share of the training mixture."""

OTHERS: dict[str, float] = {
    **{f"cells_{count}": 0.03 if count in (2, 4) else 0.01 for count in range(1, 9)},
    "morula": 0.03,
    "degenerate": 0.025,
    "empty": 0.01,
}

KINDS: tuple[str, ...] = (*BLASTOCYSTS, *OTHERS)
CLEAVAGE = "cleavage"
"""Stands for any of cells_1..cells_8."""


def check_kind(kind: str) -> None:
    """Answers an unknown name with the choices, in a UsageError."""
    if kind not in (*KINDS, CLEAVAGE):
        raise UsageError(f"unknown kind of embryo {kind!r}: choose from {', '.join(KINDS)} or {CLEAVAGE}")


def choose_kind(rng: np.random.Generator, wanted: str | None) -> str:
    """The kind wanted, or one from the training mixture. Raises UsageError for an unknown one."""
    if wanted is None:
        shares = np.array([*BLASTOCYSTS.values(), *OTHERS.values()])
        return KINDS[int(rng.choice(len(KINDS), p=shares / shares.sum()))]
    check_kind(wanted)
    return f"cells_{int(rng.integers(1, 9))}" if wanted == CLEAVAGE else wanted
