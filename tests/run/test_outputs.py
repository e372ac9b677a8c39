"""The output folder: names that stay inside it, and lead to one frame each."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from blastoseg.errors import InputNotFoundError, OutputError, UsageError
from blastoseg.records import FrameRef
from blastoseg.run.outputs import OutputFolder, PictureNames
from blastoseg.sources.addresses import WholeImage


def _ref(embryo: str, source: str, index: int = 3) -> FrameRef:
    return FrameRef(embryo, source, Path("x"), index, WholeImage())


def _place(names: PictureNames, ref: FrameRef) -> str:
    return names.place("masks", ref, ".png")


def test_no_embryo_name_leads_out_of_the_folder(tmp_path):
    ref = _ref("../../etc", "../../../passwd")
    path = (tmp_path / _place(PictureNames([ref]), ref)).resolve()
    assert path.is_relative_to(tmp_path.resolve() / "masks")


def test_a_space_costs_no_name(tmp_path):
    ref = _ref("Name D5", "day 5/Name D5.BMP", 0)
    assert _place(PictureNames([ref]), ref) == "masks/Name D5/00000-Name D5.png"


def test_two_embryos_that_differ_in_case_alone_have_folders_of_their_own():
    upper, lower, other = _ref("WELL 6", "a.png"), _ref("well 6", "a.png"), _ref("WELL 7", "a.png")
    names = PictureNames([upper, lower, other])
    assert len({_place(names, ref).casefold() for ref in (upper, lower)}) == 2
    assert _place(names, other) == "masks/WELL 7/00003-a.png"


def test_the_planes_of_a_moment_in_one_file_have_pictures_of_their_own():
    centre, above = (replace(_ref("Well 1", "slide.pdb"), focal_plane=plane) for plane in (0, 15))
    apart = replace(_ref("Well 1", "F30/x.jpg"), focal_plane=30)
    names = PictureNames([centre, above, apart])
    assert [_place(names, ref) for ref in (centre, above, apart)] == [
        "masks/Well 1/00003-slide.png",
        "masks/Well 1/00003-slide-F15.png",
        "masks/Well 1/00003-x.png",
    ]


@pytest.mark.parametrize("out", ["day5", "day5/../day5", "link"])
def test_a_report_in_the_folder_of_the_frames_is_refused_at_once(tmp_path, out):
    (tmp_path / "day5").mkdir()
    (tmp_path / "link").symlink_to("day5")
    with pytest.raises(UsageError, match=r"--out .*: is the folder of the frames itself.*choose another"):
        OutputFolder(tmp_path / out).check_apart([tmp_path / "day5"])
    OutputFolder(tmp_path / "day5" / "report").check_apart([tmp_path / "day5"])


def test_a_report_among_frames_is_refused_where_the_next_run_would_pass_them_over(tmp_path):
    well = tmp_path / "day5" / "WELL1"
    well.mkdir(parents=True)
    ref = FrameRef("WELL1", "WELL1/a.png", well / "a.png", 0, WholeImage())
    with pytest.raises(UsageError, match="holds frames"):
        OutputFolder(well).check_without_frames([tmp_path / "day5"], [ref])
    OutputFolder(tmp_path / "day5").check_without_frames([well], [ref])
    OutputFolder(tmp_path / "day5" / "report").check_without_frames([tmp_path / "day5"], [ref])


def test_the_pictures_that_are_there_are_listed_below_the_folder(tmp_path):
    assert OutputFolder(tmp_path).pictures() == {}
    (tmp_path / "masks" / "WELL 7").mkdir(parents=True)
    (tmp_path / "masks" / "WELL 7" / "00000-a.png").write_bytes(b"a")
    (tmp_path / "masks" / "WELL 7" / "00001-lost-in-a-power-cut.png").write_bytes(b"")
    (tmp_path / "report.xlsx").write_bytes(b"")
    assert OutputFolder(tmp_path).pictures().keys() == {"masks/well 7/00000-a.png"}


def test_a_folder_of_pictures_that_cannot_be_listed_is_no_empty_one(tmp_path, monkeypatch):
    (tmp_path / "masks" / "WELL7").mkdir(parents=True)

    def refuse(path):
        raise OSError(errno.EIO, "Input/output error", str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    refused = pytest.raises(OutputError, match=r"masks: cannot be used \(Input/output error\)")
    with refused, OutputFolder(tmp_path).refusals():
        OutputFolder(tmp_path).pictures()


def test_what_the_system_refuses_is_told_of_the_side_that_it_happened_on(tmp_path):
    out = OutputFolder(tmp_path / "out")
    for path, kind in ((out.root / "masks", OutputError), (tmp_path / "ward", InputNotFoundError)):
        with pytest.raises(kind, match=f"{path.name}: cannot be used"), out.refusals():
            raise OSError(errno.EIO, "Input/output error", str(path))
    with pytest.raises(InputNotFoundError, match=r"^the input: cannot be used"), out.refusals(lambda _: ""):
        raise OSError(errno.ESTALE, "Stale file handle", str(tmp_path / "JaneDoe"))
