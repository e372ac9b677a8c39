"""The output folder: names that stay inside it."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from blastoseg.outputs import LONGEST_NAME, OutputFolder, safe_name
from blastoseg.records import FrameRef


@given(st.text(max_size=300))
def test_a_safe_name_is_one_plain_path_component(text):
    name = safe_name(text)
    assert Path(name).name == name
    assert name.isascii()
    assert name not in {"", ".", ".."}
    assert not set(name) & set('/\\:*?"<>|\n\r\t =')
    assert len(name) <= LONGEST_NAME + 9


@given(st.lists(st.text(max_size=80), unique=True, max_size=30))
def test_different_names_stay_different(texts):
    assert len({safe_name(text) for text in texts}) == len(texts)


def test_a_plain_name_stays_as_it_is_and_a_device_name_does_not():
    assert safe_name("D5_WELL7-RUN10") == "D5_WELL7-RUN10"
    assert safe_name("CON") != "CON"
    assert safe_name("nul.png") != "nul.png"


def test_no_embryo_name_leads_out_of_the_folder(tmp_path):
    ref = FrameRef("../../etc", "../../../passwd", Path("x"), 3, "image")
    path = (tmp_path / OutputFolder(tmp_path).picture("masks", ref, ".png")).resolve()
    assert path.is_relative_to(tmp_path.resolve())
