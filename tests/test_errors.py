"""What messages say."""

import pytest

from blastoseg.errors import counted


@pytest.mark.parametrize(
    ("count", "noun", "words"),
    [
        (0, "frame", "0 frames"),
        (1, "frame", "1 frame"),
        (1204, "label image", "1,204 label images"),
        (1, "embryo or patient", "1 embryo or patient"),
        (2, "embryo or patient", "2 embryos or patients"),
    ],
)
def test_one_thing_has_no_s_and_any_other_number_has(count, noun, words):
    assert counted(count, noun) == words
