"""The ledger keeps every finished frame, whatever happens to the run."""

import errno
import math
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blastoseg import columns, files
from blastoseg.errors import InputNotFoundError, OutputError
from blastoseg.records import FrameRef, FrameResult, Status
from blastoseg.run.journal import FrameKey, Journal, ScoredWith, StoredFrame, read_runs
from blastoseg.run.journal.history import JOURNAL_FILE
from blastoseg.run.journal.rows import decode_row, encode_row
from blastoseg.sources.addresses import WholeImage

STARTER = ScoredWith("a" * 64, "b" * 64, "1")
FINETUNED = ScoredWith("c" * 64, "b" * 64, "1")


def _result(
    index: int, embryo: str = "WELL7", status: Status = Status.OK, **measures: float | int | bool | None
) -> FrameResult:
    source = f"{embryo}/RUN{index}.jpeg"
    ref = FrameRef(embryo, source, Path("/none") / source, index, WholeImage())
    return FrameResult(ref, status, measures=dict(measures), overlay_file=f"overlays/{embryo}/{index}.jpg")


def _key(result: FrameResult, content: str = "1:1") -> FrameKey:
    return FrameKey(result.ref.source, "", content)


def _done(journal: Journal, scored_with: ScoredWith, key: FrameKey, **asked: Any) -> StoredFrame | None:
    [found] = journal.done(scored_with, [key], **asked)
    return found


def test_a_recorded_frame_is_done_for_its_content_weights_and_settings_only(tmp_path: Path) -> None:
    result = _result(1, blastocyst_area_px2=100.0)
    with Journal(tmp_path) as journal:
        assert not _done(journal, STARTER, _key(result))
        journal.record(STARTER, _key(result), result)
    with Journal(tmp_path) as journal:
        assert _done(journal, STARTER, _key(result))
        assert not _done(journal, STARTER, _key(result, "1:2"))
        assert not _done(journal, FINETUNED, _key(result))
        assert not _done(journal, ScoredWith("a" * 64, "d" * 64, "1"), _key(result))
        assert not _done(journal, ScoredWith("a" * 64, "b" * 64, "2"), _key(result))


