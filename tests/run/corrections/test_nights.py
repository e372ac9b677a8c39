"""Corrections stand over every later night, and one whose frame changed or that is withdrawn is told of."""

import json
import os

import cv2
import numpy as np
import pandas as pd
import pytest

from blastoseg.errors import UsageError
from blastoseg.run.corrections.folder import read_corrections, withdraw_correction
from blastoseg.run.measured import measure_label_images
from blastoseg.run.reviewing.saving import Reviewer
from blastoseg.settings import Settings
from blastoseg.sources.label_images import read_label_image
from blastoseg.stages import measure_label_image
from tests.reviewed_night import (
    E1,
    SIDE,
    correct,
    make_reviewed_nights_cheap,
    night,
    picture,
    same,
    tables,
    with_larger_icm,
    write_frames,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def _cheap():
    with pytest.MonkeyPatch.context() as patch:
        make_reviewed_nights_cheap(patch)
        yield


@pytest.fixture
def frames(tmp_path):
    return write_frames(tmp_path / "frames")


def rows(out):
    return pd.read_csv(out / "frames.csv", keep_default_na=False).set_index(["embryo_id", "frame_index"])


def test_a_correction_is_in_the_next_report_and_the_nights_after_it_give_equal_bytes(frames, tmp_path):
    out = tmp_path / "out"
    night(frames, out)
    before, embryos = rows(out), pd.read_csv(out / "embryos.csv")
    mask = (out / before.loc[("E1", 4), "mask"]).read_bytes()
    told = correct(out, place=4)
    assert tables(out)["frames.csv"] and rows(out).loc[("E1", 4), "corrected"] == ""
    night(frames, out)
    row, network = rows(out).loc[("E1", 4)], before.loc[("E1", 4)]
    assert (row["corrected"], row["corrected_tissues"]) == ("drawn", "icm;blastocoel")
    assert (row["corrected_by"], row["corrected_at"][-1]) == ("A. B.", "Z")
    assert row["icm_area_um2"] > network["icm_area_um2"]
    assert told["measures"]["icm_area_um2"] == row["icm_area_um2"]
    # Hours, pixel size and place stand; what only a network can say is empty.
    assert all(row[name] == network[name] for name in ("time_h", "um_per_px", "source", "focal_plane"))
    assert row["confidence_icm_frac"] == ""
    labels = read_label_image(out / row["mask"], "mask")
    assert same(labels, with_larger_icm(read_label_image(out / network["mask"], "mask")))
    assert row["overlay"].startswith("corrections/")
    assert (out / row["overlay"]).is_file()
    # The network's stays beside it, and the embryo's row is that of the corrected frame.
    assert (out / network["mask"]).read_bytes() == mask
    embryo = pd.read_csv(out / "embryos.csv").iloc[0]
    assert embryo["frame_index"] == embryos.iloc[0]["frame_index"] == 4
    assert (embryo["corrected"], embryo["icm_area_um2"]) == ("drawn", row["icm_area_um2"])
    after = tables(out)
    kept = {path: path.read_bytes() for path in (out / "corrections").rglob("*") if path.is_file()}
    ended = night(frames, out, fresh=True)
    assert tables(out) == after
    assert {path: path.read_bytes() for path in (out / "corrections").rglob("*") if path.is_file()} == kept
    assert ended.notes == ()


def test_a_corrected_row_is_what_the_labels_alone_give(frames, tmp_path):
    out = tmp_path / "out"
    night(frames, out)
    correct(out)
    night(frames, out)
    row = rows(out).loc[("E1", 1)]
    reviewer = Reviewer(out)
    now, _ = reviewer._placed(reviewer.report.frame(E1, 1))
    labels = read_label_image(out / row["mask"], "mask")
    alone = measure_label_image(now.ref, labels, reviewer.report.thresholds, 3.0, um_per_px_source="option")
    assert (row["status"], row["flags"], row["reason"]) == (alone.status, ";".join(alone.flags), alone.reason)
    assert row["blastocyst_area_um2"] == pytest.approx(alone.measures["blastocyst_area_um2"], abs=0.06)


def test_other_weights_and_a_new_pixel_size_leave_a_correction_standing(frames, tmp_path):
    out = tmp_path / "out"
    night(frames, out)
    correct(out)
    night(frames, out)
    labels = rows(out).loc[("E1", 1), "mask"]
    assert night(frames, out, weights="b", um_per_px=2.0).notes == ()
    row = rows(out).loc[("E1", 1)]
    assert (row["mask"], row["corrected"], row["um_per_px"]) == (labels, "drawn", 2.0)
    [kept] = read_corrections(out).kept.values()
    assert (kept.record.weights, kept.record.by) == ("a", "A. B.")


def test_a_frame_that_changed_is_told_of_and_a_touched_one_is_the_same(frames, tmp_path):
    out = tmp_path / "out"
    night(frames, out)
    correct(out)
    os.utime(frames / "E1" / "1.png", (1, 1))
    assert night(frames, out).notes == ()
    assert rows(out).loc[("E1", 1), "corrected"] == "drawn"
    (frames / "E1" / "1.png").write_bytes(picture(70))
    for _ in range(2):
        [note] = night(frames, out).notes
        assert note.startswith("1 correction of frames whose files changed since, not used: E1, frame 1")
        assert rows(out).loc[("E1", 1), "corrected"] == ""
    assert "changed since" in Reviewer(out).state(E1)["frames"]["1"]["problem"]


def test_a_withdrawn_correction_is_told_of_once_and_the_network_counts_again(frames, tmp_path):
    out = tmp_path / "out"
    night(frames, out)
    before = tables(out)
    correct(out)
    night(frames, out)
    [kept] = read_corrections(out).kept.values()
    withdraw_correction(out, kept)
    [note] = night(frames, out).notes
    assert note.startswith("1 frame of the report before no longer corrected")
    assert "E1, frame 1" in note
    assert tables(out) == before
    assert night(frames, out).notes == ()
    assert not list((out / "corrections").rglob("*.png"))


def test_files_that_are_damaged_or_lead_elsewhere_are_told_of_and_end_no_night(frames, tmp_path):
    out = tmp_path / "out"
    night(frames, out)
    for place in range(3):
        correct(out, place=place)
    first, second, third = read_corrections(out).kept.values()
    (out / first.mask_file).write_bytes(b"no image")
    (out / second.place).write_text("{")
    record = json.loads((out / third.place).read_text())
    (out / third.place).write_text(json.dumps(record | {"labels": "../../../secret.png"}))
    notes = night(frames, out).notes
    assert len(notes) == 3
    assert any("is not as it was saved" in note for note in notes)
    assert sum("is no correction" in note for note in notes) == 2
    assert set(rows(out)["corrected"]) == {""}
    assert (out / second.place).read_text() == "{"


def test_under_pseudonyms_the_tables_name_nobody(frames, tmp_path):
    out = tmp_path / "out"
    night(frames, out, keyfile=tmp_path / "key")
    from blastoseg.report.review.written import read_list

    key = next(iter(read_list(out / "review")))
    correct(out, key=key)
    night(frames, out, keyfile=tmp_path / "key")
    assert list(rows(out)["corrected"]).count("drawn") == 1
    assert set(rows(out)["corrected_by"]) == {""}
    names = [str(path.relative_to(out)) for path in out.rglob("*")]
    assert not [name for name in names if "E1" in name]


def test_measure_gives_a_corrected_mask_the_row_that_the_run_gives(frames, tmp_path):
    out, again = tmp_path / "out", tmp_path / "again"
    night(frames, out)
    correct(out)
    for place in ("masks", "corrections"):
        # Before a run has taken the correction in its embryo, hours and pixel size are known all the same.
        measured = measure_label_images([out / place], again / place, Settings(), None)
        assert set(measured["time_reference"]) == set(rows(out)["time_reference"])
    assert list(measured["corrected"]) == ["drawn"]
    night(frames, out)
    measure_label_images([out / "corrections"], again / "corrections", Settings(), None)
    [(frame, measured)] = rows(again / "corrections").iterrows()
    assert frame == ("E1", 1)
    differ = {name for name in measured.index if measured[name] != rows(out).loc[frame, name]}
    assert {name for name in differ if not name.startswith("steady_")} == {"source", "mask", "overlay"}
    assert {path.name for path in (again / "corrections").iterdir()} >= {"report.xlsx", "embryos.csv"}
    with pytest.raises(UsageError, match="output folder of runs"):
        measure_label_images([out / "corrections"], out, Settings(), None)


def test_a_video_that_grew_keeps_the_corrections_of_its_frames(tmp_path):
    out, frames = tmp_path / "out", tmp_path / "frames"

    def write_video(count: int) -> None:
        frames.mkdir(exist_ok=True)
        kind = cv2.VideoWriter_fourcc(*"MJPG")
        film = cv2.VideoWriter(str(frames / "E1.avi"), kind, 5, (SIDE, SIDE))
        for number in range(count):
            film.write(cv2.imdecode(np.frombuffer(picture(84 - number), np.uint8), cv2.IMREAD_COLOR))
        film.release()

    write_video(3)
    night(frames, out)
    correct(out)
    night(frames, out)
    labels = rows(out).loc[("E1", 1), "mask"]
    write_video(5)
    ended = night(frames, out)
    assert (ended.counts["failed"], ended.notes) == (0, ())
    assert len(rows(out)) == 5
    assert (rows(out).loc[("E1", 1), "mask"], rows(out).loc[("E1", 1), "corrected"]) == (labels, "drawn")
