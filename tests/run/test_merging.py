"""Parts of a run: each embryo in one of them, and together what a run over everything writes."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

from blastoseg.errors import BlastosegError, InputNotFoundError, OutputError, UsageError
from blastoseg.run.events import RunEnded
from blastoseg.run.merging import MergeRequest, merge_parts
from blastoseg.run.part import PART_FILE, Part
from blastoseg.run.pipeline import score_folder
from blastoseg.run.request import RunRequest
from blastoseg.settings import Output, Settings
from blastoseg.simulate import View, draw_frame

PARTS = 3
TABLES = ("frames.csv", "embryos.csv", "events.csv")
LONG_AGO = 1_700_000_000
SETTINGS = Settings(flips=False, output=Output(review_page=False))


def test_every_embryo_is_in_exactly_one_part() -> None:
    parts = [Part.parse(f"{number}/8") for number in range(1, 9)]
    for embryo in (f"WELL{number}" for number in range(200)):
        assert sum(part.has(embryo) for part in parts) == 1
    assert all(any(part.has(f"WELL{number}") for number in range(200)) for part in parts)


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "1/0", "a/b", "1/4/2", "-1/4", "1/99999"])
def test_what_is_no_part_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="such as 3/8"):
        Part.parse(text)


def make_wells(folder: Path) -> Path:
    """Six wells of two frames each, and a file that cannot be read in two of them."""
    for number in range(6):
        well = folder / f"P{number % 2}_WELL{number}"
        well.mkdir(parents=True)
        view = View(160, 160, fill=(0.6, 0.8), kind="expanded")
        image = draw_frame(np.random.default_rng(number), view).image
        for run in (1, 2):
            cv2.imwrite(str(well / f"{well.name}_RUN{run}.jpg"), image[:, ::-1] if run == 2 else image)
    for well in ("P0_WELL2", "P1_WELL5"):
        (folder / well / f"{well}_RUN3.tif").write_bytes(b"no picture")
    for path in folder.rglob("*.*"):
        os.utime(path, (LONG_AGO, LONG_AGO))
    return folder


def score(request: RunRequest) -> RunEnded:
    [ended] = [event for event in score_folder(request) if isinstance(event, RunEnded)]
    return ended


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``wells``, the ``whole`` of them, and parts ``1`` to ``3``, under pseudonyms."""
    root = tmp_path_factory.mktemp("parts")
    wells = make_wells(root / "wells")
    request = RunRequest([wells], SETTINGS, keyfile=root / "key")
    score(replace(request, out=root / "whole"))
    for number in range(1, PARTS + 1):
        score(replace(request, out=root / str(number), part=Part(number, PARTS)))
    return root


def folders(scored: Path) -> list[Path]:
    return [scored / str(number) for number in range(PARTS, 0, -1)]


@pytest.mark.slow
def test_joined_parts_are_what_a_run_over_everything_writes_and_a_run_goes_on_from_there(
    scored: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ended = merge_parts(MergeRequest(out, folders(scored)))
    whole = scored / "whole"
    for table in TABLES:
        assert (out / table).read_bytes() == (whole / table).read_bytes()
    pictures = {
        path.relative_to(whole) for kind in ("masks", "overlays") for path in whole.glob(f"{kind}/*/*")
    }
    assert pictures
    for path in pictures:
        assert (out / path).read_bytes() == (whole / path).read_bytes()
    told = json.loads((out / "run.json").read_text("utf-8"))
    assert told["parts_joined"] == PARTS
    assert told["frames_new"] == sum(ended.counts.values()) == 14
    assert merge_parts(MergeRequest(out, folders(scored))).new == 0, "joined again"
    request = RunRequest([scored / "wells"], SETTINGS, out=out, keyfile=scored / "key")
    assert score(request).new == 0
    assert (out / "frames.csv").read_bytes() == (whole / "frames.csv").read_bytes()
    assert "P0" not in "".join(path.name for path in out.rglob("*"))


def without_one(given: list[Path]) -> None:
    given.pop()


def one_twice(given: list[Path]) -> None:
    given[0] = shutil.copytree(given[1], given[1].with_name("again"))


def changed(change: Callable[[Any], None]) -> Callable[[list[Path]], None]:
    def spoil(given: list[Path]) -> None:
        file = given[0] / PART_FILE
        record = json.loads(file.read_text("utf-8"))
        change(record)
        file.write_text(json.dumps(record), "utf-8")

    return spoil


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "error", "words"),
    [
        (without_one, UsageError, "these are missing: 1: give all"),
        (one_twice, UsageError, "are the same part, 2: give each once"),
        (changed(lambda record: record["scored_with"].__setitem__(0, "ff")), UsageError, "other weights"),
        (changed(lambda record: record.update(um_per_px=0.5)), UsageError, "another --um-per-px"),
        (
            changed(lambda record: record.update(embryos_sha256="ff")),
            UsageError,
            "other embryos in their input",
        ),
        (
            changed(lambda record: record["provenance"]["settings"].update(focal="15")),
            UsageError,
            "other settings",
        ),
        (
            changed(lambda record: record.update(frames=[[0, "a.jpg", "x"]])),
            OutputError,
            "lacks the row of a.jpg",
        ),
        (changed(lambda record: record.update(more=1)), OutputError, "is damaged, or of another version"),
        (lambda given: given.append(given[0].parent), InputNotFoundError, "part.json: is missing"),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(
    scored: Path,
    tmp_path: Path,
    spoil: Callable[[list[Path]], None],
    error: type[BlastosegError],
    words: str,
) -> None:
    given = [shutil.copytree(folder, tmp_path / folder.name) for folder in folders(scored)]
    spoil(given)
    with pytest.raises(error, match=words):
        merge_parts(MergeRequest(tmp_path / "out", given))


@pytest.mark.slow
def test_another_share_never_goes_into_the_folder_of_a_part(scored: Path) -> None:
    request = RunRequest([scored / "wells"], SETTINGS, out=scored / "1", keyfile=scored / "key")
    for part in (None, Part(2, PARTS)):
        with pytest.raises(UsageError, match="holds part 1/3"):
            score(replace(request, part=part))
    with pytest.raises(UsageError, match="--keep-missing does not go with --part"):
        score(replace(request, part=Part(1, PARTS), keep_missing=True))
    with pytest.raises(UsageError, match="is one of the parts itself"):
        merge_parts(MergeRequest(scored / "1", folders(scored)))
