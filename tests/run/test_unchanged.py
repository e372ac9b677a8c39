"""A report that would be the same is left as it lies; whatever it follows from makes it anew."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from blastoseg.records import Status
from blastoseg.run import closing, reporting
from blastoseg.run.events import RunEnded
from blastoseg.run.pipeline import score_folder
from blastoseg.run.request import RunRequest
from blastoseg.settings import Course, Output, Settings
from tests.cheap_nights import make_nights_cheap, picture

PLAIN = Settings(output=Output(review_page=False))


class _Nights:
    """Nights over one folder."""

    def __init__(self, root: Path) -> None:
        self.frames, self.out = root / "day5", root / "out"
        self.add("0.png")
        self.add("1.png")

    def add(self, name: str, content: bytes = picture(0)) -> None:
        path = self.frames / "E1" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def ended(self, **asked: Any) -> RunEnded:
        asked = {"settings": PLAIN, "engine": "torch"} | asked
        *_, ended = score_folder(RunRequest([self.frames], out=self.out, **asked))
        assert isinstance(ended, RunEnded)
        return ended

    def leaves_the_report(self, **asked: Any) -> bool:
        """Whether a night leaves it; its files are those of a night that wrote it in any case."""
        before = self._written()
        self.ended(**asked)
        return self._written() == before

    def _written(self) -> dict[str, int]:
        files = ("frames.csv", "embryos.csv", "report.xlsx")
        return {name: (self.out / name).stat().st_mtime_ns for name in files if (self.out / name).exists()}


@pytest.fixture
def nights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _Nights:
    make_nights_cheap(monkeypatch)
    monkeypatch.setattr(reporting, "write_workbook", lambda path, *_, **__: path.write_bytes(b"sheets"))
    monkeypatch.setattr(reporting, "take_over", lambda _: SimpleNamespace(notes={}, said=[]))
    return _Nights(tmp_path)


def test_a_night_with_nothing_new_leaves_the_report_and_tells_of_itself(nights: _Nights) -> None:
    first = nights.ended()
    told = json.loads((nights.out / "run.json").read_text())
    assert nights.leaves_the_report()
    now = json.loads((nights.out / "run.json").read_text())
    assert (told["frames_new"], now["frames_new"]) == (2, 0)
    assert now["report_written_utc"] == told["report_written_utc"]
    own = {
        "device",
        "batch_size",
        "frames_new",
        "frames_unchanged",
        "started_utc",
        "started_local",
        "ended_utc",
        "ended_local",
    }
    assert {name: now[name] for name in now if name not in own} == {
        name: told[name] for name in told if name not in own
    }
    again = nights.ended()
    assert again.counts == first.counts
    assert list(again.embryos["embryo_id"]) == list(first.embryos["embryo_id"])
    assert "stands" in (nights.out / "run.log").read_text()


DISTURBANCES: dict[str, Callable[[_Nights], object]] = {
    "a new frame": lambda nights: nights.add("2.png"),
    "another picture in a frame's place": lambda nights: nights.add("1.png", picture(1)),
    "a frame that is gone": lambda nights: (nights.frames / "E1" / "1.png").unlink(),
    "a frame that cannot be read": lambda nights: nights.add("3.png", b"none"),
    "a mask that somebody deleted": lambda nights: next(nights.out.glob("masks/*/*")).unlink(),
    "a mask that somebody changed": lambda nights: next(nights.out.glob("masks/*/*")).write_bytes(b"other"),
    "a table that somebody changed": lambda nights: (nights.out / "embryos.csv").write_text("none"),
    "a table that is gone": lambda nights: (nights.out / "events.csv").unlink(),
    "a workbook that somebody wrote notes into": lambda nights: (nights.out / "report.xlsx").write_text("n"),
    "a verdict": lambda nights: (nights.out / "verdicts.json").write_text('{"verdicts": []}'),
    "a correction": lambda nights: (
        (nights.out / "corrections").mkdir() or (nights.out / "corrections" / "1.txt").write_text("none")
    ),
}
OPTIONS: tuple[dict[str, Any], ...] = (
    {"um_per_px": 0.5},
    {"settings": PLAIN.model_copy(update={"course": Course(recent_h=1.0)})},
    {"keep_missing": True},
    {"overlays": False},
)


@pytest.mark.parametrize("disturbance", DISTURBANCES.values(), ids=list(DISTURBANCES))
def test_what_a_report_follows_from_makes_it_anew_once(
    nights: _Nights, disturbance: Callable[[_Nights], object]
) -> None:
    nights.ended()
    disturbance(nights)
    assert not nights.leaves_the_report()
    assert nights.leaves_the_report()


@pytest.mark.parametrize("asked", OPTIONS, ids=lambda asked: next(iter(asked)))
def test_so_does_what_the_run_is_asked(nights: _Nights, asked: dict[str, Any]) -> None:
    nights.ended()
    assert not nights.leaves_the_report(**asked)
    assert nights.leaves_the_report(**asked)


def test_what_was_to_be_said_of_the_report_is_said_every_night(nights: _Nights) -> None:
    nights.ended()
    (nights.out / "verdicts.json").write_text("damaged")
    for _ in range(2):
        assert any("verdicts.json" in note for note in nights.ended().notes)


def test_a_night_in_which_all_goes_wrong_is_told_where_the_report_stands(nights: _Nights) -> None:
    nights.add("0.png", b"none")
    nights.add("1.png", b"none")
    ended = [nights.ended(), nights.ended()]
    assert [one.counts[Status.FAILED] for one in ended] == [2, 2]
    assert ended[0].exit_code == ended[1].exit_code


def test_a_record_of_another_form_is_none() -> None:
    run = SimpleNamespace(outcome={"report": {"made_of": "x"}})
    assert closing.last_record([run]) is None  # type: ignore[list-item]
