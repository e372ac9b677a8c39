"""Stage 6: decide what a person must look at before believing a frame's numbers.

``assess_labels`` holds the rules that need a label map and its measures only, whatever made it;
``assess_frame`` adds those that need an image or probabilities, ``judge_size`` those that need a pixel size.
Each rule stands here once; the thresholds are a lab's settings (``settings.Quality``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np

from blastoseg.columns import Measures
from blastoseg.records import Flag, Image, Labels, Location, Mask, Probabilities, Status
from blastoseg.settings import Quality
from blastoseg.tissues import BLASTOCYST_LABELS, CHANNEL_OF_LABEL, FOREGROUND, ICM, TE, ZP

REVISION = 2
"""To be raised by whoever changes a status, a flag, a reason or a confidence."""
HATCHING_MIN_SHARE = 0.01
"""Share of the blastocyst outside its zona from which it is called hatching: less is the outline's noise."""

NO_EMBRYO = "no embryo was found"
NO_TISSUE = "no embryo was found: all is background"
NOT_BLASTOCYST = "not a blastocyst (yet): no cavity lined by trophectoderm was found"
CUT_OFF = "the blastocyst is cut off by the frame's border"
DOUBTS = {
    Flag.SEVERAL_EMBRYOS: "several embryos in view: the central, largest was measured",
    Flag.TOUCHES_BORDER: "the zona reaches the frame's border",
    Flag.DAMAGED_FILE: "the file looks damaged: ",
    Flag.OUT_OF_FOCUS: "out of focus",
    Flag.LOW_CONTRAST: "low contrast",
    Flag.LOW_CONFIDENCE: "the network is unsure of ",
    Flag.ICM_NOT_VISIBLE: "no inner cell mass was found",
    Flag.TE_INCOMPLETE: "the trophectoderm has stretches where none was found",
    Flag.ZP_NOT_VISIBLE: "no zona, or only a small part of it, was found",
    Flag.IMPLAUSIBLE_SIZE: "the blastocyst's area is outside the published range: check the pixel size",
}
"""The flags that send a frame to review, and why.

After LOW_CONFIDENCE's reason come the tissues, after DAMAGED_FILE's what tells of the damage."""
MEANING_OF_FLAG = {
    Flag.NO_EMBRYO: NO_EMBRYO,
    Flag.NOT_BLASTOCYST: NOT_BLASTOCYST,
    **DOUBTS,
    Flag.TOUCHES_BORDER: f"{DOUBTS[Flag.TOUCHES_BORDER]}; excluded: {CUT_OFF}",
    Flag.LOW_CONFIDENCE: f"{DOUBTS[Flag.LOW_CONFIDENCE]}a tissue",
    Flag.DAMAGED_FILE: "all pixels could be read, but the file looks damaged: export it again",
    Flag.HATCHING: f"at least {HATCHING_MIN_SHARE:.0%} of the blastocyst lies outside its zona",
    Flag.UNCALIBRATED: "no pixel size is known: there are no measures in micrometres",
}
MEANING_OF_STATUS = {
    Status.OK: "measured, with nothing that a person must look at",
    Status.REVIEW: "measured, with a flag that a person must look at before believing the numbers",
    Status.EXCLUDED: "read, but there is no blastocyst to measure",
    Status.FAILED: "could not be read or processed; the reason says why",
}


_WHOLE_FRAME = (
    Flag.SEVERAL_EMBRYOS,
    Flag.DAMAGED_FILE,
    Flag.OUT_OF_FOCUS,
    Flag.LOW_CONTRAST,
    Flag.IMPLAUSIBLE_SIZE,
)
_TISSUE_OF_FLAG = {
    Flag.TOUCHES_BORDER: ZP,
    Flag.ICM_NOT_VISIBLE: ICM,
    Flag.TE_INCOMPLETE: TE,
    Flag.ZP_NOT_VISIBLE: ZP,
}


def doubtful_tissues(flags: str, reason: str) -> set[str]:
    """Keys of the tissues that a frame's row throws doubt on, by its ``flags`` and ``reason`` cells."""
    raised = {flag for flag in Flag if flag in flags.split(";")}
    if raised.intersection(_WHOLE_FRAME):
        return {tissue.key for tissue in FOREGROUND}
    doubtful = {tissue.key for flag, tissue in _TISSUE_OF_FLAG.items() if flag in raised}
    for part in reason.split("; "):
        # Which tissues LOW_CONFIDENCE means stands in the reason alone: ``_flags_of_image`` writes it.
        if part.startswith(DOUBTS[Flag.LOW_CONFIDENCE]):
            named = part.removeprefix(DOUBTS[Flag.LOW_CONFIDENCE]).split(", ")
            doubtful |= {tissue.key for tissue in FOREGROUND if tissue.name.lower() in named}
    return doubtful


