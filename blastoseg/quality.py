"""Stage 6: decide what a person must look at before believing a frame's numbers.

Every rule is one line of ``assess_frame``; every threshold is a lab setting (``settings.Quality``).
"""

from dataclasses import dataclass

import cv2
import numpy as np

from blastoseg.columns import Measures
from blastoseg.records import Flag, Image, Labels, Location, Mask, Probabilities, Status
from blastoseg.settings import Quality
from blastoseg.tissues import BLASTOCOEL, CHANNEL_OF_LABEL, FOREGROUND, ICM, TE, ZP

EXCLUDING = {
    Flag.NO_EMBRYO: "no embryo was found",
    Flag.NOT_BLASTOCYST: "not a blastocyst (yet): no cavity lined by trophectoderm was found",
}
HATCHING_MIN_SHARE = 0.01
"""Share of the blastocyst outside its zona from which it is called hatching: less is the outline's noise."""

CUT_OFF = "the blastocyst is cut off by the frame's border"
FOR_REVIEW = {
    Flag.SEVERAL_EMBRYOS: "several embryos in view: the central, largest was measured",
    Flag.TOUCHES_BORDER: "the zona reaches the frame's border",
    Flag.OUT_OF_FOCUS: "out of focus",
    Flag.LOW_CONTRAST: "low contrast",
    Flag.LOW_CONFIDENCE: "the network is unsure of a tissue",
    Flag.ICM_NOT_VISIBLE: "no inner cell mass was found",
    Flag.TE_INCOMPLETE: "the trophectoderm has stretches where none was found",
    Flag.ZP_NOT_VISIBLE: "no zona, or only a small part of it, was found",
    Flag.IMPLAUSIBLE_SIZE: "the blastocyst's area is outside the published range: check the pixel size",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A frame's status, its flags in the order of ``Flag``, and the status in words."""

    status: Status
    flags: tuple[Flag, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class ImageQuality:
    """How sharp and how rich in contrast the embryo's crop is; NaN where there is nothing to judge.

    ``sharpness``: variance of the Laplacian over the variance of the gray values, both over the embryo,
    at the network's input size, so that cameras of any resolution compare. ``contrast``: standard
    deviation over mean of the gray values.
    """

    sharpness: float
    contrast: float


def judge_image(crop: Image, embryo: Mask) -> ImageQuality:
    """Sharpness and contrast of a crop ``(y, x)`` over the embryo's mask of the same shape."""
    values = crop[embryo].astype(np.float32)
    if values.size < 64:
        return ImageQuality(np.nan, np.nan)
    variance, mean = float(values.var()), float(values.mean())
    laplacian = cv2.Laplacian(crop.astype(np.float32), cv2.CV_32F)[embryo]
    return ImageQuality(
        sharpness=float(laplacian.var() / variance) if variance > 0 else 0.0,
        contrast=float(np.sqrt(variance) / mean) if mean > 0 else 0.0,
    )


def tissue_confidence(probabilities: Probabilities, labels: Labels) -> dict[str, float]:
    """Mean probability of each tissue over the pixels it was given: the ``confidence_`` columns.

    ``probabilities`` is ``(channel, y, x)``, ``labels`` ``(y, x)`` of the same size. NaN for a tissue
    that was not found. Where the anatomy overruled the network, its doubt counts.
    """
    confidence = {}
    for tissue in FOREGROUND:
        own = probabilities[CHANNEL_OF_LABEL[tissue.label]][labels == tissue.label]
        confidence[f"confidence_{tissue.key}_frac"] = float(own.mean()) if own.size else np.nan
    return confidence


def border_contact(labels: Labels) -> set[int]:
    """Values of the tissues that lie on the frame's border; ``labels`` in the frame's own geometry."""
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    return {int(value) for value in np.unique(edge) if value}


@dataclass(frozen=True, slots=True)
class Findings:
    """What is known of a frame when it is judged. ``measures`` are calibrated and include confidences."""

    location: Location
    image: ImageQuality
    border: set[int]
    measures: Measures
    um_per_px: float


def is_blastocyst(measures: Measures, thresholds: Quality) -> bool:
    """Whether there is a cavity, and enough of the embryo is blastocyst and not zona around loose cells."""
    area, embryo = _number(measures, "blastocyst_area_px2"), _number(measures, "embryo_area_px2")
    cavity = _number(measures, "blastocoel_area_frac")
    return bool(
        area / embryo >= thresholds.blastocyst_min_share_of_embryo
        and cavity >= thresholds.blastocoel_min_area_frac
    )


def assess_frame(findings: Findings, thresholds: Quality) -> Verdict:
    """Status, flags and reason of one frame that could be read."""
    if findings.location.box is None:
        return _excluded(Flag.NO_EMBRYO, EXCLUDING[Flag.NO_EMBRYO])
    if not is_blastocyst(findings.measures, thresholds):
        return _excluded(Flag.NOT_BLASTOCYST, EXCLUDING[Flag.NOT_BLASTOCYST])
    if findings.border & {ICM.label, BLASTOCOEL.label, TE.label}:
        return _excluded(Flag.TOUCHES_BORDER, CUT_OFF)
    raised = _doubts(findings, thresholds)
    # A gap alone may be an opened zona, or one too thin to be seen: hatching is tissue outside.
    if _number(findings.measures, "extruded_area_frac") >= HATCHING_MIN_SHARE:
        raised.add(Flag.HATCHING)
    if np.isnan(findings.um_per_px):
        raised.add(Flag.UNCALIBRATED)
    flags = tuple(flag for flag in Flag if flag in raised)
    reasons = [FOR_REVIEW[flag] for flag in flags if flag in FOR_REVIEW]
    return Verdict(Status.REVIEW if reasons else Status.OK, flags, "; ".join(reasons))


def _doubts(findings: Findings, thresholds: Quality) -> set[Flag]:
    measures, image = findings.measures, findings.image
    confidences = [_number(measures, f"confidence_{tissue.key}_frac") for tissue in FOREGROUND]
    # A comparison with NaN is False: an undefined measure raises its flag through `not ... >=`.
    rules = {
        Flag.SEVERAL_EMBRYOS: findings.location.embryo_count > 1,
        Flag.TOUCHES_BORDER: ZP.label in findings.border,
        Flag.OUT_OF_FOCUS: image.sharpness < thresholds.out_of_focus,
        Flag.LOW_CONTRAST: image.contrast < thresholds.low_contrast,
        Flag.LOW_CONFIDENCE: any(value < thresholds.low_confidence for value in confidences),
        Flag.ICM_NOT_VISIBLE: not _number(measures, "icm_area_frac") >= thresholds.icm_min_area_frac,
        Flag.TE_INCOMPLETE: not _number(measures, "te_coverage_frac") >= thresholds.te_min_coverage,
        Flag.ZP_NOT_VISIBLE: not _number(measures, "zp_integrity_frac") >= thresholds.zp_min_integrity,
        Flag.IMPLAUSIBLE_SIZE: not np.isnan(findings.um_per_px)
        and not thresholds.blastocyst_area_min_um2
        <= _number(measures, "blastocyst_area_um2")
        <= thresholds.blastocyst_area_max_um2,
    }
    return {flag for flag, is_raised in rules.items() if is_raised}


def _excluded(flag: Flag, reason: str) -> Verdict:
    return Verdict(Status.EXCLUDED, (flag,), reason)


def _number(measures: Measures, name: str) -> float:
    value = measures.get(name)
    return float("nan") if value is None else float(value)
