"""Each format, read back by the library that owns it or by this project's own reader of labelled data."""

import json
import math
import zipfile
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
import pandas as pd
import pytest

from blastoseg.columns import Column
from blastoseg.datasets import check_dataset, open_dataset
from blastoseg.datasets.outlines import fill_rings
from blastoseg.errors import EnvironmentProblemError
from blastoseg.report.export import formats
from blastoseg.report.export.frame import ExportedFrame
from blastoseg.report.export.parquet import write_parquet
from blastoseg.simulate import View, draw_frame
from blastoseg.tissues import FOREGROUND

DRAWN = draw_frame(np.random.default_rng(1), View(160, 120, fill=(0.6, 0.8), kind="expanded"))
HOSTILE = '{0} <E&1> "µ"'


def awkward_labels() -> np.ndarray:
    """A breached zona, a hole in the trophectoderm with a speck in it, pixels that touch at a corner only."""
    labels = DRAWN.labels.copy()
    labels[:70, 55:70][labels[:70, 55:70] == 4] = 0
    y, x = np.argwhere(labels == 2)[0]
    labels[y - 1, x] = 3
    labels[2:5, 2:5] = 4
    labels[3, 3] = 1
    labels[5, 5] = labels[6, 6] = 4
    labels[-1, -1] = 3
    return labels


LABELS = awkward_labels()


def frame_of(number: int = 0, **changed) -> ExportedFrame:
    row = {"embryo_id": HOSTILE, "source": "E1/a.jpg", "frame_index": number, "focal_plane": pd.NA}
    row |= {"time_h": 104.25, "time_reference": "recording", "status": "ok", "flags": "", "um_per_px": 0.5}
    usual = {"name": PurePosixPath("E1", f"{number:05d}-a"), "row": row, "group": "E1"}
    image = DRAWN.image.astype(np.uint16) * 200 + number
    return ExportedFrame(**(usual | {"labels": LABELS, "image": image} | changed))


def exported(name: str, folder: Path, *frames: ExportedFrame) -> list[str]:
    exporter = formats.FORMATS[name].make(folder)
    said = [exporter.add(frame) for frame in frames]
    exporter.finish()
    return said


def test_a_training_set_is_read_as_it_was_and_holds_no_picture_twice(tmp_path):
    frames = [frame_of(0), frame_of(1), frame_of(2), frame_of(3)]
    frames[2] = frame_of(2, image=frames[0].image)
    frames[3] = frame_of(3, labels=np.zeros_like(LABELS))
    assert exported("training", tmp_path, *frames) == [
        *("", "", "shows the same picture as E1/00000-a", "has no tissue in its mask")
    ]
    dataset = open_dataset(tmp_path)
    assert [(case.name, case.group) for case in dataset.cases] == [("E1/00000-a", "E1"), ("E1/00001-a", "E1")]
    read = dataset.cases[1].read()
    np.testing.assert_array_equal(read.image, frames[1].image)
    np.testing.assert_array_equal(read.labels, LABELS)


@pytest.mark.parametrize("name", ["geojson", "labelme"])
def test_outlines_read_as_labelled_data_are_the_labels(tmp_path, name):
    exported(name, tmp_path, frame_of())
    if name == "geojson":
        cv2.imwrite(str(tmp_path / "E1" / "00000-a.png"), DRAWN.image)
    dataset = open_dataset(tmp_path)
    [case] = dataset.cases
    np.testing.assert_array_equal(case.read().labels, LABELS)
    assert not [problem for problem in check_dataset(dataset) if "overlap" in problem.kind]


def test_geojson_names_and_colours_tissues_as_qupath_does(tmp_path):
    exported("geojson", tmp_path, frame_of())
    features = json.loads((tmp_path / "E1" / "00000-a.geojson").read_text())["features"]
    assert {feature["properties"]["objectType"] for feature in features} == {"annotation"}
    shown = [feature["properties"]["classification"] for feature in features]
    assert shown == [{"name": one.name, "color": list(one.colour)} for one in FOREGROUND]
    for feature in features:
        several = feature["geometry"]["type"] == "MultiPolygon"
        for rings in feature["geometry"]["coordinates"] if several else [feature["geometry"]["coordinates"]]:
            assert all(ring[0] == ring[-1] for ring in rings)
            # RFC 7946: outer rings and holes run opposite ways.
            ways = [cv2.contourArea(np.array(ring, np.int32), oriented=True) > 0 for ring in rings]
            assert ways == [ways[0], *([not ways[0]] * (len(ways) - 1))]


