"""What an embryo's row says in words."""

import pytest

from blastoseg.columns import EMBRYO_COLUMNS
from blastoseg.report.row_words import look_at_in_words, stage_in_words
from blastoseg.report.tables import typed_table


def _row(**shown):
    [row] = typed_table([{"flags": "", "lab_icm": "B", **shown}], EMBRYO_COLUMNS).to_dict("records")
    return row


@pytest.mark.parametrize(
    ("told", "look_at", "stage"),
    [
        ({}, "", ["(lab: B)"]),
        ({"verdict": "accept", "verdict_note": "fine"}, "", ["(lab: B)", "(verdict: accept)"]),
        ({"verdict_grade": "4AB"}, "", ["(lab: B)", "(verdict: 4AB)"]),
        (
            {"verdict": "reject", "verdict_note": "degenerated", "reason": "out of focus"},
            "verdict: reject: degenerated; out of focus",
            ["(lab: B)", "(verdict: reject)"],
        ),
        ({"verdict": "look at"}, "verdict: look at", ["(lab: B)", "(verdict: look at)"]),
    ],
    ids=["none", "accept", "grade alone", "reject", "look at"],
)
def test_a_verdict_is_told_and_one_that_doubts_is_something_to_look_at(told, look_at, stage):
    row = _row(**told)
    assert look_at_in_words(row) == look_at
    assert stage_in_words(row) == stage


def test_a_frame_whose_labels_a_person_drew_says_so():
    row = _row(corrected="drawn", corrected_tissues="icm;blastocoel", reason="out of focus")
    told = "out of focus; labels corrected by hand (drawn): inner cell mass, blastocoel"
    assert look_at_in_words(row) == told
