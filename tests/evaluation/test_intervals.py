import numpy as np
import pandas as pd
import pytest

from blastoseg.evaluation.intervals import jaccard_intervals
from blastoseg.evaluation.overlap import CLASS_MEAN, MEAN_OF_IMAGES, POOLED, score_table


def counts_of(wrong: int, size: int = 1000) -> np.ndarray:
    """An image in which every tissue has ``size`` pixels, of which ``wrong`` are called the next one."""
    table = np.eye(5, dtype=np.int64) * (size - wrong)
    table += np.roll(np.eye(5, dtype=np.int64), 1, axis=1) * wrong
    return table


def interval(table: pd.DataFrame, averaging: str, tissue: str = CLASS_MEAN) -> tuple[float, float]:
    [row] = table[(table["averaging"] == averaging) & (table["tissue"] == tissue)].to_dict("records")
    return row["jaccard_low"], row["jaccard_high"]


@pytest.mark.parametrize("averaging", [POOLED, MEAN_OF_IMAGES])
def test_the_interval_holds_the_score_and_narrows_with_more_embryos(averaging: str) -> None:
    widths = []
    for embryos in (10, 160):
        rng = np.random.default_rng(1)
        counts = [counts_of(int(rng.integers(50, 400))) for _ in range(embryos)]
        table = jaccard_intervals(counts, [f"e{index}" for index in range(embryos)])
        scores = score_table(counts)
        chosen = (scores["averaging"] == averaging) & (scores["tissue"] == CLASS_MEAN)
        score = float(scores.loc[chosen, "jaccard"].iloc[0])
        low, high = interval(table, averaging)
        assert low < score < high
        widths.append(high - low)
    assert widths[1] == pytest.approx(widths[0] / 4, rel=0.35)


def test_images_of_one_embryo_are_no_new_evidence() -> None:
    rng = np.random.default_rng(2)
    counts = [counts_of(int(rng.integers(50, 400))) for _ in range(12)]
    once = jaccard_intervals(counts, [f"e{index}" for index in range(12)])
    again = jaccard_intervals(counts * 5, [f"e{index}" for index in range(12)] * 5)
    pd.testing.assert_frame_equal(once, again)


def test_one_embryo_has_no_interval_and_equal_ones_have_none_to_speak_of() -> None:
    one = jaccard_intervals([counts_of(100)], ["e"])
    assert one[["jaccard_low", "jaccard_high"]].isna().all(axis=None)
    low, high = interval(jaccard_intervals([counts_of(100)] * 4, list("abcd")), POOLED)
    assert low == pytest.approx(high)
