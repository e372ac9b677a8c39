"""The numbers of each stage on a fixed input, held with its revision: neither changes without the other.

``revisions.json`` holds both. Numbers are compared with a tolerance far below what any digit of a report
shows, so that another processor or library gives the same.
"""

import hashlib
import json
import math
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from blastoseg import stages
from blastoseg.anatomy import clean_labels
from blastoseg.columns import add_micrometres
from blastoseg.measure import measure_labels
from blastoseg.model.card import load_card
from blastoseg.model.locating import (
    crop_embryo,
    fit_square,
    locate_embryo,
    place_labels,
    resample_labels,
    resample_probabilities,
)
from blastoseg.quality import border_contact, judge_image
from blastoseg.records import Box, Frame, FrameRef
from blastoseg.settings import Naming, Quality
from blastoseg.sources import SourceOptions, discover_frames, read_frame
from blastoseg.sources.addresses import WholeImage
from blastoseg.tissues import LABEL_OF_CHANNEL
from tests.gray_values import GRAY_OF_LABEL, GrayValueNetworks, drawn_labels
from tests.sources.test_clock_of_stills import draw_still
from tests.sources.test_slide import Slide

FILE = Path(__file__).with_name("revisions.json")
GOLDEN = json.loads(FILE.read_text("utf-8"))
IS_RAISED = any(stages.REVISIONS[stage] > held["revision"] for stage, held in GOLDEN.items())
RELATIVE, ABSOLUTE = 1e-4, 1e-5
WRITE = "WRITE_REVISIONS"
AGAIN = f"{WRITE}=1 python -m pytest tests/test_revisions.py"
"""Writes all numbers anew, where a revision was raised: a stage changes those of the stages after it too."""
Numbers = dict[str, Any]


def _noise(shape: tuple[int, ...], seed: int, high: int = 256) -> NDArray[Any]:
    return np.random.default_rng(seed).integers(0, high, shape, dtype=np.uint16)


def _blocks(image: NDArray[Any], blocks: int = 2) -> list[float]:
    """The means of so many parts of an image along either axis."""
    rows = np.array_split(np.asarray(image, np.float64), blocks, axis=-2)
    return [float(part.mean()) for row in rows for part in np.array_split(row, blocks, axis=-1)]


def _breached_labels() -> NDArray[np.uint8]:
    """A hatching blastocyst: a gap in its zona, and a part of it outside; specks about it."""
    labels = drawn_labels()
    y, x = np.mgrid[:300, :300] - 149.5
    labels[(labels == 4) & (np.abs(np.degrees(np.arctan2(y, x))) < 12)] = 3
    labels[np.hypot(y, x - 118) < 16] = 3
    # What anatomy removes and what it leaves: beside the embryo, in the cavity, in TE, in the zona.
    for top, left, height, width, value in (
        *((20, 30, 4, 5, 1), (2, 2, 14, 14, 3), (290, 1, 10, 3, 4)),
        *((150, 148, 3, 4, 3), (190, 190, 18, 18, 3), (180, 100, 12, 12, 4), (200, 150, 5, 5, 0)),
        *((120, 200, 4, 5, 1), (242, 140, 4, 6, 4), (238, 160, 10, 15, 1)),
        *((252, 148, 4, 3, 0), (150, 30, 2, 12, 4)),
    ):
        labels[top : top + height, left : left + width] = value
    return labels


