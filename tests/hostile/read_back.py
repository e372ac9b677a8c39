"""How what blastoseg wrote itself is read again: a disk, a share or a person may have changed it since."""

from collections.abc import Callable
from pathlib import Path

from blastoseg.columns import EMBRYO_COLUMNS, EVENT_COLUMNS, FRAME_COLUMNS
from blastoseg.errors import BlastosegError
from blastoseg.evaluation.comparison.protocol import read_protocol
from blastoseg.evaluation.comparison.results import load_result
from blastoseg.evaluation.letter_fit import weights_of_run
from blastoseg.evaluation.runs import compare_runs
from blastoseg.records import FrameRef
from blastoseg.report.finished import Run
from blastoseg.report.manifest import read_manifest
from blastoseg.report.review.script import to_script
from blastoseg.report.review.written import is_whole, read_list, remove_own
from blastoseg.report.tables import read_csv, typed_table, write_csv
from blastoseg.run.corrections.drawing import plain_frame
from blastoseg.run.corrections.folder import read_corrections, read_labels
from blastoseg.run.corrections.masks import KnownMasks
from blastoseg.run.corrections.standing import _corrected_in
from blastoseg.run.exporting import ExportRequest, chosen_rows
from blastoseg.run.gone import _embryos_in
from blastoseg.run.journal import FrameKey, Journal, ScoredWith, as_row, read_runs
from blastoseg.run.journal.repair import repair_ledger
from blastoseg.run.journal.shown import row_of, shown_frames
from blastoseg.run.outputs import CORRECTIONS
from blastoseg.run.part import PartRecord
from blastoseg.run.prune import find_prunable
from blastoseg.run.reviewing.files import served_file
from blastoseg.run.verdicts import _embryos_of
from blastoseg.sources.addresses import WholeImage

RECORD = "00010-E001_RUN10_F0-0123456789ab.json"
SCORED_WITH = ScoredWith("a" * 64, "b" * 64, "1")


def read_by_all(
    path: Path, *readers: Callable[[], object], refusals: tuple[type[Exception], ...] = (BlastosegError,)
) -> None:
    """Opens a file as all its readers do: what one of them refuses must not hide the others."""
    problem: Exception | None = None
    for read in readers:
        try:
            read()
        except refusals as error:
            assert path.name in str(error), f"does not name its file: {error}"
            problem = error
    if problem:
        raise problem


def open_ledger(path: Path) -> None:
    """As every command that reads one."""
    out = path.parent
    read_by_all(
        path,
        lambda: read_runs(out),
        lambda: [row_of(out, shown) for shown in shown_frames(out).values()],
        lambda: _go_on(out),
        lambda: repair_ledger(out),
        lambda: _go_on(out),
    )


def _go_on(out: Path) -> None:
    """The next run, and what is pruned after it."""
    with Journal(out) as journal:
        journal.start_run({})
        rows = list(journal.all_stored(SCORED_WITH))
        keys = [FrameKey(row.source, row.address, row.content) for row in rows]
        list(journal.unseen(keys))
        list(journal.done(SCORED_WITH, keys, there=()))
        list(map(as_row, rows))
        find_prunable(out, journal)


def open_frames(path: Path) -> None:
    """As the next run, an export and a comparison of runs, and beside a mask that is named there."""
    out = path.parent
    mask = out / "masks" / "E001" / "00010-E001_RUN10_F0.png"
    ref = FrameRef("E001", mask.name, mask, 10, WholeImage())
    write_csv(typed_table([], EVENT_COLUMNS), out / "events.csv")
    run = Run.open(out)
    read_by_all(
        path,
        lambda: _corrected_in(path),
        lambda: KnownMasks().frame_of(ref),
        lambda: chosen_rows(run.frames, ExportRequest(out, "parquet", every=2, corrected=True)),
        lambda: len(run.frames) and compare_runs(run, run),
    )


def open_embryos(path: Path) -> None:
    """As the next run, verdicts, and grades that are fitted to it."""
    read_by_all(
        path,
        lambda: read_csv(path, EMBRYO_COLUMNS),
        lambda: _embryos_in(path),
        lambda: _embryos_of(path.parent),
    )


def open_manifest(path: Path) -> None:
    """As a review and an export, and as grades."""
    read_by_all(path, lambda: read_manifest(path), lambda: weights_of_run(path.parent))


def open_part(path: Path) -> None:
    """As ``merge``."""
    PartRecord.read(path.parent)


def open_correction(path: Path) -> None:
    """As the next run: a correction that is none is told of, and left alone."""
    folder = path.parent / CORRECTIONS / "E001"
    folder.mkdir(parents=True)
    path.rename(folder / path.name)
    found = read_corrections(path.parent)
    assert bool(found.kept) != bool(found.problems)
    for kept in found.kept.values():
        kept.record.plain()
        kept.record.told(is_hidden=False)
        try:
            read_labels(path.parent, kept)
        except BlastosegError as error:
            assert kept.mask_file in str(error), f"does not name its file: {error}"


def open_page(path: Path) -> None:
    """The list of what was written of a page, as the next run reads it."""
    written = read_list(path.parent).values()
    to_script("index", [one.entry for one in written])
    for one in written:
        is_whole(path.parent, one)
        remove_own(path.parent, one.files)


def open_page_data(path: Path) -> None:
    """What the server of a page gives out, as data and nothing else."""
    folder = path.parent / "review" / "data"
    folder.mkdir(parents=True)
    path.rename(folder / path.name)
    served_file(path.parent, f"review/data/{path.name}")


def open_result(path: Path) -> None:
    """Of a comparison of networks."""
    result = load_result(path.parent)
    assert result is not None
    for image in result.tested:
        assert image.table.shape


def open_protocol(path: Path) -> None:
    """Of a comparison of networks, as it goes on."""
    read_protocol(path.parent)


def open_overlay(path: Path) -> None:
    """As the page's editor shows the frame under it, and as a person's own program reads it."""
    run = Run(path.parent, typed_table([{"overlay": path.name}], FRAME_COLUMNS))
    row = run.frames.iloc[0].to_dict()
    read_by_all(path, lambda: plain_frame(path.parent, "", path.name), lambda: run.overlay(row))
