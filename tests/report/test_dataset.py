"""The tables that grow with the frames, as Parquet beside a report."""

import pandas as pd
import pytest
from pyarrow import parquet

from blastoseg import RESEARCH_USE_ONLY
from blastoseg.columns import REPORTED_FRAME_COLUMNS
from blastoseg.errors import OutputError
from blastoseg.records import AboutEmbryo
from blastoseg.report.dataset import dataset_files, read_long_table, remove_dataset, write_dataset
from blastoseg.report.gathered import GatheredTables
from blastoseg.report.tables import as_it_was, frames_table
from tests.course.conftest import row

TOLD = {
    "=A": AboutEmbryo(patient="Ada", insemination_time="2026-03-01T09:00"),
    "B": AboutEmbryo(patient="Eve", insemination_time="2026-04-30T09:00"),
    "C": AboutEmbryo(),
}


def tables_of(*embryos):
    rows = [row(name, index, area=100 + index / 3) for name in embryos for index in range(3)]
    return GatheredTables([frames_table(rows)], about=TOLD)


def partitions(out):
    return [path.parent.name for path in dataset_files(out, "frames")]


def test_the_dataset_holds_every_frame_by_month_and_a_patient_only_where_it_is_a_pseudonym(tmp_path):
    tables = tables_of("=A", "B", "C")
    write_dataset(tmp_path, tables, by_patient=False)
    assert partitions(tmp_path) == ["month=2026-03", "month=2026-04", "month=unknown"]
    read = read_long_table(tmp_path, "frames", REPORTED_FRAME_COLUMNS)
    for name in ("embryo_id", "source"):
        read[name] = read[name].map(as_it_was).astype("string[python]")
    pd.testing.assert_frame_equal(read, tables.frames)
    schema = parquet.read_schema(dataset_files(tmp_path, "frames")[0])
    assert schema.metadata[b"notice"] == RESEARCH_USE_ONLY.encode()
    assert schema.field("blastocyst_area_um2").metadata[b"unit"] == b"um2"
    write_dataset(tmp_path, tables, by_patient=True)
    assert partitions(tmp_path) == ["patient=Ada", "patient=Eve", "patient=unknown"]
    assert not list((tmp_path / "tables").glob("[pm]*s")), "there are no focal planes"


def test_partitions_that_are_gone_are_deleted_and_what_is_not_ours_stays(tmp_path):
    write_dataset(tmp_path, tables_of("=A", "B"), by_patient=False)
    foreign = tmp_path / "tables" / "frames" / "month=2020-01" / "frames.parquet"
    foreign.parent.mkdir()
    pd.DataFrame({"a": [1]}).to_parquet(foreign)
    write_dataset(tmp_path, tables_of("B"), by_patient=False)
    assert partitions(tmp_path) == ["month=2020-01", "month=2026-04"]
    with pytest.raises(OutputError, match="2020-01"):
        read_long_table(tmp_path, "frames", REPORTED_FRAME_COLUMNS)
    foreign.unlink()
    foreign.parent.rmdir()
    remove_dataset(tmp_path, "frames")
    assert not list(tmp_path.iterdir())
