"""What sends a frame to review, and what excludes it."""

import dataclasses

import cv2
import numpy as np
import pytest

from blastoseg.quality import (
    FrameFindings,
    ImageQuality,
    LabelFindings,
    assess_frame,
    assess_labels,
    border_contact,
    judge_image,
    judge_size,
    tissue_confidence,
    tissue_sharpness,
)
from blastoseg.records import Box, Flag, Location, Status
from blastoseg.settings import Quality
from blastoseg.tissues import FOREGROUND, ICM, TE

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
}
SURE = {f"confidence_{key}_frac": 0.95 for key in ("icm", "blastocoel", "te", "zp")}
NAN = float("nan")


def of_labels(measures=None, border=()):
    return LabelFindings(GOOD | (measures or {}), set(border))


def of_frame(location=None, image=None, confidence=None):
    return FrameFindings(
        location or Location(Box(10, 10, 200), 1, 0.9),
        image or ImageQuality(sharpness=1.0, contrast=0.2),
        SURE | (confidence or {}),
    )


def test_a_frame_whose_file_looks_damaged_is_for_review_and_says_why():
    damaged = dataclasses.replace(of_frame(), damage="bytes are left over")
    verdict = assess_frame(of_labels(), damaged, THRESHOLDS)
    assert verdict.status is Status.REVIEW
    assert verdict.flags == (Flag.DAMAGED_FILE,)
    assert verdict.reason == "the file looks damaged: bytes are left over"


def test_nothing_found_in_a_damaged_file_says_that_it_is_damaged():
    damaged = FrameFindings(Location(None), ImageQuality(NAN, NAN), {}, "bytes are left over")
    verdict = assess_frame(of_labels(), damaged, THRESHOLDS)
    assert verdict.status is Status.EXCLUDED
    assert verdict.flags == (Flag.NO_EMBRYO, Flag.DAMAGED_FILE)
    assert verdict.reason.endswith("bytes are left over")


def test_a_good_frame_is_ok_without_flags():
    verdict = assess_frame(of_labels(), of_frame(), THRESHOLDS)
    assert verdict.status is Status.OK
    assert verdict.flags == ()
    assert verdict.reason == ""


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"measures": {"icm_area_frac": NAN}}, Flag.ICM_NOT_VISIBLE),
        ({"measures": {"te_coverage_frac": 0.5}}, Flag.TE_INCOMPLETE),
        ({"measures": {"zp_integrity_frac": NAN}}, Flag.ZP_NOT_VISIBLE),
        ({"border": {4}}, Flag.TOUCHES_BORDER),
    ],
)
def test_a_doubt_about_labels_sends_them_to_review_whatever_made_them(change, flag):
    verdict = assess_labels(of_labels(**change), THRESHOLDS)
    assert verdict.status is Status.REVIEW
    assert verdict.flags == (flag,)
    assert verdict.reason
    assert verdict == assess_frame(of_labels(**change), of_frame(), THRESHOLDS)


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"confidence": {"confidence_icm_frac": 0.2}}, Flag.LOW_CONFIDENCE),
        ({"location": Location(Box(0, 0, 99), 3, 0.9)}, Flag.SEVERAL_EMBRYOS),
        ({"image": ImageQuality(0.0, 0.2)}, Flag.OUT_OF_FOCUS),
        ({"image": ImageQuality(1.0, 0.0)}, Flag.LOW_CONTRAST),
    ],
)
def test_a_doubt_about_the_image_sends_a_frame_to_review_and_says_so(change, flag):
    verdict = assess_frame(of_labels(), of_frame(**change), THRESHOLDS)
    assert verdict.status is Status.REVIEW
    assert verdict.flags == (flag,)
    assert verdict.reason


def test_the_reason_names_the_tissues_of_which_the_network_is_unsure():
    unsure = of_frame(confidence={"confidence_te_frac": 0.2, "confidence_zp_frac": 0.5})
    reason = assess_frame(of_labels(), unsure, THRESHOLDS).reason
    assert reason == "the network is unsure of trophectoderm, zona pellucida"


def test_each_tissue_has_a_confidence_of_its_own_to_reach_and_one_number_is_for_all():
    alike = of_frame(confidence={f"confidence_{tissue.key}_frac": 0.75 for tissue in FOREGROUND})
    assert assess_frame(of_labels(), alike, THRESHOLDS).reason == (
        "the network is unsure of inner cell mass, blastocoel"
    )
    assert assess_frame(of_labels(), alike, Quality(low_confidence=0.75)).status is Status.OK
    strict = Quality(low_confidence={"te": 0.8})
    assert "trophectoderm" in assess_frame(of_labels(), alike, strict).reason


