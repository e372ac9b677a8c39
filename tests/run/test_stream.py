"""Frames streamed through the stages: order, failures, bounds."""

import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from blastoseg.errors import OutputError, UnreadableFrameError
from blastoseg.records import Frame, FrameRef, Status
from blastoseg.run.stream import ScoringPlan, score_frames
from blastoseg.settings import Settings
from blastoseg.sources.addresses import WholeImage
from blastoseg.stages import measure_in_pixels
from tests.gray_values import GRAY_OF_LABEL, GrayValueNetworks, drawn_labels


class FourAtATime(GrayValueNetworks):
    batch_size = 4


def refs(count: int) -> list[FrameRef]:
    return [
        FrameRef("e1", f"e1/{index}.png", Path(f"{index}.png"), index, WholeImage()) for index in range(count)
    ]


def plan(read, save=lambda frame: ""):
    def finish(segmented):
        _, result = measure_in_pixels(segmented, Settings().quality)
        result.mask_file = save(segmented.frame)
        return result

    return ScoringPlan(FourAtATime(), read, finish, workers=2)


def read_blastocyst(ref: FrameRef) -> Frame:
    return Frame(ref, GRAY_OF_LABEL[drawn_labels()])


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


def test_a_defect_while_measuring_costs_one_frame_only():
    def save(frame):
        if frame.ref.frame_index == 2:
            raise ValueError("a defect")
        return "m.png"

    results = list(score_frames(refs(6), plan(read_blastocyst, save)))
    assert [result.status is Status.FAILED for result in results] == [False, False, True, False, False, False]
    assert results[3].mask_file == "m.png"


def test_a_full_disk_ends_the_run():
    def save(frame):
        raise OutputError("out/masks: cannot be written (No space left on device)")

    with pytest.raises(OutputError, match="No space left"):
        list(score_frames(refs(6), plan(read_blastocyst, save)))


@pytest.mark.slow
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
    assert most <= 9 * FourAtATime.batch_size + 2


@pytest.mark.parametrize("first_large", [0, 30])
def test_decoded_frames_are_bounded_by_their_bytes_too(first_large):
    large = read_blastocyst(refs(1)[0]).image
    lock, held, most = threading.Lock(), 0, 0

    def read(ref):
        nonlocal held, most
        image = large if ref.frame_index >= first_large else np.zeros((32, 32), np.uint8)
        with lock:
            held += image.nbytes
            most = max(most, held)
        return Frame(ref, image)

    def save(frame):
        nonlocal held
        with lock:
            held -= frame.image.nbytes
        return ""

    limit = 3 * large.nbytes
    scored = list(score_frames(refs(60), replace(plan(read, save), most_bytes=limit)))
    assert len(scored) == 60
    # Two workers may begin a frame each while there is still room, and one frame may be needed at once.
    assert most <= limit + 3 * large.nbytes


def test_a_frame_larger_than_all_the_room_is_scored_alone():
    results = list(score_frames(refs(12), replace(plan(read_blastocyst), most_bytes=1)))
    assert [result.ref.frame_index for result in results] == list(range(12))


def test_an_error_that_ends_the_run_frees_those_who_wait_for_room():
    def save(frame):
        raise OutputError("out/masks: cannot be written (No space left on device)")

    with pytest.raises(OutputError, match="No space left"):
        list(score_frames(refs(40), replace(plan(read_blastocyst, save), most_bytes=1)))


def test_large_frames_are_measured_one_after_the_other():
    lock, alive, most = threading.Lock(), 0, 0

    def save(frame):
        nonlocal alive, most
        with lock:
            alive += 1
            most = max(most, alive)
        time.sleep(0.01)
        with lock:
            alive -= 1
        return ""

    large = read_blastocyst(refs(1)[0]).image.nbytes
    list(score_frames(refs(12), replace(plan(read_blastocyst, save), most_bytes=4 * large)))
    assert most == 1
