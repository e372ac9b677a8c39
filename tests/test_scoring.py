"""Stages 1 to 6 over a stream, with networks that read the tissue from the gray value."""

import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from blastoseg.errors import OutputError, UnreadableFrameError
from blastoseg.records import Flag, Frame, FrameRef, Status
from blastoseg.scoring import ScoringPlan, score_frames
from blastoseg.settings import Settings
from blastoseg.tissues import LABEL_OF_CHANNEL

GRAY_OF_LABEL = np.array([0, 60, 120, 180, 240], np.uint8)


def drawn_labels(side: int = 300) -> np.ndarray:
    """A blastocyst of concentric discs, with an inner cell mass at the wall."""
    y, x = np.mgrid[:side, :side] - side / 2 + 0.5
    radius = np.hypot(y, x)
    labels = np.zeros((side, side), np.uint8)
    labels[radius <= 110] = 4
    labels[radius <= 100] = 3
    labels[radius <= 88] = 2
    labels[(np.hypot(y + 60, x) <= 30) & (radius <= 88)] = 1
    return labels


class GrayValueNetworks:
    """Stands in for the segmenter: certain of everything, since gray values name the tissues."""

    locator_side = 128
    input_side = 192
    batch_size = 4

    @contextmanager
    def side_by_side(self):
        yield 2

    def locate_batch(self, squares):
        return (np.stack(squares) > 30).astype(np.float32)

    def segment_batch(self, crops):
        nearest = np.abs(np.stack(crops)[..., None].astype(int) - GRAY_OF_LABEL).argmin(-1)
        return np.stack([(nearest == label).astype(np.float32) for label in LABEL_OF_CHANNEL], axis=1)


def refs(count: int) -> list[FrameRef]:
    return [FrameRef("e1", f"e1/{index}.png", Path(f"{index}.png"), index, "image") for index in range(count)]


def plan(read, save=lambda frame, labels, result: ("", ""), um_per_px=0.5):
    return ScoringPlan(
        GrayValueNetworks(), Settings(), read, lambda ref: (um_per_px, "option"), save, workers=2
    )


def read_blastocyst(ref: FrameRef) -> Frame:
    return Frame(ref, GRAY_OF_LABEL[drawn_labels()])


def test_measures_come_out_in_micrometres_of_the_frame():
    [result] = score_frames(refs(1), plan(read_blastocyst))
    assert result.measures["blastocyst_diameter_px"] == pytest.approx(200, rel=0.01)
    assert result.measures["blastocyst_diameter_um"] == pytest.approx(100, rel=0.01)
    assert result.measures["zp_thickness_mean_px"] == pytest.approx(10, abs=0.6)
    assert result.measures["te_thickness_mean_px"] == pytest.approx(12, abs=0.8)
    assert result.measures["confidence_te_frac"] > 0.95


def test_results_come_in_order_and_every_frame_has_one_whatever_fails():
    def read(ref):
        if ref.frame_index % 5 == 1:
            raise UnreadableFrameError(f"{ref.source}: is cut short")
        if ref.frame_index % 5 == 3:
            raise ZeroDivisionError("a defect")
        return read_blastocyst(ref)

    results = list(score_frames(refs(23), plan(read)))
    assert [result.ref.frame_index for result in results] == list(range(23))
    for result in results:
        if result.ref.frame_index % 5 == 1:
            assert result.status is Status.FAILED
            assert "cut short" in result.reason
        elif result.ref.frame_index % 5 == 3:
            assert result.status is Status.FAILED
            assert "ZeroDivisionError" in result.reason
        else:
            assert result.status is not Status.FAILED


def test_an_empty_well_is_excluded_and_nothing_is_measured():
    [result] = score_frames(refs(1), plan(lambda ref: Frame(ref, np.zeros((200, 260), np.uint8))))
    assert result.status is Status.EXCLUDED
    assert result.flags == (Flag.NO_EMBRYO,)
    assert all(value is None or np.isnan(value) for value in result.measures.values())


def test_a_defect_while_measuring_costs_one_frame_only():
    def save(frame, labels, result):
        if frame.ref.frame_index == 2:
            raise ValueError("a defect")
        return "m.png", "o.jpg"

    results = list(score_frames(refs(6), plan(read_blastocyst, save)))
    assert [result.status is Status.FAILED for result in results] == [False, False, True, False, False, False]
    assert results[3].mask_file == "m.png"


def test_a_full_disk_ends_the_run():
    def save(frame, labels, result):
        raise OutputError("out/masks: cannot be written (No space left on device)")

    with pytest.raises(OutputError, match="No space left"):
        list(score_frames(refs(6), plan(read_blastocyst, save)))


def test_frames_in_flight_are_bounded():
    lock, alive, most = threading.Lock(), 0, 0

    def read(ref):
        nonlocal alive, most
        with lock:
            alive += 1
            most = max(most, alive)
        return read_blastocyst(ref)

    for _ in score_frames(refs(120), plan(read)):
        with lock:
            alive -= 1
    assert most <= 9 * GrayValueNetworks.batch_size + 2
