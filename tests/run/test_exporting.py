"""A report taken further: which frames, from where, into which folder, what is said of those that fail."""

import errno
import json
import os
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from blastoseg.cli import app
from blastoseg.datasets import ProblemKind, check_dataset, open_dataset
from blastoseg.errors import InputNotFoundError, LockedError, OutputError, UsageError
from blastoseg.records import Status
from blastoseg.report.export.coco import Coco
from blastoseg.report.export.formats import FORMATS
from blastoseg.report.finished import Run
from blastoseg.run import exporting
from blastoseg.run.exporting import ExportRequest, chosen_rows, export_report
from blastoseg.run.journal import OutputLock
from tests.cheap_nights import make_nights_cheap, picture
from tests.reviewed_night import correct, make_reviewed_nights_cheap, night, with_larger_icm, write_frames

PIXELS = [name for name, known in FORMATS.items() if known.has_pixels]


def gray(number: int) -> np.ndarray:
    """One of three pictures of a whole embryo."""
    image = cv2.imdecode(np.frombuffer(picture(number % 2), np.uint8), cv2.IMREAD_GRAYSCALE)
    return np.roll(image, 1, axis=1) if number == 2 else image


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with ``day5``: an embryo whose name a spreadsheet would run, and one on a video."""
    make_nights_cheap(monkeypatch)
    monkeypatch.chdir(tmp_path)
    pictures = tmp_path / "day5" / "=E1"
    pictures.mkdir(parents=True)
    for number in (0, 1, 2):
        cv2.imwrite(str(pictures / f"Kovac_RUN{number}_F0.png"), gray(number))
    codec, size = cv2.VideoWriter_fourcc(*"MJPG"), gray(0).shape[::-1]
    film = cv2.VideoWriter(str(tmp_path / "day5" / "Kovac.avi"), codec, 5, size)
    for number in (0, 1, 1):
        film.write(cv2.cvtColor(gray(number), cv2.COLOR_GRAY2BGR))
    film.release()
    return tmp_path


def score(*options: str) -> Path:
    given = ["run", "day5", "--out", "out", "--weights", "a", "--settle", "0", "--no-overlays", *options]
    done = CliRunner().invoke(app, given)
    assert done.exit_code == 0, done.output
    return Path("out")


def export(name: str, **given) -> exporting.Exported:
    usual = {"out": Path("out"), "format": name, "to": Path("to")}
    return export_report(ExportRequest(**(usual | {"paths": (Path("day5"),)} | given)))


@pytest.mark.parametrize("name", FORMATS)
def test_frames_of_folders_and_videos_are_exported_under_the_names_of_their_masks(lab, name):
    score("--um-per-px", "0.5")
    exported = export(name)
    assert not exported.failed
    if name == "parquet":
        assert {path.name for path in Path("to").iterdir()} == {
            *("frames.parquet", "embryos.parquet", "events.parquet")
        }
        assert len(pd.read_parquet("to/frames.parquet")) == exported.frames == 6
        return
    account = json.loads(Path("to/export.json").read_text("utf-8"))
    masks = {path.relative_to("out/masks").with_suffix("").as_posix() for path in Path("out").rglob("*.png")}
    names = {frame["name"] for frame in account["frames"]}
    # The video's last picture is its second once more, which a training set takes once.
    assert (names == masks) is (name != "training")
    assert len(names) == exported.frames == 6 - len(exported.left_out)
    assert {frame["um_per_px"] for frame in account["frames"]} == {0.5}
    files = [path for path in Path("to").rglob("*") if path.is_file()]
    stems = {path.relative_to("to").as_posix().partition(".")[0] for path in files}
    assert all(any(stem.endswith(one) for stem in stems) for one in names)


def test_a_training_set_has_the_pixels_of_the_sources_and_is_read_without_a_problem(lab):
    score()
    exported = export("training")
    assert len(exported.left_out) == 1
    assert "Kovac.avi: shows the same picture as" in exported.left_out[0]
    dataset = open_dataset(Path("to"))
    # What it labels as ICM is the cheap network's affair.
    assert {problem.kind for problem in check_dataset(dataset)} <= {ProblemKind.ICM_OUTSIDE}
    assert {case.group for case in dataset.cases} == {"'=E1", "Kovac"}
    report = Run.open("out")
    for number, case in enumerate(dataset.cases[:3]):
        read = case.read()
        np.testing.assert_array_equal(read.image, gray(number))
        np.testing.assert_array_equal(read.labels, report.mask({"mask": f"masks/{case.name}.png"}))


def test_a_frame_that_cannot_be_exported_is_named_and_the_others_are(lab):
    score()
    first, second, third = sorted(Path("day5/=E1").iterdir())
    first.write_bytes(picture(3))
    second.unlink()
    next(Path("out/masks").rglob("*-Kovac_RUN2*")).unlink()
    done = CliRunner().invoke(app, ["export", "out", "--as", "coco", "--from", "day5", "--to", "to"])
    assert done.exit_code == 3, done.output
    said = " ".join(done.output.split())
    assert f"{first.name}: has changed since it was scored" in said
    assert f"{second.name}: is not below --from" in said
    assert f"{third.stem}.png: is gone" in said
    assert "to: 3 frames as coco; 3 frames not exported" in said
    account = Path("to/export.json").read_text("utf-8")
    assert len(json.loads(account)["not_exported"]) == 3
    assert str(lab) not in account


@pytest.mark.parametrize("name", FORMATS)
def test_pseudonyms_hold_in_every_export(lab, name):
    keyfile = Path("lab.key")
    score("--pseudonymise", "lab.key")
    key = {"keyfile": keyfile} if name in PIXELS else {}
    if key:
        with pytest.raises(
            UsageError, match=r"^out: was made under pseudonyms, .*give --pseudonymise KEYFILE"
        ):
            export(name)
    exported = export(name, **key)
    assert not exported.failed
    for path in Path("to").rglob("*"):
        assert b"kovac" not in os.fsencode(path).lower()
        assert not path.is_file() or b"kovac" not in path.read_bytes().lower(), path
    if name == "training":
        # Where viewers burn in their labels.
        image = cv2.imread(str(next(Path("to/images").rglob("*.png"))), cv2.IMREAD_UNCHANGED)
        assert not image[-30:].any()
        assert image.any()


def test_status_and_every_choose_frames_in_each_embryo(tmp_path):
    frames = pd.DataFrame(
        {
            "embryo_id": ["A"] * 6 + ["B"] * 2,
            "frame_index": [0, 1, 1, 2, 3, 4, 7, 8],
            "status": ["ok", "ok", "ok", "failed", "review", "ok", "review", "ok"],
        }
    )

    def chosen(name: str = "geojson", **given) -> list[int]:
        return list(chosen_rows(frames, ExportRequest(tmp_path, name, **given)).index)

    assert chosen() == [0, 1, 2, 4, 5, 6, 7]
    assert chosen("parquet") == list(range(8))
    assert chosen(statuses=(Status.REVIEW,)) == [4, 6]
    assert chosen(every=2) == [0, 4, 6], "the planes of a moment count as one"


def test_a_folder_with_other_files_is_refused_and_so_is_one_that_a_run_would_look_into(lab):
    score()
    for target, said in (
        ("day5", "lies among the frames"),
        ("out/export", "lies in the report's own folder"),
        (".", "holds files already"),
    ):
        with pytest.raises(UsageError, match=f"^--to {target}: {said}"):
            export("training", to=Path(target))
    with pytest.raises(UsageError, match="give --from PATH"):
        export("training", paths=())
    with pytest.raises(UsageError, match="choose one of training, geojson"):
        export("yolo")
    done = CliRunner().invoke(app, ["export", "out", "--as", "geojson", "--status", "fine"])
    assert (done.exit_code, "choose from ok, review, excluded, failed" in done.output) == (2, True)
    assert not Path("to").exists()


def test_corrected_frames_alone_are_exported_as_they_were_corrected(tmp_path, monkeypatch):
    make_reviewed_nights_cheap(monkeypatch)
    frames, out = write_frames(tmp_path / "frames", ["E1"], frames=2), tmp_path / "out"
    night(frames, out)
    with pytest.raises(InputNotFoundError, match="no frame is as was asked for"):
        export("training", out=out, to=tmp_path / "to", paths=(frames,), corrected=True)
    before = Run.open(out).mask(Run.open(out).frames.iloc[1])
    correct(out, place=1)
    night(frames, out)
    exported = export("training", out=out, to=tmp_path / "to", paths=(frames,), corrected=True)
    assert (exported.frames, exported.failed) == (1, [])
    [case] = open_dataset(tmp_path / "to").cases
    assert case.name == "E1/00001-1"
    np.testing.assert_array_equal(case.read().labels, with_larger_icm(before))
    [told] = json.loads((tmp_path / "to" / "export.json").read_text("utf-8"))["frames"]
    assert told["corrected"] == "drawn"


def test_an_export_is_written_whole_or_not_at_all(lab, monkeypatch):
    score()
    before = sorted(lab.iterdir())

    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Coco, "finish", refuse)
    with pytest.raises(OutputError, match=r"to: cannot be written \(No space left"):
        export("coco")
    with OutputLock(Path("out")), pytest.raises(LockedError):
        export("geojson")
    for mask in Path("out/masks").rglob("*.png"):
        mask.write_bytes(b"no mask")
    with pytest.raises(InputNotFoundError, match=r"no frame could be exported: .*is not an image"):
        export("geojson")
    assert sorted(lab.iterdir()) == before


def test_a_table_that_was_changed_leads_nowhere_else(lab):
    out = score()
    given = pd.read_csv(out / "frames.csv", dtype=str, keep_default_na=False)
    given["mask"] = "masks/../../day5/Kovac_RUN0_F0.png"
    given.to_csv(out / "frames.csv", index=False)
    with pytest.raises(InputNotFoundError, match=r"no frame could be exported: OUT/masks/.*lies outside OUT"):
        export("geojson")
    (out / "run.json").write_text("[]")
    for name in FORMATS:
        with pytest.raises(OutputError, match=r"run\.json: is missing or damaged"):
            export(name)
