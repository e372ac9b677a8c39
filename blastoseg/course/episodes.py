"""Stretches of doubtful frames: what a person looks at once, not frame by frame."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from blastoseg.columns import CONFIDENCE_COLUMNS, EPISODE_COLUMNS, dtypes_of
from blastoseg.course.series import Series
from blastoseg.course.steady import CourseFlag
from blastoseg.quality import DOUBTS
from blastoseg.records import Flag, Status

BRIDGED_FRAMES = 3
"""So many frames without a doubt, between frames with one, don't end an episode."""
MOST_EPISODES = 10
"""Of one embryo: where there were more, the gaps bridged are widened until they are so few."""
FAILED = "could not be read or processed"
WORST_FIRST = (Status.FAILED.value, Status.REVIEW.value, Status.EXCLUDED.value)
"""What to look at first: lost frames, then doubtful numbers, then frames without a blastocyst."""
_UNSURE = DOUBTS[Flag.LOW_CONFIDENCE]
WORDS_OF_OUTLIER = {
    CourseFlag.AREA_OUTLIER: "the area contradicts the frames before and after",
    CourseFlag.CAVITY_OUTLIER: "the blastocoel contradicts the frames before and after",
    CourseFlag.BLASTOCYST_OUTLIER: "blastocyst or none: contradicts the frames before and after",
    CourseFlag.HATCHING_OUTLIER: "the share outside the zona contradicts the frames before and after",
}


def episodes_table(frames: pd.DataFrame, followed: Iterable[Series]) -> pd.DataFrame:
    """One row an episode with exactly ``EPISODE_COLUMNS``, worst first: by kind, then by length.

    ``frames`` has the columns of ``REPORTED_FRAME_COLUMNS``.
    """
    columns = ("status", "flags", "reason", "course_flags")
    texts = list(zip(*(frames[name].fillna("").to_numpy(str) for name in columns), strict=True))
    confidence = frames[[column.name for column in CONFIDENCE_COLUMNS]].min(axis=1).to_numpy(float)
    shown = frames[["time_h", "frame_index", "source", "overlay"]].to_dict("list")
    rows = []
    for series in followed:
        for kind, what, places in _stretches([texts[row] for row in series.rows]):
            stretch = series.rows[places]
            worst = stretch[np.argmin(np.nan_to_num(confidence[stretch], nan=np.inf))]
            rows.append(
                {
                    "embryo_id": series.embryo_id,
                    "episode_from_h": shown["time_h"][stretch[0]],
                    "episode_to_h": shown["time_h"][stretch[-1]],
                    "episode_frames": len(stretch),
                    "episode_kind": kind,
                    "doubt": what,
                    "worst_frame": shown["frame_index"][worst],
                    "source": shown["source"][worst],
                    "overlay": shown["overlay"][worst],
                }
            )
    table = pd.DataFrame(rows, columns=[column.name for column in EPISODE_COLUMNS])
    return worst_first(table.astype(dtypes_of(EPISODE_COLUMNS)))


def worst_first(episodes: pd.DataFrame) -> pd.DataFrame:
    """Rows of ``EPISODE_COLUMNS`` by kind, then by length; equals stay in their order."""
    kinds = episodes["episode_kind"].map({kind: place for place, kind in enumerate(WORST_FIRST)})
    order = np.lexsort((-episodes["episode_frames"].to_numpy(float), kinds.to_numpy(float)))
    return episodes.iloc[order].reset_index(drop=True)


def _stretches(texts: list[tuple[str, ...]]) -> list[tuple[str, str, Any]]:
    """Places of each episode's frames, by kind, and its doubts in words, those of most frames first."""
    doubts = [list(_doubts(*text)) for text in texts]
    bridged = BRIDGED_FRAMES
    while len(found := _bridging(doubts, bridged)) > MOST_EPISODES and bridged < len(texts):
        bridged *= 2
    return [(kind, _words(kind, [doubts[place] for place in places]), places) for kind, places in found]


def _bridging(doubts: list[list[tuple[str, str]]], bridged: int) -> list[tuple[str, Any]]:
    """The stretches of each kind of doubt, over gaps of so many frames."""
    found: list[tuple[str, Any]] = []
    for kind in WORST_FIRST:
        places = np.array([i for i, own in enumerate(doubts) if any(kind == one for one, _ in own)], int)
        parts = np.split(places, np.flatnonzero(np.diff(places) > bridged + 1) + 1)
        found += [(kind, part) for part in parts if len(part)]
    return found


def _words(kind: str, doubts: list[list[tuple[str, str]]]) -> str:
    counted = Counter(what for of_frame in doubts for one, what in of_frame if one == kind)
    return "; ".join(what for what, _ in counted.most_common())


def _doubts(status: str, flags: str, reason: str, course_flags: str) -> Iterable[tuple[str, str]]:
    """What is doubtful about one frame, in words, with the status that it stands under."""
    if status == Status.FAILED.value:
        yield status, FAILED
    elif status == Status.EXCLUDED.value:
        yield status, reason
    elif status == Status.REVIEW.value:
        for part in reason.split("; "):
            if part.startswith(_UNSURE):
                yield from (
                    (status, f"{tissue} not certain") for tissue in part.removeprefix(_UNSURE).split(", ")
                )
            elif part:
                yield status, part
    for code in filter(None, course_flags.split(";")):
        yield Status.REVIEW.value, WORDS_OF_OUTLIER[CourseFlag(code)]
