"""The pages of patients, read back."""

import cv2
import numpy as np
import pytest
from pypdf import PdfReader

from blastoseg import RESEARCH_USE_ONLY
from blastoseg.records import AboutEmbryo
from blastoseg.report.embryo_pictures import EmbryoPictures, Pictures
from blastoseg.report.gathered import GatheredTables
from blastoseg.report.overlay import draw_overlay
from blastoseg.report.patient_pages import PatientPages
from blastoseg.report.tables import frames_table

ORDER = ("blastocyst_diameter_px",)


def row(embryo, index, **others):
    measured = {"blastocyst_area_px2": 1000.0 + index, "blastocyst_diameter_px": 36.0}
    told = {
        "status": "review",
        "flags": "out_of_focus",
        "reason": "out of focus",
        "blastocoel_area_frac": 0.5,
    }
    return {"embryo_id": embryo, "frame_index": index, "time_h": 100.0 + index, **measured, **told, **others}


@pytest.fixture
def pages(manifest):
    """Makes the pages of embryos, each with two frames, by embryo and patient."""

    def make(patients, pictures=None, **others):
        frames = frames_table(row(embryo, index, **others) for embryo in patients for index in range(2))
        about = {embryo: AboutEmbryo(patient=patient) for embryo, patient in patients.items()}
        return PatientPages(GatheredTables([frames], about=about), manifest(), pictures or {}, ORDER)

    return make


def texts(path):
    return [" ".join(page.extract_text().split()) for page in PdfReader(path).pages]


def test_a_page_names_its_patient_alone_with_embryos_numbers_and_what_to_look_at(pages, tmp_path):
    made = pages({"A": "P1", "B": "P2", "C": ""})
    assert made.patients == ["P1", "P2", ""]
    made.write("P1", tmp_path / "p.pdf")
    [text] = texts(tmp_path / "p.pdf")
    for said in ("Patient P1", "1 embryo", "A: review, 101.0 h", "Look at: out of focus", "does not choose"):
        assert said in text
    assert "100.0 to 101.0 h, 2 frames (review): out of focus" in text
    assert text.count(RESEARCH_USE_ONLY) == 2
    assert "P2" not in text
    made.write("", tmp_path / "none.pdf")
    assert "Patient not given" in texts(tmp_path / "none.pdf")[0]


def test_four_embryos_fit_a_page_and_forty_take_several_each_with_the_notice(pages, tmp_path):
    for count, fewest, most in ((4, 1, 1), (40, 4, 14)):
        made = pages({f"E{number}": "P" for number in range(count)})
        made.write("P", tmp_path / "p.pdf")
        read = texts(tmp_path / "p.pdf")
        assert fewest <= len(read) <= most
        assert all(RESEARCH_USE_ONLY in text for text in read)
        assert all(any(f"E{number}: review" in text for text in read) for number in range(count))


def test_the_bytes_depend_on_what_is_shown_alone(pages, tmp_path):
    for name in ("one.pdf", "two.pdf"):
        pages({"A": "P1"}).write("P1", tmp_path / name)
    assert (tmp_path / "one.pdf").read_bytes() == (tmp_path / "two.pdf").read_bytes()
    pages({"A": "P1"}, blastocyst_diameter_px=37.0).write("P1", tmp_path / "two.pdf")
    assert (tmp_path / "one.pdf").read_bytes() != (tmp_path / "two.pdf").read_bytes()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<b>&amp; <img src='x'/>", "<b>&amp; <img src='x'/>"),
        ("王小明", r"\u738b\u5c0f\u660e"),
        ("Zoë Łuć", "Zoë Łuć"),
        ("a\x07b", r"a\x07b"),
        ("=1+1", "=1+1"),
        ("x" * 300, "x" * 40),
    ],
)
def test_whatever_a_name_holds_is_shown_as_text(pages, tmp_path, name, shown):
    made = pages({name: name})
    made.write(name, tmp_path / "p.pdf")
    [text] = texts(tmp_path / "p.pdf")
    assert f"Patient {shown}" in text


def test_pictures_stand_on_the_page_and_one_that_is_gone_is_left_out(pages, tmp_path):
    labels = np.zeros((300, 300), np.uint8)
    cv2.circle(labels, (150, 150), 90, 3, -1)
    there = Pictures(tmp_path / "m.png", tmp_path / "o.jpg", "tB 100.0 h")
    cv2.imwrite(str(there.mask), labels)
    cv2.imwrite(str(there.overlay), draw_overlay(np.full((300, 300), 90, np.uint8), labels))
    lost = Pictures(tmp_path / "lost.png", tmp_path / "lost.jpg")
    made = pages({"A": "P1"}, {"A": EmbryoPictures(there, (there, lost))})
    made.write("P1", tmp_path / "p.pdf")
    assert len(PdfReader(tmp_path / "p.pdf").pages[0].images) == 2
