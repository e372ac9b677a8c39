"""Series of frames that say what a test wants."""

import math

import pytest

from blastoseg.course.series import follow_embryos
from blastoseg.report.tables import frames_table
from blastoseg.settings import Grades

UNFORMED = {"status": "excluded", "flags": "not_blastocyst", "blastocyst_area_px2": math.nan}


def row(embryo="e1", index=0, status="ok", area=10_000.0, um=float("nan"), **others):
    return {
        "embryo_id": embryo,
        "source": f"{embryo}/{index}.jpg",
        "frame_index": index,
        "time_h": float(index),
        "status": status,
        "flags": "",
        "blastocyst_area_px2": area,
        "blastocyst_area_um2": area * um**2,
        "um_per_px": um,
        **others,
    }


@pytest.fixture
def frames():
    """Makes a frames table of one embryo from its columns; where the area is None there is no blastocyst."""

    def make(area, **columns):
        rows = []
        for index, value in enumerate(area):
            given = {name: values[index] for name, values in columns.items()}
            found = row(index=index, **({} if value is None else {"area": value}), **given)
            rows.append(found if value is not None else found | UNFORMED)
        return frames_table(rows)

    return make


@pytest.fixture
def series(frames):
    """Makes the series of one embryo; as ``frames``."""

    def make(area, grades=None, **columns):
        [followed] = follow_embryos(frames(area, **columns), grades or Grades())
        return followed

    return make