def _shown(labels: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """A frame in which gray values name the tissues, with noise that hides none."""
    gray = GRAY_OF_LABEL[labels].astype(int) + _noise(labels.shape, seed, 21) - 10
    return np.clip(gray, 0, 255).astype(np.uint8)


def numbers_of_sources(folder: Path) -> Numbers:
    image = _noise((60, 70), 1).astype(np.uint8)
    colours = np.stack([image, image[::-1], image[:, ::-1]], axis=-1)
    deep = _noise((60, 70), 2, 60_000)
    folder = folder / "frames"
    (folder / "stills").mkdir(parents=True)
    for name, picture in {
        "gray": image,
        "colours": colours,
        "deep": deep,
        "clock_34h": draw_still("112.3", in_font_of_stills=True),
    }.items():
        cv2.imwrite(str(folder / "stills" / f"{name}.png"), picture)
    planes = np.stack([deep, cv2.blur(deep, (5, 5)), deep // 2])
    metadata = {"axes": "TYX", "unit": "micron", "finterval": 900.0}
    tifffile.imwrite(folder / "WELL3.tif", planes, imagej=True, resolution=(2.0, 2.0), metadata=metadata)
    focused = {"axes": "TZYX", "PhysicalSizeX": 0.35, "PhysicalSizeXUnit": "µm", "TimeIncrement": 20.0}
    tifffile.imwrite(folder / "E1.ome.tif", planes[None], ome=True, metadata=focused)
    Slide(folder / "slide.pdb", cv2.imencode(".png", image)[1].tobytes()).write()
    read: Numbers = {}
    for focal in ("0", "best"):
        options = SourceOptions(Naming(), focal=focal)
        for ref in discover_frames([folder], options).refs:
            frame = read_frame(ref, options)
            known, pixels = frame.ref, np.ascontiguousarray(frame.image)
            read[f"{known.source} {known.embryo_id} {known.frame_index}, focal {focal}"] = [
                *(known.focal_plane, known.time_h, str(known.time_reference)),
                *(known.um_per_px, known.um_per_px_source),
                f"{pixels.dtype} {pixels.shape} {hashlib.sha256(pixels.tobytes()).hexdigest()[:12]}",
            ]
    return read


def numbers_of_locating(_folder: Path) -> Numbers:
    labels = drawn_labels(radius=70, icm=20)
    two = np.concatenate([labels, np.roll(labels, 40, axis=0)[:, 30:200]], axis=1)
    found: Numbers = {}
    for name, shown in {"one": labels, "cut": labels[100:], "two": two}.items():
        image = _shown(shown, 3)
        square, fit = fit_square(image, 128)
        location = locate_embryo((square > 30).astype(np.float32) * np.float32(0.9), fit, 0.5)
        assert location.box is not None
        box = location.box
        found[name] = [box.y, box.x, box.side, location.embryo_count, location.score]
        found[f"{name}, square"] = _blocks(square)
        found[f"{name}, crop"] = _blocks(crop_embryo(image, box, 96))
    probabilities = np.stack([labels == value for value in LABEL_OF_CHANNEL]).astype(np.float32)
    found["probabilities"] = [_blocks(channel) for channel in resample_probabilities(probabilities, 150)]
    placed = place_labels(resample_labels(labels, 200), Box(-12, 31, 240), (180, 260))
    found["placed labels"] = np.bincount(placed.ravel()).tolist()
    return found


def numbers_of_segmenting(folder: Path) -> Numbers:
    pytest.importorskip("torch")
    from blastoseg.model.locating import part_embryos
    from blastoseg.model.segmenter import Segmenter

    _fix_weights(folder / "tiny")
    card = load_card(folder / "tiny")
    two_sizes = card.segmenter.model_copy(update={"second_size": 32, "temperature": 1.3})
    card = card.model_copy(update={"segmenter": two_sizes})
    image = _noise((64, 64), 4)
    answers: Numbers = {}
    for name, flips in {"plain": False, "averaged": True}.items():
        segmenter = Segmenter(card, "cpu", precision="float32", flips=flips)
        [probabilities] = segmenter.segment_batch([image * 9])
        [located] = segmenter.locate_batch([image[::2, ::2]])
        answers[f"{name}, probabilities"] = [_blocks(channel) for channel in probabilities]
        answers[f"{name}, locator"] = _blocks(located)
    maps = _noise((2, 1, 40, 40), 5, 1001).astype(np.float32) / 1000
    answers["embryos parted"] = _blocks(part_embryos(maps[0], maps[1], 0.3)[0])
    return answers


def _fix_weights(model: Path) -> None:
    """Draw a model's weights by their names: what torch draws by default may change with its version."""
    from safetensors.numpy import load_file, save_file

    card = (model / "card.toml").read_text("utf-8")
    for file in (model / "weights.safetensors", model / "locator.safetensors"):
        before, tensors = hashlib.sha256(file.read_bytes()).hexdigest(), load_file(file)
        for name, tensor in tensors.items():
            if tensor.dtype == np.float32:
                drawn = _noise(tensor.shape, zlib.crc32(name.encode()), 2001).astype(np.float32) / 1000 - 1
                fan = max(1, math.prod(tensor.shape[1:]))
                is_variance = name.endswith("running_var")
                tensors[name] = np.abs(drawn) + 0.5 if is_variance else drawn * np.float32(math.sqrt(3 / fan))
        save_file(tensors, file)
        card = card.replace(before, hashlib.sha256(file.read_bytes()).hexdigest())
    (model / "card.toml").write_text(card, "utf-8")


def numbers_of_anatomy(_folder: Path) -> Numbers:
    found: Numbers = {}
    for name, labels in {"whole": drawn_labels(), "breached": _breached_labels()}.items():
        certain = np.stack([labels == value for value in LABEL_OF_CHANNEL])
        probabilities = np.where(certain, np.float32(0.6), np.float32(0.1))
        cleaned = clean_labels(probabilities)
        rows, columns = np.mgrid[: cleaned.shape[0], : cleaned.shape[1]]
        for value in range(5):
            own = cleaned == value
            found[f"{name}, label {value}"] = [int(part[own].sum()) for part in (own, rows, columns)]
    return found


def numbers_of_measure(_folder: Path) -> Numbers:
    return {
        f"{name}, {column}": value
        for name, labels in {"whole": drawn_labels(), "breached": _breached_labels()}.items()
        for column, value in add_micrometres(measure_labels(labels), 0.5).items()
    }


def numbers_of_quality(_folder: Path) -> Numbers:
    shown = {
        "whole": drawn_labels(radius=140),
        "breached": _breached_labels(),
        "cut off": drawn_labels(radius=149)[:280],
        "no cavity": drawn_labels(cavity=False),
        "empty": np.zeros((90, 80), np.uint8),
    }
    found: Numbers = {}
    for place, (name, labels) in enumerate(shown.items()):
        image = _shown(labels, place)
        [segmented] = stages.segment_frames([Frame(REF, image)], GrayValueNetworks())
        judged, result = stages.measure_frame(segmented, Quality(), 0.5, "option")
        row = result.row()
        told = ("status", "flags", "reason", "blastocyst_area_um2", "icm_area_frac")
        confidence = [value for column, value in row.items() if column.startswith("confidence")]
        found[name] = [*(row[column] for column in told), *confidence]
        if judged is not None:
            look = judge_image(image, judged > 0)
            found[f"{name}, image"] = [look.sharpness, look.contrast, *sorted(border_contact(judged))]
    return found


REF = FrameRef("e1", "e1/0.png", Path("0.png"), 0, WholeImage())
NUMBERS: dict[str, Callable[[Path], Numbers]] = {
    "sources": numbers_of_sources,
    "locating": numbers_of_locating,
    "segmenting": numbers_of_segmenting,
    "anatomy": numbers_of_anatomy,
    "measure": numbers_of_measure,
    "quality": numbers_of_quality,
}


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    if isinstance(one, float | int) and isinstance(other, float | int):
        return math.isclose(one, other, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return bool(one == other)


def _plain(value: Any) -> Any:
    """As JSON gives it back: NaN as null."""
    return json.loads(json.dumps(value).replace("NaN", "null"))


def _as_text(golden: dict[str, Any]) -> str:
    """JSON with a line for each name, so that a change of one number is a line's."""
    parts = []
    for stage, held in golden.items():
        lines = (f"   {json.dumps(name)}: {json.dumps(value)}" for name, value in held["numbers"].items())
        parts.append(
            f' "{stage}": {{\n  "revision": {held["revision"]},\n  "numbers": {{\n'
            + ",\n".join(lines)
            + "\n  }}"
        )
    return "{\n" + ",\n".join(parts) + "\n}\n"


def test_every_stage_is_held() -> None:
    assert set(NUMBERS) == set(stages.REVISIONS) == set(GOLDEN)


@pytest.mark.parametrize("stage", NUMBERS)
def test_numbers_change_with_their_stages_revision_and_never_without(
    stage: str, tmp_path: Path, tiny_model: Path
) -> None:
    assert tiny_model == tmp_path / "tiny"
    revision = stages.REVISIONS[stage]
    numbers = _plain(NUMBERS[stage](tmp_path))
    if os.environ.get(WRITE) and IS_RAISED:
        GOLDEN[stage] = {"revision": revision, "numbers": numbers}
        FILE.write_text(_as_text({name: GOLDEN[name] for name in NUMBERS if name in GOLDEN}), "utf-8")
    held = GOLDEN.get(stage, {"revision": 0, "numbers": {}})
    names = {**held["numbers"], **numbers}
    changed = [name for name in names if not _is_same(held["numbers"].get(name), numbers.get(name))]
    assert not changed, (
        f"{len(changed)} numbers of {stage} changed, such as {changed[0]}: {held['numbers'].get(changed[0])} "
        f"became {numbers.get(changed[0])}. If that is meant, raise REVISION of {stage}, or of the stage "
        f"before it that did it, so that no earlier result is reused; then write the numbers anew: {AGAIN}"
    )
    assert revision == held["revision"], f"REVISION was raised: write the numbers anew: {AGAIN}"
