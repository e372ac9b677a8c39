"""The register of pictures: what runs wrote, and whose frames are gone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from blastoseg.records import FrameRef, FrameResult, Status
from blastoseg.run.journal import FrameKey, Journal, Picture, ScoredWith, StoredFrame
from blastoseg.sources.addresses import WholeImage

from .old_versions import make_older

STARTER = ScoredWith("a" * 64, "b" * 64, "1")
FINETUNED = ScoredWith("c" * 64, "b" * 64, "1")
FIRST, SECOND = "masks/E1/00000-a.png", "masks/E1/00001-b.png"


def _record(journal: Journal, mask: str, scored_with: ScoredWith = STARTER) -> FrameKey:
    ref = FrameRef("E1", f"{Path(mask).stem}.jpg", Path("/none"), 0, WholeImage())
    key = FrameKey(ref.source, "", "1:1")
    journal.record(scored_with, key, FrameResult(ref, Status.OK, mask_file=mask))
    journal.flush()
    return key


def _done(journal: Journal, scored_with: ScoredWith, key: FrameKey, **asked: Any) -> StoredFrame | None:
    [found] = journal.done(scored_with, [key], **asked)
    return found


def test_a_picture_is_missing_once_a_whole_run_lacks_its_frame_and_until_the_frame_is_back(
    tmp_path: Path,
) -> None:
    (tmp_path / "masks" / "E1").mkdir(parents=True)
    (tmp_path / FIRST).write_bytes(b"123")
    with Journal(tmp_path) as journal:
        for mask in (FIRST, SECOND):
            _record(journal, mask)
        assert journal.pictures.missing() == []
        journal.pictures.note_missing([SECOND])
        assert journal.pictures.missing() == [Picture(FIRST, 3)]
        assert journal.pictures.missing(datetime.now(UTC) - timedelta(days=1)) == []
        journal.pictures.claim(written=[], kept=[FIRST])
        assert journal.pictures.missing() == []


def test_a_picture_is_known_before_it_is_written(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.pictures.claim(written=[FIRST], kept=[])
    with Journal(tmp_path) as journal:
        journal.pictures.note_missing([])
        assert journal.pictures.missing() == [Picture(FIRST, None)]
        journal.pictures.forget([FIRST])
        assert journal.pictures.missing() == []


def test_a_picture_that_a_system_without_case_takes_for_one_that_stays_is_not_missing(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        _record(journal, FIRST)
        journal.pictures.note_missing([])
        _record(journal, FIRST.replace("E1", "e1"))
        assert journal.pictures.missing() == []


def test_a_row_whose_picture_another_frame_overwrites_is_not_done_but_its_content_was_seen(
    tmp_path: Path,
) -> None:
    with Journal(tmp_path) as journal:
        key = _record(journal, FIRST)
        for _ in range(2):
            journal.pictures.claim(written=[FIRST], kept=[])
            assert not _done(journal, STARTER, key)
            assert list(journal.unseen([key])) == []


def test_a_frame_is_unseen_until_some_weights_scored_this_very_content(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        known = _record(journal, FIRST, FINETUNED)
        changed = FrameKey(known.source, known.address, "2:2")
        new = FrameKey("new.jpg", "", "1:1")
        assert list(journal.unseen([known, changed, new])) == [changed, new]


def test_a_frame_whose_picture_was_deleted_by_hand_is_not_done(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        key = _record(journal, FIRST)
        assert _done(journal, STARTER, key, there={FIRST.casefold()})
        assert not _done(journal, STARTER, key, there=set())


def test_the_ledger_of_an_earlier_version_knows_its_pictures(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        key = _record(journal, FIRST)
    make_older(tmp_path / "journal.sqlite", 1)
    with Journal(tmp_path) as journal:
        assert not _done(journal, STARTER, key), "made by stages that nobody knows"
        assert list(journal.unseen([key])) == [], "and yet not new"
        journal.pictures.note_missing([])
        assert journal.pictures.missing() == [Picture(FIRST, None)]
