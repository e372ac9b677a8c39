"""The output folder: names that stay inside it."""

from pathlib import Path

from blastoseg.records import FrameRef
from blastoseg.run.outputs import OutputFolder
from blastoseg.sources.addresses import WholeImage


def test_no_embryo_name_leads_out_of_the_folder(tmp_path):
    ref = FrameRef("../../etc", "../../../passwd", Path("x"), 3, WholeImage())
    path = (tmp_path / OutputFolder(tmp_path).picture("masks", ref, ".png")).resolve()
    assert path.is_relative_to(tmp_path.resolve())
