"""Whether a teacher's labels still hold what an embryo consists of."""

from collections.abc import Sequence

import numpy as np

from blastoseg.tissues import BLASTOCOEL, ICM, TE
from blastoseg.training.recipe_unlabelled import Unlabelled

Row = tuple[float, ...]
"""Step, share of the pixels used, and each class channel's share of all pixels."""
USED, FIRST_CLASS = 1, 2
"""Where in a row they stand."""


def collapse_of(rows: Sequence[Row], settings: Unlabelled) -> str:
    """What the last steps' labels have lost that the first ones had, in words; empty where nothing.

    Nothing is judged before ``watched_steps`` steps are done. That no pixel counted in them is said too.
    """
    count = settings.watched_steps
    if len(rows) < count:
        return ""
    first, last = (np.mean(part, axis=0) for part in (rows[:count], rows[-count:]))
    step = f"step {int(rows[-1][0]):,}"
    if not last[USED]:
        return (
            f"{step}: no pixel of the unlabelled frames was used in the last {count} steps: look at some of "
            "them with  blastoseg run;  where its labels are good, lower confidence or raise most_mended in "
            "[segmenter.unlabelled], and start again"
        )
    blastocyst = [FIRST_CLASS + tissue.channel for tissue in (ICM, BLASTOCOEL, TE)]
    watched = {
        "blastocyst": (blastocyst, settings.least_blastocyst),
        ICM.name: ([FIRST_CLASS + ICM.channel], settings.least_tissue),
        TE.name: ([FIRST_CLASS + TE.channel], settings.least_tissue),
    }
    for name, (columns, least) in watched.items():
        before, now = float(first[columns].sum()), float(last[columns].sum())
        if now <= least * before:
            return (
                f"{step}: the labels of the unlabelled frames collapsed: {name} covers {now:.2%} of their "
                f"pixels, {before:.2%} at the start: no weights are written; lower learning_rate or raise "
                "confidence in the recipe, and start again"
            )
    return ""