def statuses_after(flag: Flag) -> tuple[Status, ...]:
    """The statuses of frames that bear a flag, when it alone decides."""
    excluding = (Flag.NO_EMBRYO, Flag.NOT_BLASTOCYST, Flag.TOUCHES_BORDER, Flag.DAMAGED_FILE)
    found = [Status.EXCLUDED] if flag in excluding else []
    return (*([Status.REVIEW] if flag in DOUBTS else []), *found) or (Status.OK,)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A status, its flags in the order of ``Flag``, and the status in words."""

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


def tissue_sharpness(crop: Image, labels: Labels) -> dict[str, float]:
    """How sharp each tissue is, and the blastocyst: the ``sharpness_`` columns, NaN for what isn't there.

    Mean squared Sobel gradient of the slightly smoothed gray values over the tissue, divided by their
    variance over the whole embryo; ``crop`` and ``labels`` are ``(y, x)``, at the network's input size, so
    that planes and cameras compare. Source: Tenenbaum 1970, made free of contrast.
    """
    smooth = cv2.GaussianBlur(crop.astype(np.float32), (0, 0), 1.0)
    dx, dy = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    gradient = dx * dx + dy * dy
    embryo = smooth[labels > 0]
    variance = float(embryo.var()) if embryo.size else 0.0
    masks = {"blastocyst": (labels > 0) & (labels != ZP.label)}
    masks |= {tissue.key: labels == tissue.label for tissue in FOREGROUND}
    return {
        f"sharpness_{key}": float(gradient[mask].mean()) / variance if variance > 0 and mask.any() else np.nan
        for key, mask in masks.items()
    }


def border_contact(labels: Labels) -> set[int]:
    """Values of the tissues that lie on the frame's border; ``labels`` in the frame's own geometry."""
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    return {int(value) for value in np.unique(edge) if value}


@dataclass(frozen=True, slots=True)
class LabelFindings:
    """A label map's ``measures`` in pixels, and the tissues on its border."""

    measures: Measures
    border: set[int]


@dataclass(frozen=True, slots=True)
class FrameFindings:
    """What is known of a frame beside its labels; ``confidence`` holds the ``confidence_`` columns.

    ``damage`` says what makes one doubt that the frame's file is whole.
    """

    location: Location
    image: ImageQuality
    confidence: Mapping[str, float]
    damage: str = ""


def is_blastocyst(measures: Measures, thresholds: Quality) -> bool:
    """Whether there is a cavity, and enough of the embryo is blastocyst and not zona around loose cells."""
    area, embryo = _number(measures, "blastocyst_area_px2"), _number(measures, "embryo_area_px2")
    cavity = _number(measures, "blastocoel_area_frac")
    return bool(
        area / embryo >= thresholds.blastocyst_min_share_of_embryo
        and cavity >= thresholds.blastocoel_min_area_frac
    )


def is_cut_off(border: set[int]) -> bool:
    """Whether the blastocyst itself, and not its zona alone, reaches the frame's border."""
    return bool(border & set(BLASTOCYST_LABELS))


def assess_labels(found: LabelFindings, thresholds: Quality) -> Verdict:
    """Status, flags and reason of a label map: a network's, a person's, or a corrected one."""
    return _excluded(found, thresholds) or _verdict(_flags_of_labels(found, thresholds))


def assess_frame(found: LabelFindings, frame: FrameFindings, thresholds: Quality) -> Verdict:
    """Status, flags and reason of one frame that could be read."""
    if frame.location.box is None:
        excluded: Verdict | None = Verdict(Status.EXCLUDED, (Flag.NO_EMBRYO,), NO_EMBRYO)
    else:
        excluded = _excluded(found, thresholds)
    if excluded and frame.damage:
        # Perhaps there is an embryo in the undamaged picture.
        reason = f"{excluded.reason}; {DOUBTS[Flag.DAMAGED_FILE]}{frame.damage}"
        return Verdict(excluded.status, (*excluded.flags, Flag.DAMAGED_FILE), reason)
    return excluded or _verdict(_flags_of_labels(found, thresholds) | _flags_of_image(frame, thresholds))