def test_results_of_other_weights_stay_beside_and_are_not_mixed(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        for scored_with, area in ((STARTER, 100.0), (FINETUNED, 200.0)):
            result = _result(1, blastocyst_area_px2=area)
            journal.record(scored_with, _key(result), result)
        areas = [
            [row["blastocyst_area_px2"] for row in journal.rows(scored_with)]
            for scored_with in (STARTER, FINETUNED)
        ]
    assert areas == [[100.0], [200.0]]


def test_a_failed_frame_and_one_without_its_overlay_are_tried_again(tmp_path: Path) -> None:
    failed, bare = _result(1, status=Status.FAILED), _result(2)
    bare.overlay_file = ""
    with Journal(tmp_path) as journal:
        for result in (failed, bare):
            journal.record(STARTER, _key(result), result)
        journal.flush()
        assert not _done(journal, STARTER, _key(failed))
        assert _done(journal, STARTER, _key(bare))
        assert not _done(journal, STARTER, _key(bare), with_overlay=True)


def test_the_names_of_pictures_are_on_the_disk_before_the_rows_that_name_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = [_result(1), _result(2), _result(1, embryo="WELL8")]
    flushed: list[tuple[Path, int]] = []

    def flush(folder: Path) -> None:
        with closing(sqlite3.connect(tmp_path / JOURNAL_FILE)) as database:
            flushed.append((folder, database.execute("SELECT COUNT(*) FROM frames").fetchone()[0]))

    with Journal(tmp_path) as journal:
        for result in results:
            journal.record(STARTER, _key(result), result)
        with monkeypatch.context() as watched:
            watched.setattr(files, "_flush_folder", flush)
            journal.flush()
        assert flushed == [(tmp_path / "overlays" / name, 0) for name in ("WELL7", "WELL8")]
        assert len(list(journal.rows(STARTER))) == 3


def test_rows_are_not_written_where_the_names_of_their_pictures_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with Journal(tmp_path) as journal:
        journal.record(STARTER, _key(_result(1)), _result(1))
        with monkeypatch.context() as failing:
            failing.setattr(files, "_flush_folder", refuse)
            with pytest.raises(OutputError, match="Input/output error"):
                journal.flush()
        with closing(sqlite3.connect(tmp_path / JOURNAL_FILE)) as database:
            assert database.execute("SELECT COUNT(*) FROM frames").fetchone() == (0,)


def test_rows_come_in_natural_order_or_in_the_order_asked_for(tmp_path: Path) -> None:
    results = [_result(index, embryo) for embryo in ("WELL10", "WELL7") for index in (10, 2)]
    with Journal(tmp_path) as journal:
        for result in results:
            journal.record(STARTER, _key(result), result)
        natural = [row["source"] for row in journal.rows(STARTER)]
        asked = [_key(results[0]), FrameKey("unknown", "", ""), _key(results[3])]
        chosen = [row["source"] for row in journal.rows(STARTER, asked)]
    assert natural == ["WELL7/RUN2.jpeg", "WELL7/RUN10.jpeg", "WELL10/RUN2.jpeg", "WELL10/RUN10.jpeg"]
    assert chosen == ["WELL10/RUN10.jpeg", "WELL7/RUN2.jpeg"]


_VALUES = {
    "float": st.floats(allow_infinity=False) | st.floats(width=32, allow_infinity=False).map(np.float32),
    "int": st.none() | st.integers(-(2**53), 2**53) | st.integers(0, 99).map(np.int64),
    "bool": st.none() | st.booleans() | st.booleans().map(np.bool_),
    "str": st.text(),
}


@settings(max_examples=60, deadline=None)
@given(st.fixed_dictionaries({column.name: _VALUES[column.dtype] for column in columns.FRAME_COLUMNS}))
def test_every_row_comes_back_as_it_was_with_undefined_as_nan_or_none(row: dict[str, Any]) -> None:
    text = encode_row(row)
    back = decode_row(text)
    assert "NaN" not in text.replace(json_strings(row), "")
    assert list(back) == list(row)
    for name, value in row.items():
        if isinstance(value, float | np.floating) and math.isnan(value):
            assert math.isnan(back[name])
        else:
            assert back[name] == value
            assert not isinstance(back[name], np.generic)


def json_strings(row: dict[str, Any]) -> str:
    """A text that cannot occur, unless a text column itself says NaN."""
    return "NaN" if any("NaN" in value for value in row.values() if isinstance(value, str)) else "\0"


def test_an_infinite_measure_is_refused(tmp_path: Path) -> None:
    result = _result(1, blastocyst_area_px2=math.inf)
    with Journal(tmp_path) as journal, pytest.raises(ValueError, match="JSON"):
        journal.record(STARTER, _key(result), result)


def test_a_file_name_that_is_no_valid_unicode_can_be_recorded(tmp_path: Path) -> None:
    result = _result(1, embryo="caf\udce9 'x'\n🐣")
    result.overlay_file = "overlays/caf_x/1.jpg"
    with Journal(tmp_path) as journal:
        journal.record(STARTER, _key(result), result)
        journal.flush()
        assert _done(journal, STARTER, _key(result))
        assert [row["embryo_id"] for row in journal.rows(STARTER)] == [result.ref.embryo_id]


def test_the_history_of_runs_cannot_be_rewritten(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.start_run({})
    database = sqlite3.connect(tmp_path / "journal.sqlite")
    for statement in ("DELETE FROM run_events", "UPDATE run_events SET at = ''"):
        with pytest.raises(sqlite3.IntegrityError):
            database.execute(statement)
    database.close()


def test_a_damaged_ledger_is_named_and_a_missing_one_too(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match=r"journal\.sqlite"):
        read_runs(tmp_path)
    (tmp_path / "journal.sqlite").write_bytes(b"this is no database, but longer than its header" * 100)
    with pytest.raises(OutputError, match="damaged"), Journal(tmp_path):
        pass
    with pytest.raises(OutputError, match="damaged"):
        read_runs(tmp_path)


def test_a_digit_that_flipped_in_a_row_is_noticed_and_no_tables_are_missed(tmp_path: Path) -> None:
    result = _result(1, blastocyst_area_px2=1234.0)
    with Journal(tmp_path) as journal:
        journal.record(STARTER, _key(result), result)
    with sqlite3.connect(tmp_path / "journal.sqlite") as database:
        database.execute("UPDATE frames SET row = replace(row, '1234.0', '1284.0')")
    with Journal(tmp_path) as journal:
        with pytest.raises(OutputError, match=r"the row of WELL7/RUN1\.jpeg is not as it was written"):
            list(journal.rows(STARTER))
        with pytest.raises(OutputError, match="move it away"):
            _done(journal, STARTER, _key(result))
    with sqlite3.connect(tmp_path / "journal.sqlite") as database:
        database.execute("DROP TABLE pictures")
    with pytest.raises(OutputError, match="is damaged"), Journal(tmp_path):
        pass


def test_a_frame_whose_name_is_no_text_any_more_is_not_left_out_of_a_report(tmp_path: Path) -> None:
    results = [_result(1), _result(2)]
    with Journal(tmp_path) as journal:
        for result in results:
            journal.record(STARTER, _key(result), result)
    ledger = tmp_path / "journal.sqlite"
    whole = ledger.read_bytes()
    ledger.write_bytes(whole.replace(b"WELL7/RUN1.jpeg", b"WELL7/RUN1.jpe\xe7", 1))
    assert ledger.read_bytes() != whole
    with Journal(tmp_path) as journal, pytest.raises(OutputError, match=r"is damaged .* has no row"):
        list(journal.rows(STARTER))


def test_a_ledger_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    with Journal(tmp_path):
        pass
    database = sqlite3.connect(tmp_path / "journal.sqlite")
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(OutputError, match="newer"), Journal(tmp_path):
        pass


WRITE_UNTIL_KILLED = """
import sys
from pathlib import Path
from blastoseg.files import replace_atomically
from blastoseg.records import FrameRef, FrameResult, Status
from blastoseg.run.journal import FrameKey, Journal, ScoredWith
from blastoseg.sources.addresses import WholeImage
out = Path(sys.argv[1])
with Journal(out) as journal:
    journal.start_run({})
    for index in range(10**6):
        ref = FrameRef("7", f"{index}.png", out, index, WholeImage())
        with replace_atomically(out / f"{index % 5}.png") as temporary:
            temporary.write_bytes(bytes([index % 5]) * 20_000)
        journal.record(ScoredWith("w", "s", "1"), FrameKey(ref.source, "", "1"), FrameResult(ref, Status.OK))
        if index == 100:
            print("writing", flush=True)
"""


def test_a_kill_at_any_moment_leaves_a_readable_ledger_and_whole_files(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    counts = [0]
    for _ in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITE_UNTIL_KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        assert writer.stdout.readline() == "writing\n"
        time.sleep(float(random.uniform(0, 0.15)))
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        for name in range(5):
            assert (tmp_path / f"{name}.png").read_bytes() == bytes([name]) * 20_000
        with Journal(tmp_path) as journal:
            rows = list(journal.rows(ScoredWith("w", "s", "1")))
        assert [row["frame_index"] for row in rows] == list(range(len(rows)))
        assert len(rows) >= max(64, counts[-1])
        counts.append(len(rows))
    assert not any(run.ended for run in read_runs(tmp_path))