def test_regions_of_interest_read_by_their_library_are_the_labels(tmp_path):
    roifile = pytest.importorskip("roifile")
    exported("imagej-roi", tmp_path, frame_of())
    path = tmp_path / "E1" / "00000-a.zip"
    assert zipfile.ZipFile(path).namelist() == [f"{tissue.name}.roi" for tissue in FOREGROUND]
    for region, tissue in zip(roifile.roiread(path), FOREGROUND, strict=True):
        rings = [np.asarray(ring, float) for ring in region.coordinates(multi=True)]
        mask = fill_rings(rings, LABELS.shape, "")
        np.testing.assert_array_equal(mask, tissue.label == LABELS)
        rows, columns = np.nonzero(mask)
        assert (region.left, region.top) == (columns.min(), rows.min())
        assert (region.right, region.bottom) == (columns.max() + 1, rows.max() + 1)


def test_coco_read_by_its_library_is_the_labels(tmp_path):
    coco = pytest.importorskip("pycocotools.coco")
    exported("coco", tmp_path, frame_of(0), frame_of(1))
    read = coco.COCO(str(tmp_path / "annotations.json"))
    assert [one["name"] for one in read.loadCats(read.getCatIds())] == [one.name for one in FOREGROUND]
    for image in read.loadImgs(read.getImgIds()):
        picture = cv2.imread(str(tmp_path / "images" / image["file_name"]), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(picture, frame_of(image["frame_index"]).image)
        labels = np.zeros((image["height"], image["width"]), np.uint8)
        for annotation in read.loadAnns(read.getAnnIds(image["id"])):
            mask = read.annToMask(annotation) > 0
            assert annotation["area"] == mask.sum()
            labels[mask] = annotation["category_id"]
        np.testing.assert_array_equal(labels, LABELS)


def test_an_ome_tiff_has_both_images_pixel_size_and_hours_and_nothing_of_the_machine(tmp_path):
    ome_types = pytest.importorskip("ome_types")
    tifffile = pytest.importorskip("tifffile")
    exported("ome-tiff", tmp_path, frame_of())
    path = tmp_path / "E1" / "00000-a.ome.tif"
    with tifffile.TiffFile(path) as file:
        np.testing.assert_array_equal(file.series[0].asarray(), frame_of().image)
        np.testing.assert_array_equal(file.series[1].asarray(), LABELS)
        tags = {tag.name for page in file.pages for tag in page.tags}
    assert not tags & {"DateTime", "Artist", "HostComputer"}
    described = ome_types.from_tiff(path)
    assert [image.name for image in described.images] == [HOSTILE, f"{HOSTILE}, labels"]
    for image in described.images:
        assert image.pixels.physical_size_x == image.pixels.physical_size_y == 0.5
        assert image.pixels.physical_size_x_unit.value == "µm"
    assert described.images[0].pixels.planes[0].delta_t == 104.25
    before = path.read_bytes()
    exported("ome-tiff", tmp_path, frame_of())
    assert path.read_bytes() == before


def test_an_unknown_pixel_size_is_not_written(tmp_path):
    ome_types = pytest.importorskip("ome_types")
    exported("ome-tiff", tmp_path, frame_of(row=dict(frame_of().row) | {"um_per_px": math.nan}))
    described = ome_types.from_tiff(tmp_path / "E1" / "00000-a.ome.tif")
    assert described.images[0].pixels.physical_size_x is None


def test_parquet_keeps_types_units_and_what_is_undefined(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    declared = [Column("a_um", "um", "float", "a length"), Column("is_b", "", "bool", "b")]
    table = pd.DataFrame({"a_um": [1.5, math.nan], "is_b": pd.array([True, None], "boolean")})
    write_parquet(tmp_path / "t.parquet", table, declared)
    read = parquet.read_table(tmp_path / "t.parquet")
    assert read.to_pydict() == {"a_um": [1.5, None], "is_b": [True, None]}
    assert read.schema.field("a_um").metadata[b"unit"] == b"um"
    assert b"Research Use Only" in read.schema.metadata[b"notice"]


def test_a_missing_library_is_named_with_what_to_install(monkeypatch):
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    with pytest.raises(
        EnvironmentProblemError, match=r"shapely and roifile: pip install 'blastoseg\[export\]'"
    ):
        formats.check_libraries("imagej-roi")