def judge_size(verdict: Verdict, measures: Measures, thresholds: Quality, um_per_px: float) -> Verdict:
    """The verdict with what the pixel size adds to it; ``measures`` hold the micrometres, if any.

    Only a frame that was measured has a size to judge. The flags of size are the last ones of ``Flag``.
    """
    if verdict.status not in (Status.OK, Status.REVIEW):
        return verdict
    if np.isnan(um_per_px):
        return replace(verdict, flags=(*verdict.flags, Flag.UNCALIBRATED))
    area = _number(measures, "blastocyst_area_um2")
    if thresholds.blastocyst_area_min_um2 <= area <= thresholds.blastocyst_area_max_um2:
        return verdict
    reasons = [one for one in (verdict.reason, DOUBTS[Flag.IMPLAUSIBLE_SIZE]) if one]
    return Verdict(Status.REVIEW, (*verdict.flags, Flag.IMPLAUSIBLE_SIZE), "; ".join(reasons))


def _excluded(found: LabelFindings, thresholds: Quality) -> Verdict | None:
    """The verdict where there is no blastocyst to measure, None where there is one."""
    measures = found.measures
    if not _number(measures, "embryo_area_px2") > 0:
        return Verdict(Status.EXCLUDED, (Flag.NO_EMBRYO,), NO_TISSUE)
    if not is_blastocyst(measures, thresholds):
        return Verdict(Status.EXCLUDED, (Flag.NOT_BLASTOCYST,), NOT_BLASTOCYST)
    if is_cut_off(found.border):
        return Verdict(Status.EXCLUDED, (Flag.TOUCHES_BORDER,), CUT_OFF)
    return None


def _flags_of_labels(found: LabelFindings, thresholds: Quality) -> dict[Flag, str]:
    measures = found.measures
    # A comparison with NaN is False: an undefined measure raises its flag through `not ... >=`.
    rules = {
        Flag.TOUCHES_BORDER: ZP.label in found.border,
        Flag.ICM_NOT_VISIBLE: not _number(measures, "icm_area_frac") >= thresholds.icm_min_area_frac,
        Flag.TE_INCOMPLETE: not _number(measures, "te_coverage_frac") >= thresholds.te_min_coverage,
        Flag.ZP_NOT_VISIBLE: not _number(measures, "zp_integrity_frac") >= thresholds.zp_min_integrity,
        # A gap alone may be an opened zona, or one too thin to be seen: hatching is tissue outside.
        Flag.HATCHING: _number(measures, "extruded_area_frac") >= HATCHING_MIN_SHARE,
    }
    return {flag: DOUBTS.get(flag, "") for flag, is_raised in rules.items() if is_raised}


def _flags_of_image(frame: FrameFindings, thresholds: Quality) -> dict[Flag, str]:
    unsure = [
        tissue.name.lower()
        for tissue in FOREGROUND
        if frame.confidence[f"confidence_{tissue.key}_frac"] < getattr(thresholds.low_confidence, tissue.key)
    ]
    rules = {
        Flag.SEVERAL_EMBRYOS: frame.location.embryo_count > 1,
        Flag.OUT_OF_FOCUS: frame.image.sharpness < thresholds.out_of_focus,
        Flag.LOW_CONTRAST: frame.image.contrast < thresholds.low_contrast,
    }
    flags = {flag: DOUBTS[flag] for flag, is_raised in rules.items() if is_raised}
    if frame.damage:
        flags[Flag.DAMAGED_FILE] = DOUBTS[Flag.DAMAGED_FILE] + frame.damage
    if unsure:
        flags[Flag.LOW_CONFIDENCE] = DOUBTS[Flag.LOW_CONFIDENCE] + ", ".join(unsure)
    return flags


def _verdict(raised: Mapping[Flag, str]) -> Verdict:
    """Ok or review: a flag without a reason is told and is no doubt."""
    flags = tuple(flag for flag in Flag if flag in raised)
    reasons = [raised[flag] for flag in flags if raised[flag]]
    return Verdict(Status.REVIEW if reasons else Status.OK, flags, "; ".join(reasons))


def _number(measures: Measures, name: str) -> float:
    value = measures.get(name)
    return float("nan") if value is None else float(value)
