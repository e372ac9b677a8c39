"""Whatever was corrected, withdrawn and carried between which nights: the tables are those of a fresh run
with the same corrections, and a night more gives the same bytes. A quarter of BLASTOSEG_NIGHTS are drawn.
"""

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blastoseg.errors import DataError
from blastoseg.run.journal import Journal
from blastoseg.run.reviewing.saving import Drawn, Reviewer
from tests.reviewed_night import E1, FRAMES, make_reviewed_nights_cheap, night, picture, tables, write_frames

pytestmark = pytest.mark.slow
SEQUENCES = int(os.environ.get("BLASTOSEG_NIGHTS", "12")) // 4
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("paint"), st.integers(0, FRAMES - 1), st.integers(0, 4), st.integers(40, 160)),
        st.tuples(st.just("withdraw"), st.integers(0, FRAMES - 1)),
        st.tuples(st.just("carry"), st.sampled_from(["zp", "icm"])),
        st.tuples(st.just("touch"), st.integers(0, FRAMES - 1)),
        st.tuples(st.just("change"), st.integers(0, FRAMES - 1), st.integers(70, 86)),
        st.tuples(st.just("night"), st.sampled_from(["a", "b"]), st.sampled_from([None, 3.0])),
    ),
    min_size=2,
    max_size=7,
)


@pytest.fixture(scope="module", autouse=True)
def _cheap():
    with pytest.MonkeyPatch.context() as patch:
        make_reviewed_nights_cheap(patch)
        patch.setattr(os, "fsync", lambda _: None)
        yield


class _Lab:
    """Frames, an output folder, and what happens to them."""

    def __init__(self, root: Path) -> None:
        self.frames, self.out = write_frames(root / "frames", ["E1"]), root / "out"
        self.options = {"weights": "a", "um_per_px": None}
        self.time = 1_700_000_000
        night(self.frames, self.out, **self.options)

    def happen(self, what: str, *given) -> None:
        """One action of a person, or a night."""
        reviewer = Reviewer(self.out)
        stamp, known = reviewer.report.stamp, reviewer.state(E1)["frames"]
        if what == "paint":
            place, label, at = given
            labels = reviewer.labels(E1, place, of_network=False).copy()
            labels[at : at + 20, 90:110] = label
            if (labels != reviewer.labels(E1, place, of_network=True)).any():
                revision = known.get(str(place), {}).get("revision", "")
                reviewer.save(stamp, E1, place, Drawn(labels, "A. B.", revision))
        elif what == "withdraw":
            revision = known.get(str(given[0]), {}).get("revision", "")
            reviewer.withdraw(stamp, E1, given[0], revision)
        elif what == "carry":
            self._carry(reviewer, known, *given)
        elif what == "night":
            self.options = dict(zip(("weights", "um_per_px"), given, strict=True))
            night(self.frames, self.out, **self.options)
        else:
            path = self.frames / "E1" / f"{given[0]}.png"
            if what == "change":
                path.write_bytes(picture(given[1]))
            self.time += 1
            os.utime(path, (self.time, self.time))

    def _carry(self, reviewer: Reviewer, known, tissue: str) -> None:
        drawn = [
            int(place)
            for place, frame in known.items()
            if frame["revision"] and frame["record"]["how"] == "drawn" and not frame["problem"]
        ]
        if len(drawn) > 1:
            # Someone may have painted over all of a tissue.
            try:
                reviewer.carry(reviewer.report.stamp, E1, (min(drawn), max(drawn)), tissue, by="C. D.")
            except DataError as error:
                assert "draw it there first" in str(error)


def _corrections(out: Path) -> dict[str, bytes]:
    found = (out / "corrections").rglob("*.*")
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in found}


@settings(max_examples=SEQUENCES, suppress_health_check=list(HealthCheck))
@given(ACTIONS)
def test_any_corrections_stand_over_any_nights(actions) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        lab = _Lab(Path(folder))
        for action in actions:
            lab.happen(*action)
        night(lab.frames, lab.out, **lab.options)
        after, kept = tables(lab.out), _corrections(lab.out)
        ended = night(lab.frames, lab.out, **lab.options, fresh=True)
        assert tables(lab.out) == after
        assert _corrections(lab.out) == kept
        assert not [note for note in ended.notes if "no longer corrected" in note]
        with Journal(lab.out) as journal:
            # The network's own pictures of corrected frames are nobody's to prune.
            assert journal.pictures.missing() == []
        fresh = Path(folder) / "fresh"
        if kept:
            shutil.copytree(lab.out / "corrections", fresh / "corrections")
        night(lab.frames, fresh, **lab.options)
        assert tables(fresh) == after
        assert np.all([path in _corrections(fresh) for path in kept])