def test_a_tissue_is_sharpest_where_it_is_in_focus_whatever_the_contrast():
    rng = np.random.default_rng(0)
    labels = np.zeros((64, 64), np.uint8)
    labels[8:56, 8:32], labels[8:56, 32:56] = ICM.label, TE.label
    crop = rng.normal(120, 20, (64, 64))
    crop[:, 32:] = cv2.GaussianBlur(crop, (0, 0), 2.0)[:, 32:]
    found = tissue_sharpness(np.clip(crop, 0, 255).astype(np.uint8), labels)
    assert found["sharpness_icm"] > 3 * found["sharpness_te"]
    assert found["sharpness_te"] < found["sharpness_blastocyst"] < found["sharpness_icm"]
    assert np.isnan(found["sharpness_zp"])
    darker = tissue_sharpness(np.clip(crop, 0, 255).astype(np.uint8) // 2, labels)
    assert darker["sharpness_icm"] == pytest.approx(found["sharpness_icm"], rel=0.02)
    assert all(
        np.isnan(value) for value in tissue_sharpness(np.full((9, 9), 7, np.uint8), labels[:9, :9]).values()
    )


def test_flags_and_reasons_of_labels_and_image_stand_in_one_order():
    blurred = of_frame(image=ImageQuality(0.0, 0.2), confidence={"confidence_icm_frac": 0.1})
    verdict = assess_frame(of_labels({"te_coverage_frac": 0.5}, border={4}), blurred, THRESHOLDS)
    assert verdict.flags == tuple(flag for flag in Flag if flag in verdict.flags)
    assert [words.split()[0] for words in verdict.reason.split("; ")] == ["the", "out", "the", "the"]


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"measures": {"embryo_area_px2": NAN}}, Flag.NO_EMBRYO),
        ({"measures": {"blastocyst_area_px2": NAN}}, Flag.NOT_BLASTOCYST),
        ({"measures": {"blastocoel_area_frac": 0.0}}, Flag.NOT_BLASTOCYST),
        ({"measures": {"blastocyst_area_px2": 4000.0}}, Flag.NOT_BLASTOCYST),
        ({"border": {3}}, Flag.TOUCHES_BORDER),
    ],
)
def test_labels_that_show_nothing_to_measure_are_excluded_whatever_made_them(change, flag):
    verdict = assess_labels(of_labels(**change), THRESHOLDS)
    assert verdict.status is Status.EXCLUDED
    assert verdict.flags == (flag,)
    assert verdict == assess_frame(of_labels(**change), of_frame(), THRESHOLDS)


def test_a_frame_in_which_no_embryo_was_located_is_excluded():
    verdict = assess_frame(of_labels(), of_frame(location=Location(None)), THRESHOLDS)
    assert (verdict.status, verdict.flags) == (Status.EXCLUDED, (Flag.NO_EMBRYO,))


def test_an_opened_zona_without_tissue_outside_is_not_hatching():
    assert assess_labels(of_labels({"zp_is_breached": True}), THRESHOLDS).flags == ()


def test_hatching_and_a_missing_pixel_size_are_told_but_are_no_doubt():
    hatching = assess_labels(of_labels({"extruded_area_frac": 0.2}), THRESHOLDS)
    verdict = judge_size(hatching, GOOD | {"blastocyst_area_um2": NAN}, THRESHOLDS, NAN)
    assert verdict.status is Status.OK
    assert verdict.flags == (Flag.HATCHING, Flag.UNCALIBRATED)


def test_an_implausible_size_is_one_more_doubt_after_all_others():
    doubtful = assess_labels(of_labels({"te_coverage_frac": 0.5}), THRESHOLDS)
    large = GOOD | {"blastocyst_area_um2": 90_000.0}
    verdict = judge_size(doubtful, large, THRESHOLDS, 0.5)
    assert verdict.status is Status.REVIEW
    assert verdict.flags == (Flag.TE_INCOMPLETE, Flag.IMPLAUSIBLE_SIZE)
    assert verdict.reason.startswith(f"{doubtful.reason}; the blastocyst's area")
    assert judge_size(doubtful, GOOD, THRESHOLDS, 0.5) == doubtful
    assert list(Flag)[-2:] == [Flag.IMPLAUSIBLE_SIZE, Flag.UNCALIBRATED], "the order that this keeps"


def test_the_size_of_what_is_excluded_is_not_judged():
    excluded = assess_labels(of_labels(border={3}), THRESHOLDS)
    assert judge_size(excluded, {}, THRESHOLDS, NAN) == excluded
    assert judge_size(excluded, {}, THRESHOLDS, 0.5) == excluded


def test_size_is_not_judged_where_the_pixel_size_is_unknown():
    verdict = judge_size(assess_labels(of_labels(), THRESHOLDS), {}, THRESHOLDS, NAN)
    assert verdict.flags == (Flag.UNCALIBRATED,)


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
