"""The run command as its user meets it: a subprocess on real files."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import openpyxl
import pandas as pd
import pytest
import tifffile
from PIL import Image

from blastoseg import RESEARCH_USE_ONLY, columns
from blastoseg.files import safe_name
from blastoseg.simulate import View, draw_frame

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[2]
REAL = REPOSITORY.parent / "shared" / "real"
WEIGHTS = REPOSITORY / "weights" / "starter"


def blastoseg(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    if arguments[0] == "run":
        # what a test has just written would be left for the next night
        arguments = (*arguments, "--settle", "0")
    environment = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "200", "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-m", "blastoseg", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment,
        timeout=300,
        check=False,
    )


def write_frame(path: Path, seed: int = 1, kind: str = "expanded", bit_depth: int = 8) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn = draw_frame(
        np.random.default_rng(seed),
        View(260, 260, fill=(0.6, 0.7), kind=kind, scene="crop", bit_depth=bit_depth),
    )
    if path.suffix.lower() in {".tif", ".tiff"}:
        tifffile.imwrite(path, drawn.image)
    else:
        cv2.imwrite(str(path), drawn.image)


@pytest.fixture(scope="module")
def bad_night(tmp_path_factory):
    """A folder with all that goes wrong in a night beside frames that are fine, and the run over it."""
    folder = tmp_path_factory.mktemp("night") / "day5"
    for index in range(1, 4):
        write_frame(folder / "WELL1" / f"D5_WELL1_RUN{index}.jpg", seed=index)
    write_frame(folder / "WELL2" / "sixteen.tif", seed=4, bit_depth=16)
    whole = (folder / "WELL1" / "D5_WELL1_RUN1.jpg").read_bytes()
    (folder / "WELL1" / "D5_WELL1_RUN4.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "WELL1" / "text.png").write_text("not a picture\n")
    (folder / "WELL1" / "empty.png").write_bytes(b"")
    cv2.imwrite(str(folder / "WELL1" / "one.png"), np.zeros((1, 1), np.uint8))
    (folder / "broken.pdb").write_text("this is no slide file\n" * 100)
    (folder / "WELL1" / "notes.txt").write_text("not looked at\n")
    write_frame(folder / "=HYPERLINK(1)" / "@cmd.png", seed=5)
    (folder / "WELL1" / "locked.png").write_bytes(whole)
    (folder / "WELL1" / "locked.png").chmod(0)
    out = folder.parent / "out"
    return folder, out, blastoseg("run", folder, "--out", out, "--um-per-px", "0.6", "--batch-size", "4")


def frames_of(out: Path) -> pd.DataFrame:
    return pd.read_csv(out / "frames.csv")


def test_no_frame_vanishes_and_each_failure_names_its_reason(bad_night):
    _, out, done = bad_night
    frames = frames_of(out)
    failed = frames[frames["status"] == "failed"].set_index("source")["reason"]
    for name in ("D5_WELL1_RUN4.jpg", "text.png", "empty.png", "one.png", "broken.pdb"):
        [source] = [source for source in failed.index if source.endswith(name)]
        assert name in failed[source]
    names = {source.rsplit("/", 1)[-1] for source in frames["source"]}
    assert {f"D5_WELL1_RUN{index}.jpg" for index in range(1, 5)} | {"sixteen.tif", "locked.png"} <= names
    assert "notes.txt" not in names
    assert done.returncode == 3, done.stderr


def test_good_frames_beside_bad_ones_are_measured(bad_night):
    _, out, _ = bad_night
    frames = frames_of(out).set_index("source")
    good = frames[frames["status"].isin(["ok", "review"])]
    assert {"WELL1/D5_WELL1_RUN1.jpg", "WELL2/sixteen.tif"} <= {
        source.split("day5/")[-1] for source in good.index
    }
    assert (good["blastocyst_diameter_um"] / good["blastocyst_diameter_px"]).round(3).eq(0.6).all()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read every file")
def test_an_unreadable_file_is_failed(bad_night):
    frames = frames_of(bad_night[1]).set_index("source")
    [row] = [frames.loc[source] for source in frames.index if source.endswith("locked.png")]
    assert row["status"] == "failed"


def test_every_output_is_there_and_says_research_use_only(bad_night):
    _, out, done = bad_night
    manifest = json.loads((out / "run.json").read_text())
    assert RESEARCH_USE_ONLY in json.dumps(manifest)
    for name in ("frames.csv", "embryos.csv", "events.csv"):
        assert RESEARCH_USE_ONLY in (out / name).read_text()
    workbook = openpyxl.load_workbook(out / "report.xlsx")
    assert workbook.sheetnames == [
        *("Summary", "Embryos", "Frames", "Timeline", "Events", "Quality", "Run", "Columns", "Charts")
    ]
    for sheet in workbook:
        top = " ".join(str(cell.value) for row in sheet.iter_rows(max_row=4) for cell in row)
        assert RESEARCH_USE_ONLY in top, sheet.title
    assert RESEARCH_USE_ONLY in done.stdout
    assert (out / "run.log").stat().st_size > 0


def test_masks_have_the_frames_geometry_and_the_tissues_values(bad_night):
    _, out, _ = bad_night
    masks = sorted((out / "masks").rglob("*.png"))
    assert masks
    for path in masks:
        mask = np.array(Image.open(path))
        assert mask.shape == (260, 260)
        assert mask.dtype == np.uint8
        assert set(np.unique(mask)) <= {0, 1, 2, 3, 4}
    assert len(list((out / "overlays").rglob("*.jpg"))) >= len(masks)


def test_no_name_becomes_a_formula(bad_night):
    _, out, _ = bad_night
    for sheet in openpyxl.load_workbook(out / "report.xlsx"):
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f", f"{sheet.title}!{cell.coordinate}: {cell.value}"
    for line in (out / "frames.csv").read_text().splitlines():
        assert not line.startswith(("=", "@", "+", "-"))


def test_the_tables_hold_exactly_the_declared_columns(bad_night):
    _, out, _ = bad_night
    declared = [column.name for column in columns.REPORTED_FRAME_COLUMNS]
    assert list(frames_of(out).columns) == [*declared, "notice"]
    declared = [column.name for column in columns.EMBRYO_COLUMNS]
    assert list(pd.read_csv(out / "embryos.csv").columns) == [*declared, "notice"]
    declared = [column.name for column in columns.EVENT_COLUMNS]
    assert list(pd.read_csv(out / "events.csv").columns) == [*declared, "notice"]


def test_nothing_is_written_beside_the_input_or_outside_out(bad_night):
    folder, _, _ = bad_night
    assert {path.name for path in folder.parent.iterdir()} == {"day5", "out"}


def test_measuring_the_masks_of_a_run_again_gives_its_numbers_flags_and_reasons(bad_night, tmp_path):
    _, out, _ = bad_night
    done = blastoseg("measure", out / "masks", "--out", tmp_path / "again", "--um-per-px", "0.6")
    assert done.returncode == 0, done.stderr
    again = pd.read_csv(tmp_path / "again" / "frames.csv", keep_default_na=False).set_index("source")
    again.index = [Path(source).stem for source in again.index]
    scored = pd.read_csv(out / "frames.csv", keep_default_na=False)
    scored.index = [
        f"{row.frame_index:05d}-{safe_name(Path(row.source).stem)}" for row in scored.itertuples()
    ]
    of_pixels = {"out_of_focus", "low_contrast", "low_confidence", "several_embryos", ""}
    assert len(again) >= 4
    for mask, after in again.iterrows():
        before = scored.loc[mask]
        flags = before["flags"].split(";")
        assert set(after["flags"].split(";")) - {""} == set(flags) - of_pixels
        if not set(flags) & (of_pixels - {""}):
            assert (after["status"], after["reason"]) == (before["status"], before["reason"])
        for column in ("blastocyst_area_px2", "te_thickness_mean_um", "zp_integrity_frac"):
            numbers = [float(row[column] if row[column] != "" else "nan") for row in (after, before)]
            assert numbers[0] == pytest.approx(numbers[1], nan_ok=True)


def test_a_second_run_scores_nothing_again_and_writes_the_same_tables(bad_night):
    folder, out, _ = bad_night
    before = (out / "frames.csv").read_bytes(), (out / "embryos.csv").read_bytes()
    done = blastoseg("run", folder, "--out", out, "--um-per-px", "0.6", "--batch-size", "3")
    assert "already scored" in done.stderr
    assert before == ((out / "frames.csv").read_bytes(), (out / "embryos.csv").read_bytes())


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["{tmp}/nowhere"], 4, "nowhere"),
        (["{tmp}/empty"], 4, "empty"),
        (["{tmp}/no_images"], 4, "no_images"),
        (["{tmp}/good", "--weights", "stater"], 6, "starter"),
        (["{tmp}/good", "--weights", "{tmp}/damaged"], 6, "weights.safetensors"),
        (["{tmp}/good", "--device", "cuda"], 7, "cuda"),
        (["{tmp}/good", "--device", "tpu"], 7, "cuda"),
        (["{tmp}/good", "--settings", "{tmp}/wrong.toml"], 5, "wrong.toml"),
        (["{tmp}/good", "--out", "{tmp}/file/out"], 8, "file"),
        (["{tmp}/good", "--um-per-px", "-1"], 2, "um-per-px"),
    ],
)
def test_a_mistake_ends_with_its_exit_code_and_a_message_that_names_it(tmp_path, arguments, code, words):
    if "cuda" in arguments and _has_cuda():
        pytest.skip("this machine has a GPU")
    (tmp_path / "empty").mkdir()
    (tmp_path / "no_images").mkdir()
    (tmp_path / "no_images" / "notes.txt").write_text("none")
    write_frame(tmp_path / "good" / "frame.png")
    (tmp_path / "file").write_text("a file, no folder")
    (tmp_path / "wrong.toml").write_text("colour = 'blue'\n")
    shutil.copytree(WEIGHTS, tmp_path / "damaged")
    damaged = tmp_path / "damaged" / "weights.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-1000])
    done = blastoseg("run", *(str(part).format(tmp=tmp_path) for part in arguments), cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert words in done.stderr.lower()
    assert "Traceback" not in done.stderr


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


@pytest.mark.skipif(not REAL.is_dir(), reason="the real cases are not beside this checkout")
def test_the_real_cases_are_scored_none_missing(tmp_path):
    done = blastoseg(
        "run",
        REAL / "videos" / "embryoscope_well6.avi",
        REAL / "frames",
        REAL / "pcrm" / "BlastsOnline" / "Images" / "Blast_PCRM_1201754 D5.BMP",
        "--out",
        tmp_path / "out",
        "--no-overlays",
    )
    assert done.returncode == 0, done.stderr
    frames = frames_of(tmp_path / "out")
    video = frames[frames["source"].str.endswith(".avi")]
    assert len(video) == 121
    assert len(frames) == 124
    assert video["time_h"].min() == 19.5
    assert video["time_h"].max() == 59.5
    assert video["embryo_id"].str.contains("6").all()
    [cleavage] = frames[frames["source"].str.contains("cleavage")].to_dict("records")
    assert cleavage["status"] == "excluded"
    [labelled] = frames[frames["source"].str.contains("PCRM_1201754")].to_dict("records")
    assert labelled["status"] in {"ok", "review"}
