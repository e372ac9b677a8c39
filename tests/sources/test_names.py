import pytest
from hypothesis import given
from hypothesis import strategies as st

from blastoseg.settings import Naming
from blastoseg.sources.names import NO_RUN, NameReader, printable


@pytest.mark.parametrize(
    ("stem", "rest", "embryo", "run", "plane"),
    [
        ("D2013.03.08_S0695_I141_WELL7_RUN10", "D2013.03.08_S0695_I141_WELL7", None, 10, None),
        ("D2013_WELL7_RUN1_F-15", "D2013_WELL7", None, 1, -15),
        ("F15_RUN3_WELL 12", "WELL 12", None, 3, 15),
        ("E001_RUN1_F0", "E001", "", 1, 0),
        ("Blast_PCRM_1201754 D5", "Blast_PCRM_1201754 D5", "", NO_RUN, None),
        ("F0", "", "", NO_RUN, 0),
    ],
)
def test_a_name_tells_embryo_run_and_plane(
    stem: str, rest: str, embryo: str | None, run: int, plane: int | None
) -> None:
    parts = NameReader(Naming()).read(stem)
    assert (parts.rest, parts.embryo, parts.run, parts.plane) == (
        rest,
        rest if embryo is None else embryo,
        run,
        plane,
    )


@given(st.text(max_size=250))
def test_any_name_can_be_read(stem: str) -> None:
    NameReader(Naming()).read(stem)


def test_bytes_that_are_no_unicode_are_shown_not_lost() -> None:
    assert printable("a\udcff b") == "a\\xff b"
