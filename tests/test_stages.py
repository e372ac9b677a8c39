"""Stages 1 to 6 for one frame, with networks that read the tissue from the gray value."""

from pathlib import Path

import numpy as np
import pytest

from blastoseg.errors import OutputError
from blastoseg.records import Flag, Frame, FrameRef, Status
from blastoseg.settings import Quality
from blastoseg.sources.addresses import WholeImage
from blastoseg.stages import measure_frame, measure_label_image, segment_frames, try_twice
from tests.gray_values import GRAY_OF_LABEL, GrayValueNetworks, drawn_labels

REF = FrameRef("e1", "e1/0.png", Path("0.png"), 0, WholeImage())


def measured(image):
    [segmented] = segment_frames([Frame(REF, image)], GrayValueNetworks())
    return measure_frame(segmented, Quality(), 0.5, "option")


def test_measures_come_out_in_micrometres_of_the_frame():
    labels, result = measured(GRAY_OF_LABEL[drawn_labels()])
    assert (labels == drawn_labels()).mean() > 0.98
    assert (result.um_per_px, result.um_per_px_source) == (0.5, "option")
    assert result.measures["blastocyst_diameter_px"] == pytest.approx(200, rel=0.01)
    assert result.measures["blastocyst_diameter_um"] == pytest.approx(100, rel=0.01)
    assert result.measures["zp_thickness_mean_px"] == pytest.approx(10, abs=0.6)
    assert result.measures["te_thickness_mean_px"] == pytest.approx(12, abs=0.8)
    assert result.measures["confidence_te_frac"] > 0.95


def test_an_empty_well_is_excluded_and_nothing_is_measured():
    labels, result = measured(np.zeros((200, 260), np.uint8))
    assert labels is None
    assert result.status is Status.EXCLUDED
    assert result.flags == (Flag.NO_EMBRYO,)
    assert all(value is None or np.isnan(value) for value in result.measures.values())


def with_gap(degrees):
    """Labels whose zona is open over so many degrees; nothing lies outside it."""
    labels = drawn_labels()
    y, x = np.mgrid[:300, :300] - 149.5
    labels[(labels == 4) & (np.abs(np.degrees(np.arctan2(y, x))) < degrees / 2)] = 0
    return labels


@pytest.mark.parametrize(
    ("labels", "flags"),
    [
        (drawn_labels(radius=140), ()),
        (with_gap(40), ()),
        (with_gap(330), (Flag.ZP_NOT_VISIBLE,)),
        (drawn_labels(radius=140, icm=0), (Flag.ICM_NOT_VISIBLE,)),
        (drawn_labels(radius=149)[:280], (Flag.TOUCHES_BORDER,)),
        (drawn_labels(cavity=False), (Flag.NOT_BLASTOCYST,)),
    ],
    ids=["whole", "gap", "hardly a zona", "no inner cell mass", "cut off", "no cavity"],
)
def test_a_label_image_has_the_row_that_its_frame_has(labels, flags):
    masks, result = measured(GRAY_OF_LABEL[labels])
    row = measure_label_image(REF, masks, Quality(), 0.5, "option")
    of_pixels = {Flag.OUT_OF_FOCUS, Flag.LOW_CONTRAST, Flag.LOW_CONFIDENCE, Flag.SEVERAL_EMBRYOS}
    assert row.flags == tuple(flag for flag in result.flags if flag not in of_pixels)
    assert {*row.flags} - {Flag.IMPLAUSIBLE_SIZE} == {*flags}
    for name, value in row.measures.items():
        is_of_pixels = name.startswith(("confidence", "sharpness"))
        expected = float("nan") if is_of_pixels else result.measures[name]
        assert value == pytest.approx(expected, nan_ok=True), name


def test_a_zona_with_a_gap_and_nothing_outside_is_breached_and_not_hatching():
    row = measure_label_image(REF, with_gap(40), Quality(), 1.0, "option")
    assert row.measures["zp_is_breached"] is True
    assert row.measures["zp_largest_gap_deg"] == pytest.approx(40, abs=2)
    assert (row.status, row.flags) == (Status.OK, ())


def test_a_label_image_of_background_alone_holds_no_embryo():
    row = measure_label_image(REF, np.zeros((50, 60), np.uint8), Quality(), 0.5, "option")
    assert (row.status, row.flags) == (Status.EXCLUDED, (Flag.NO_EMBRYO,))
    assert "background" in row.reason


def test_a_defect_is_tried_again_and_what_ends_a_run_is_not():
    calls = []

    def defect_once():
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError("a defect")
        return measured(GRAY_OF_LABEL[drawn_labels()])

    assert try_twice(REF, defect_once)[1].status is not Status.FAILED

    def defect():
        raise ZeroDivisionError("a defect")

    labels, result = try_twice(REF, defect)
    assert labels is None
    assert result.status is Status.FAILED
    assert "ZeroDivisionError" in result.reason

    def full_disk():
        calls.append(1)
        raise OutputError("no space")

    with pytest.raises(OutputError):
        try_twice(REF, full_disk)
    assert len(calls) == 3
