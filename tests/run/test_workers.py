"""Frames that are measured and drawn in processes of their own."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from blastoseg.records import Frame, FrameRef, Status
from blastoseg.report.pictures import Pictures, PictureStyle, caption
from blastoseg.run.surroundings import Surroundings, placed
from blastoseg.run.workers import FrameWork, Workers
from blastoseg.settings import Naming, Settings
from blastoseg.sources import SourceOptions
from blastoseg.sources.addresses import WholeImage
from blastoseg.stages import measure_in_pixels, segment_frames
from tests.gray_values import GRAY_OF_LABEL, GrayValueNetworks, drawn_labels

pytestmark = pytest.mark.slow

QUALITY = Settings().quality
REF = FrameRef("e1", "e1/1.png", Path("1.png"), 1, WholeImage())
AROUND = Surroundings.of(replace(REF, time_h=110.5), 0.5, "option")
WORK = FrameWork(SourceOptions(Naming()), QUALITY, PictureStyle())


def test_a_frame_is_finished_there_as_here():
    frames = [Frame(REF, GRAY_OF_LABEL[drawn_labels()]), Frame(REF, np.zeros((300, 200), np.uint8))]
    with Workers(WORK, 1) as workers:
        for segmented in segment_frames(frames, GrayValueNetworks()):
            labels, result = measure_in_pixels(segmented, QUALITY)
            finished = workers.finish(segmented, AROUND)
            assert repr(finished.result) == repr(result)
            words = caption(placed(result, AROUND, QUALITY))
            assert "110.5 h" in words
            assert finished.pictures == WORK.style.draw(segmented.frame.image, labels, words)


def test_a_defect_while_measuring_is_a_failed_frame_that_says_so():
    [segmented] = segment_frames([Frame(REF, GRAY_OF_LABEL[drawn_labels()])], GrayValueNetworks())
    with Workers(replace(WORK, thresholds=None), 1) as workers:
        result, pictures = workers.finish(segmented, AROUND)
    assert result.status is Status.FAILED
    assert "unexpected error while measuring: AttributeError" in result.reason
    assert pictures == Pictures()
