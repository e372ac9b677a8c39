"""Loss and scores against plain loops and hand-computed cases."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from blastoseg.training.loss import labels_at, mask_loss, segmentation_loss, soft_dice_loss  # noqa: E402
from blastoseg.training.metrics import class_scores, confusion, summarise  # noqa: E402
from blastoseg.training.recipe_optimisation import LossTerms  # noqa: E402

K = 5


def plain_cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    total = 0.0
    for y, x in np.ndindex(labels.shape):
        scores = logits[:, y, x]
        softmax = np.exp(scores) / np.exp(scores).sum()
        total -= math.log(softmax[labels[y, x]])
    return total / labels.size


def test_the_loss_is_the_mean_over_levels_of_the_mean_cross_entropy() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, K, (8, 8))
    maps = [rng.normal(size=(K, side, side)) for side in (8, 4, 2)]
    scaled = [labels, labels[1::2, 1::2], labels[2::4, 2::4]]
    expected = sum(plain_cross_entropy(m, s) for m, s in zip(maps, scaled, strict=True)) / 3
    given = segmentation_loss(
        [torch.from_numpy(m)[None] for m in maps], torch.from_numpy(labels)[None], LossTerms()
    )
    assert float(given) == pytest.approx(expected, rel=1e-5)


def test_labels_are_scaled_to_the_class_at_each_pixels_centre() -> None:
    labels = torch.arange(16).view(1, 4, 4)
    assert labels_at(labels, torch.Size((2, 2))).flatten().tolist() == [5, 7, 13, 15]
    assert labels_at(labels, torch.Size((4, 4))) is labels


def test_level_weights_choose_the_levels_that_count() -> None:
    maps = [torch.randn(1, K, 4, 4), torch.randn(1, K, 2, 2)]
    labels = torch.randint(0, K, (1, 4, 4))
    only_first = segmentation_loss(maps, labels, LossTerms(level_weights=(1.0, 0.0)))
    assert torch.isclose(only_first, segmentation_loss(maps[:1], labels, LossTerms()))
    with pytest.raises(ValueError, match="one a level"):
        segmentation_loss(maps, labels, LossTerms(level_weights=(1.0,)))


def test_a_perfect_answer_has_no_dice_loss() -> None:
    labels = torch.randint(0, K, (2, 6, 6))
    logits = 100.0 * torch.nn.functional.one_hot(labels, K).movedim(-1, 1).float()
    assert float(soft_dice_loss(logits, labels)) == pytest.approx(0, abs=1e-6)
    masks = torch.randint(0, 2, (2, 2, 6, 6))
    assert float(mask_loss(200.0 * masks - 100.0, masks, LossTerms(dice=1))) == pytest.approx(0, abs=1e-6)


def test_scores_of_a_hand_computed_case() -> None:
    truth = np.array([[0, 0, 1, 1], [0, 2, 1, 1]])
    answer = np.array([[0, 1, 1, 1], [0, 0, 1, 2]])
    counts = confusion(truth, answer, 4)
    assert counts.tolist() == [[2, 1, 0, 0], [0, 3, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    scores = class_scores(counts)
    np.testing.assert_allclose(scores.jaccard, [2 / 4, 3 / 5, 0, np.nan])
    np.testing.assert_allclose(scores.dice, [4 / 6, 6 / 8, 0, np.nan])
    np.testing.assert_allclose(scores.precision, [2 / 3, 3 / 4, 0, np.nan])
    np.testing.assert_allclose(scores.recall, [2 / 3, 3 / 4, 0, np.nan])
    assert scores.accuracy == pytest.approx(5 / 8)


def test_scores_agree_with_scikit_learn_on_random_maps() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(4)
    truth, answer = rng.integers(0, K, (2, 40, 30))
    scores = class_scores(confusion(truth, answer, K))
    for name, function in (
        ("jaccard", metrics.jaccard_score),
        ("dice", metrics.f1_score),
        ("precision", metrics.precision_score),
        ("recall", metrics.recall_score),
    ):
        expected = function(truth.ravel(), answer.ravel(), average=None)
        np.testing.assert_allclose(getattr(scores, name), expected, rtol=1e-12)
    assert scores.accuracy == pytest.approx(metrics.accuracy_score(truth.ravel(), answer.ravel()))


def test_both_ways_of_averaging_differ_and_absent_classes_are_left_out() -> None:
    large = confusion(np.zeros((10, 10), int), np.zeros((10, 10), int), K)
    small = confusion(np.array([[0, 1]]), np.array([[1, 1]]), K)
    summary = summarise([large, small])
    assert summary.images == 2
    assert summary.pooled.jaccard[0] == pytest.approx(100 / 101)
    assert summary.mean_of_images.jaccard[0] == pytest.approx((1 + 0) / 2)
    assert summary.mean_of_images.jaccard[1] == pytest.approx(1 / 2)
    assert np.isnan(summary.mean_of_images.jaccard[2])
    with pytest.raises(ValueError, match="no images"):
        summarise([])
