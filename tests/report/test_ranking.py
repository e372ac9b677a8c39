"""Embryos are ordered by the suggested grade, then by measures."""

from blastoseg.columns import EMBRYO_COLUMNS
from blastoseg.report.ranking import ids_of, ranked
from blastoseg.report.tables import typed_table
from blastoseg.settings import DEFAULT_ORDER


def test_a_stage_that_is_3_or_4_stands_between_4_and_3_and_an_untold_one_last():
    stages = ["", "2", "3", "5", "3 or 4", "4", "1"]
    rows = [{"embryo_id": f"e{stage}", "expansion_gardner": stage} for stage in stages]
    order = ids_of(ranked(typed_table(rows, EMBRYO_COLUMNS), DEFAULT_ORDER))
    assert order == ["e5", "e4", "e3 or 4", "e3", "e2", "e1", "e"]


def test_equal_stages_are_ordered_by_letters_what_is_not_gradable_last():
    letters = ["not gradable", "B", "C", "A"]
    rows = [
        {"embryo_id": letter, "expansion_gardner": "4", "icm_letter": letter, "te_letter": "A"}
        for letter in letters
    ]
    order = ids_of(ranked(typed_table(rows, EMBRYO_COLUMNS), DEFAULT_ORDER))
    assert order == ["A", "B", "C", "not gradable"]
