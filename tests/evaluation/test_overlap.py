"""Overlap scores against hand-counted cases and scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics

from blastoseg.evaluation.overlap import (
    MEAN_OF_IMAGES,
    POOLED,
    confusion_table,
    score_table,
    tissue_confusion,
)
from blastoseg.tissues import INSIDE_OUT

LABELS = [tissue.label for tissue in INSIDE_OUT]


def rows_of(table, averaging):
    return table[table["averaging"] == averaging].set_index("tissue")


def random_maps(seed, classes=5):
    rng = np.random.default_rng(seed)
    shape = (rng.integers(5, 40), rng.integers(5, 40))
    return tuple(rng.integers(0, classes, shape).astype(np.uint8) for _ in range(2))


@pytest.mark.parametrize("seed", range(5))
def test_the_scores_of_random_maps_are_those_of_scikit_learn(seed):
    truth, predicted = random_maps(seed)
    pair = truth.ravel(), predicted.ravel()
    scores = rows_of(score_table([tissue_confusion(truth, predicted)]), POOLED)
    expected = {
        "jaccard": metrics.jaccard_score(*pair, labels=LABELS, average=None),
        "dice": metrics.f1_score(*pair, labels=LABELS, average=None),
        "precision": metrics.precision_score(*pair, labels=LABELS, average=None),
        "recall": metrics.recall_score(*pair, labels=LABELS, average=None),
        "accuracy": [metrics.accuracy_score(pair[0] == label, pair[1] == label) for label in LABELS],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(scores[name].iloc[:5].astype(float), values, rtol=1e-12)
        assert scores.loc["mean", name] == pytest.approx(np.mean(values), rel=1e-12)
    assert scores.loc["all pixels", "accuracy"] == pytest.approx(metrics.accuracy_score(*pair))
    table = confusion_table([tissue_confusion(truth, predicted)]).to_numpy()
    np.testing.assert_array_equal(table, metrics.confusion_matrix(*pair, labels=LABELS))


def test_pooling_weighs_pixels_and_the_mean_of_images_weighs_images():
    # ICM: 1 of 2 pixels in the first image, 6 of 6 in the second.
    first = tissue_confusion(np.array([[1, 1]], np.uint8), np.array([[1, 2]], np.uint8))
    second = tissue_confusion(np.ones((2, 3), np.uint8), np.ones((2, 3), np.uint8))
    table = score_table([first, second])
    assert rows_of(table, POOLED).loc["icm", "jaccard"] == pytest.approx(7 / 8)
    assert rows_of(table, POOLED).loc["icm", "dice"] == pytest.approx(14 / 15)
    assert rows_of(table, MEAN_OF_IMAGES).loc["icm", "jaccard"] == pytest.approx((0.5 + 1) / 2)
    assert rows_of(table, POOLED).loc["blastocoel", "precision"] == 0
    assert np.isnan(rows_of(table, POOLED).loc["blastocoel", "recall"])


def test_a_tissue_in_neither_map_has_no_score_and_no_part_in_the_means():
    labels = np.array([[0, 1, 1, 3]], np.uint8)
    table = score_table([tissue_confusion(labels, labels)])
    for averaging in (POOLED, MEAN_OF_IMAGES):
        scores = rows_of(table, averaging)
        assert scores.loc[["blastocoel", "zp"]].drop(columns="averaging").isna().all().all()
        assert (scores.loc["mean"].drop("averaging").astype(float) == 1).all()


def test_an_identical_prediction_scores_one_everywhere():
    labels, _ = random_maps(9)
    scores = score_table([tissue_confusion(labels, labels)] * 3).set_index("tissue")
    assert (scores.drop(index="all pixels").drop(columns="averaging") == 1).all().all()
    assert (scores.loc["all pixels", "accuracy"] == 1).all()


def test_a_value_that_is_no_tissue_and_a_wrong_shape_are_refused():
    labels = np.zeros((4, 4), np.uint8)
    with pytest.raises(ValueError, match="label value 7"):
        tissue_confusion(labels + np.uint8(7), labels)
    with pytest.raises(ValueError, match="must agree"):
        tissue_confusion(labels, labels[:2])
