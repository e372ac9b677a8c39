"""What label images give: rows and a report as a run's, without any network."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from blastoseg.errors import EXIT_FRAMES_FAILED, EXIT_OK, UnreadableFrameError, UsageError
from blastoseg.records import FrameResult, Status
from blastoseg.report.manifest import RunManifest
from blastoseg.run.corrections.masks import KnownFrame, KnownMasks
from blastoseg.run.journal.history import JOURNAL_FILE
from blastoseg.run.outputs import OutputFolder
from blastoseg.run.reporting import Report
from blastoseg.run.request import RunRequest
from blastoseg.settings import Settings
from blastoseg.sources.label_images import find_label_images, read_label_image
from blastoseg.sources.names import printable
from blastoseg.stages import REVISIONS, failed_frame, measure_label_image

NO_WEIGHTS = "none: label images"


def measure_label_images(
    masks: list[Path], out: Path, settings: Settings, um_per_px: float | None
) -> pd.DataFrame:
    """Measure and judge label images, and write tables and workbook into ``out``; returns the frames.

    One that lies in a run's output folder has embryo, hours and pixel size as the report there says;
    ``um_per_px`` comes before it. An image that cannot be read is a ``failed`` row. Raises InputNotFoundError
    for a path without label images, UsageError where ``out`` is a run's, OutputError where the disk refuses.
    """
    started, folder = datetime.now(UTC), OutputFolder(out)
    refs = find_label_images(masks)
    if (out / JOURNAL_FILE).exists():
        raise UsageError(f"--out {out}: is the output folder of runs, whose report stays: choose another")
    known = KnownMasks()
    frames = _in_order(known.frame_of(ref) for ref in refs)
    results = (_result_of(frame, settings, um_per_px) for frame in frames)
    request = RunRequest(paths=masks, settings=settings, out=out, um_per_px=um_per_px)
    folder.create()
    report = Report((one.row() | {"about": one.ref.about} for one in results), request, out)
    report.write(folder, _manifest(report, request, started))
    return report.tables.frames


def _in_order(frames: Iterable[KnownFrame]) -> list[KnownFrame]:
    """Each embryo's frames in the order of its series, embryos as they were found."""
    found = list(frames)
    place = {name: number for number, name in enumerate(dict.fromkeys(one.ref.embryo_id for one in found))}
    return sorted(found, key=lambda one: (place[one.ref.embryo_id], one.ref.frame_index))


def _result_of(frame: KnownFrame, settings: Settings, um_per_px: float | None) -> FrameResult:
    ref = frame.ref
    size, source = settings.pixel_size.known(um_per_px, ref.um_per_px, ref.um_per_px_source)
    try:
        labels = read_label_image(ref.path, ref.source)
    except UnreadableFrameError as error:
        return replace(failed_frame(ref, str(error)), um_per_px=size, um_per_px_source=source)
    result = measure_label_image(ref, labels, settings.quality, size, um_per_px_source=source)
    return replace(result, corrected=frame.corrected)


def _manifest(report: Report, request: RunRequest, started: datetime) -> RunManifest:
    settings = request.settings
    return RunManifest(
        inputs=[printable(path.name) for path in request.paths],
        weights=NO_WEIGHTS,
        weights_sha256="",
        device="",
        precision="",
        batch_size=0,
        settings=settings.model_dump(mode="json"),
        settings_sha256=settings.digest(),
        pixel_sizes=report.pixel_sizes,
        counts=report.counts,
        embryos=len(report.embryos),
        exit_code=EXIT_FRAMES_FAILED if report.counts[Status.FAILED] else EXIT_OK,
        started=started,
        ended=datetime.now(UTC),
        stages=REVISIONS,
    )
