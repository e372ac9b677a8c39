"""What sends a frame to review, and what excludes it."""

import numpy as np
import pytest

from blastoseg.quality import (
    Findings,
    ImageQuality,
    assess_frame,
    border_contact,
    judge_image,
    tissue_confidence,
)
from blastoseg.records import Box, Flag, Location, Status
from blastoseg.settings import Quality

THRESHOLDS = Quality()
GOOD = {
    "blastocyst_area_px2": 40_000.0,
    "blastocyst_area_um2": 20_000.0,
    "embryo_area_px2": 52_000.0,
    "blastocoel_area_frac": 0.6,
    "icm_area_frac": 0.1,
    "te_coverage_frac": 0.99,
    "zp_integrity_frac": 1.0,
    "zp_is_breached": False,
    **{f"confidence_{key}_frac": 0.95 for key in ("icm", "blastocoel", "te", "zp")},
}


def findings(measures=None, location=None, image=None, border=(), um_per_px=0.5):
    return Findings(
        location or Location(Box(10, 10, 200), 1, 0.9),
        image or ImageQuality(sharpness=1.0, contrast=0.2),
        set(border),
        GOOD | (measures or {}),
        um_per_px,
    )


def test_a_good_frame_is_ok_without_flags():
    verdict = assess_frame(findings(), THRESHOLDS)
    assert verdict.status is Status.OK
    assert verdict.flags == ()
    assert verdict.reason == ""


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"measures": {"confidence_icm_frac": 0.2}}, Flag.LOW_CONFIDENCE),
        ({"measures": {"icm_area_frac": float("nan")}}, Flag.ICM_NOT_VISIBLE),
        ({"measures": {"te_coverage_frac": 0.5}}, Flag.TE_INCOMPLETE),
        ({"measures": {"zp_integrity_frac": float("nan")}}, Flag.ZP_NOT_VISIBLE),
        ({"measures": {"blastocyst_area_um2": 90_000.0}}, Flag.IMPLAUSIBLE_SIZE),
        ({"location": Location(Box(0, 0, 99), 3, 0.9)}, Flag.SEVERAL_EMBRYOS),
        ({"image": ImageQuality(0.0, 0.2)}, Flag.OUT_OF_FOCUS),
        ({"image": ImageQuality(1.0, 0.0)}, Flag.LOW_CONTRAST),
        ({"border": {4}}, Flag.TOUCHES_BORDER),
    ],
)
def test_each_doubt_sends_a_frame_to_review_and_says_so(change, flag):
    verdict = assess_frame(findings(**change), THRESHOLDS)
    assert verdict.status is Status.REVIEW
    assert verdict.flags == (flag,)
    assert verdict.reason


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"location": Location(None)}, Flag.NO_EMBRYO),
        ({"measures": {"blastocyst_area_px2": float("nan")}}, Flag.NOT_BLASTOCYST),
        ({"measures": {"blastocoel_area_frac": 0.0}}, Flag.NOT_BLASTOCYST),
        ({"measures": {"blastocyst_area_px2": 4000.0}}, Flag.NOT_BLASTOCYST),
        ({"border": {3}}, Flag.TOUCHES_BORDER),
    ],
)
def test_what_cannot_be_measured_is_excluded(change, flag):
    verdict = assess_frame(findings(**change), THRESHOLDS)
    assert verdict.status is Status.EXCLUDED
    assert verdict.flags == (flag,)


def test_an_opened_zona_without_tissue_outside_is_not_hatching():
    assert assess_frame(findings({"zp_is_breached": True}), THRESHOLDS).flags == ()


def test_hatching_and_a_missing_pixel_size_are_told_but_are_no_doubt():
    verdict = assess_frame(findings({"extruded_area_frac": 0.2}, um_per_px=float("nan")), THRESHOLDS)
    assert verdict.status is Status.OK
    assert verdict.flags == (Flag.HATCHING, Flag.UNCALIBRATED)


def test_size_is_not_judged_where_the_pixel_size_is_unknown():
    verdict = assess_frame(
        findings({"blastocyst_area_um2": float("nan")}, um_per_px=float("nan")), THRESHOLDS
    )
    assert Flag.IMPLAUSIBLE_SIZE not in verdict.flags


def test_confidence_is_the_mean_probability_and_nan_for_an_absent_tissue():
    labels = np.zeros((4, 4), np.uint8)
    labels[:2] = 3
    probabilities = np.full((5, 4, 4), 0.1, np.float32)
    probabilities[2, 0], probabilities[2, 1] = 0.9, 0.5
    confidence = tissue_confidence(probabilities, labels)
    assert confidence["confidence_te_frac"] == pytest.approx(0.7)
    assert np.isnan(confidence["confidence_icm_frac"])


def test_blur_lowers_sharpness_and_brightness_changes_neither():
    import cv2

    crop = np.random.default_rng(1).integers(60, 190, (96, 96)).astype(np.uint8)
    mask = np.ones(crop.shape, bool)
    sharp, blurred = judge_image(crop, mask), judge_image(cv2.GaussianBlur(crop, (0, 0), 2), mask)
    assert blurred.sharpness < 0.3 * sharp.sharpness
    scaled = judge_image(crop.astype(np.uint16) * 200, mask)
    assert scaled.sharpness == pytest.approx(sharp.sharpness, rel=0.01)
    assert scaled.contrast == pytest.approx(sharp.contrast, rel=0.01)


def test_a_constant_crop_has_no_sharpness_and_no_contrast():
    quality = judge_image(np.full((50, 50), 9, np.uint8), np.ones((50, 50), bool))
    assert quality == ImageQuality(0.0, 0.0)


def test_the_tissues_on_the_border_are_named():
    labels = np.zeros((5, 6), np.uint8)
    labels[0, 2], labels[3, 5], labels[2, 2] = 4, 3, 1
    assert border_contact(labels) == {3, 4}
