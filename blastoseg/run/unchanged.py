"""Whether the report that lies in OUT is the one that a run would write.

The ledger's history keeps two digests of every report: of all that it was made of, and of its files once they
were written. Where both are as they were the report stands: its bytes would be the same, but for what the
workbook says of the run that wrote it.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blastoseg.files import clash_key
from blastoseg.report.dataset import FOLDER as DATASET
from blastoseg.report.manifest import installed_software
from blastoseg.run.journal import RunRecord, StoredFrame
from blastoseg.run.journal.history import JOURNAL_FILE
from blastoseg.run.journal.run_log import LOG_FILE
from blastoseg.run.outputs import CORRECTIONS, PAGES, OutputFolder

if TYPE_CHECKING:
    from blastoseg.run.pipeline import Run

OF_THE_RUN_ALONE = ("device", "precision", "batch_size")
"""What no number of a report follows from once its frames are in the ledger."""


@dataclass(frozen=True, slots=True)
class ReportRecord:
    """What the history keeps of a report: the digests, and when it was written, ISO 8601 in UTC.

    ``manifest`` is that of ``run.json``, which every run writes; ``files`` of all others.
    """

    made_of: str
    files: str
    manifest: str
    written_utc: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for the ledger's history."""
        return {"report": asdict(self)}


def last_record(runs: Iterable[RunRecord]) -> ReportRecord | None:
    """That of the last run that left one; None where none did, or by another version's notes."""
    kept = [run.outcome["report"] for run in runs if "report" in run.outcome]
    try:
        return ReportRecord(**kept[-1]) if kept else None
    except TypeError:
        return None


def made_of(run: "Run", there: Mapping[str, str]) -> str:
    """The digest of all that the report of a run follows from; ``there`` is ``OutputFolder.pictures``."""
    request, digest = run.request, hashlib.sha256()
    told = {
        **{name: value for name, value in asdict(run.provenance).items() if name not in OF_THE_RUN_ALONE},
        "software": installed_software(),
        "scored_with": astuple(run.scored_with),
        "asked": [request.overlays, request.keep_missing, request.pdf],
        "letters": request.letters.sha256 if request.letters else "",
        "archive": "" if request.archive is None else request.archive.to_csv(index=False),
    }
    digest.update(json.dumps(told, sort_keys=True).encode())
    digest.update(run.work.made_of(run.journal, run.scored_with, there))
    if request.keep_missing:
        for stored in run.journal.all_stored(run.scored_with):
            digest.update(made_of_frame(stored, stored.around, there))
    for place, content in _contents(run.out.root, [run.out.verdicts.name], [CORRECTIONS]):
        digest.update(f"{place}\0{content}\n".encode())
    return digest.hexdigest()


def made_of_frame(stored: StoredFrame, around: str, there: Mapping[str, str]) -> bytes:
    """What a frame's reported row follows from: its row in the ledger, what is around it, its pictures."""
    pictures = [there.get(clash_key(path), "") for path in (stored.mask_file, stored.overlay_file)]
    return "\0".join((stored.digest, around, *pictures, "\n")).encode("utf-8", "backslashreplace")


def digest_of_files(out: OutputFolder) -> str:
    """The digest of every file of a report but ``run.json``, as they lie in OUT now.

    Raises OSError as the system does.
    """
    digest = hashlib.sha256()
    apart = {JOURNAL_FILE, f"{JOURNAL_FILE}-journal", LOG_FILE, out.verdicts.name, out.manifest.name}
    with os.scandir(out.root) as entries:
        own = [one.name for one in entries if one.is_file() and not one.name.startswith(".")]
    names = sorted(set(own) - apart)
    for place, content in _contents(out.root, names, [out.review.name, PAGES, DATASET]):
        digest.update(f"{place}\0{content}\n".encode())
    return digest.hexdigest()


def digest_of_manifest(out: OutputFolder) -> str:
    """The digest of ``run.json``; "" where there is none."""
    return next((content for _, content in _contents(out.root, [out.manifest.name], [])), "")


def _contents(root: Path, files: Iterable[str], folders: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Path and SHA-256 of the files that there are, and of all in the folders, always in the same order."""
    places = [root / name for name in files]
    for folder in folders:
        for parent, below, names in os.walk(root / folder):
            below.sort()
            places += [Path(parent, name) for name in sorted(names)]
    for path in places:
        if path.is_file():
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            yield path.relative_to(root).as_posix().encode("utf-8", "backslashreplace").decode(), content
