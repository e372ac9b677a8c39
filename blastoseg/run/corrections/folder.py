"""``OUT/corrections``: a label image, an overlay and a record for each corrected frame.

The record is written last and names the others, which have new names wherever they differ: whatever a full
disk or a kill leaves behind, the correction before it stands whole. Nothing here belongs to a run, so that no
run overwrites it and nothing is pruned.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pydantic import ValidationError

from blastoseg.errors import OutputError, UnreadableFrameError
from blastoseg.files import replace_atomically, safe_name
from blastoseg.records import Labels
from blastoseg.report.pictures import MASK_SUFFIX, OVERLAY_SUFFIX
from blastoseg.run.corrections.record import MOST_BYTES, FrameIdentity, Record
from blastoseg.run.outputs import CORRECTIONS
from blastoseg.sources.label_images import read_label_image

RECORD_SUFFIX = ".json"


@dataclass(frozen=True, slots=True)
class Kept:
    """A correction in OUT; ``place`` is its record's path, relative to OUT with ``/`` between."""

    place: str
    record: Record

    @property
    def mask_file(self) -> str:
        """Its label image's path, relative to OUT."""
        return str(PurePosixPath(self.place).with_name(self.record.labels))

    @property
    def overlay_file(self) -> str:
        """Its overlay's path, relative to OUT; empty without one."""
        overlay = self.record.overlay
        return str(PurePosixPath(self.place).with_name(overlay)) if overlay else ""

    @property
    def revision(self) -> str:
        """What tells this state of the frame's correction from any other."""
        return hashlib.sha256(json.dumps(self.record.plain()).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Corrections:
    """All corrections in a folder by their frames, and what is wrong with those that cannot be used."""

    kept: dict[FrameIdentity, Kept]
    problems: list[str]


def read_corrections(out: Path) -> Corrections:
    """Every correction in ``out``; a record that cannot be read is told of and left alone."""
    kept: dict[FrameIdentity, Kept] = {}
    problems = []
    for path in _records_in(out / CORRECTIONS):
        place = path.relative_to(out).as_posix()
        try:
            record = _read_record(path)
        except (OSError, ValueError) as error:
            problems.append(f"{place}: is no correction ({_first_line(error)}): restore or remove it")
            continue
        other = kept.get(record.identity)
        if other is not None:
            problems.append(f"{place}: is of the same frame as {other.place}, which counts: remove one")
            continue
        kept[record.identity] = Kept(place, record)
    return Corrections(kept, problems)


def read_labels(out: Path, kept: Kept) -> Labels:
    """A correction's labels ``(y, x)``. UnreadableFrameError for an image that is not as it was saved."""
    path = out / kept.mask_file
    try:
        is_own = not path.is_symlink() and _digest(path.read_bytes()) == kept.record.labels_sha256
    except OSError as error:
        raise UnreadableFrameError(f"{kept.mask_file}: cannot be read ({error.strerror})") from error
    if not is_own:
        raise UnreadableFrameError(f"{kept.mask_file}: is not as it was saved")
    return read_label_image(path, kept.mask_file)


def save_correction(out: Path, record: Record, labels: bytes, overlay: bytes, before: Kept | None) -> Kept:
    """Write a correction in place of the one ``before``; the record's names of files are filled in.

    ``labels`` is a PNG, ``overlay`` a JPEG, empty without one. OutputError where the disk refuses: the
    correction before stands.
    """
    folder = (
        PurePosixPath(before.place).parent if before else PurePosixPath(CORRECTIONS, safe_name(record.embryo))
    )
    stem = PurePosixPath(before.place).stem if before else _stem(record)
    names = {"labels": f"{stem}-{_digest(labels)[:8]}{MASK_SUFFIX}", "overlay": ""}
    if overlay:
        names["overlay"] = f"{stem}-{_digest(overlay)[:8]}{OVERLAY_SUFFIX}"
    whole = record.model_copy(update=names | {"labels_sha256": _digest(labels)})
    now = Kept(str(folder / f"{stem}{RECORD_SUFFIX}"), whole)
    files = {now.mask_file: labels, now.overlay_file: overlay}
    files.pop("", None)
    files[now.place] = json.dumps(whole.plain(), indent=1).encode()
    written = []
    try:
        _check_own(out, folder)
        (out / folder).mkdir(parents=True, exist_ok=True)
        for place, content in files.items():
            written.append(place)
            with replace_atomically(out / place) as temporary:
                temporary.write_bytes(content)
    except OSError as error:
        # What was there before under the same name is the same, byte for byte.
        _remove(out, set(written) - {now.place} - (_files_of(before) if before else set()))
        raise OutputError(
            f"{out / now.place}: cannot be written ({error.strerror or error}): the correction before it "
            "stands: free some space"
        ) from error
    if before:
        _remove(out, _files_of(before) - _files_of(now))
    return now


def withdraw_correction(out: Path, kept: Kept) -> None:
    """Delete a correction: its frame is the network's again. OutputError where the disk refuses."""
    path = out / kept.place
    try:
        _check_own(out, PurePosixPath(kept.place).parent)
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be deleted ({error.strerror}): check rights") from error
    _remove(out, _files_of(kept) - {kept.place})
    with suppress(OSError):
        path.parent.rmdir()


def _files_of(kept: Kept) -> set[str]:
    return {kept.place, kept.mask_file, kept.overlay_file} - {""}


def _remove(out: Path, places: set[str]) -> None:
    for place in places:
        with suppress(OSError):
            (out / place).unlink(missing_ok=True)


def _check_own(out: Path, folder: PurePosixPath) -> None:
    """A link in the folder's place would lead out of OUT."""
    place = out.resolve() / folder
    if place.exists() and place.resolve() != place:
        raise OSError(0, "leads out of the output folder")


def _records_in(folder: Path) -> Iterator[Path]:
    if not folder.is_dir() or folder.is_symlink():
        return
    for embryo in sorted(folder.iterdir()):
        if embryo.is_symlink() or not embryo.is_dir():
            continue
        for entry in sorted(os.scandir(embryo), key=lambda one: one.name):
            if entry.name.endswith(RECORD_SUFFIX) and not entry.name.startswith("."):
                yield Path(entry.path)


def _read_record(path: Path) -> Record:
    if path.is_symlink() or not path.is_file():
        raise OSError(0, "is no plain file")
    if path.stat().st_size > MOST_BYTES:
        raise ValueError("too large")
    record = Record.model_validate_json(path.read_bytes())
    # Names that this program would give: a record that somebody changed must not lead to other files.
    for name, suffix in ((record.labels, MASK_SUFFIX), (record.overlay, OVERLAY_SUFFIX)):
        if name and not (name.startswith(f"{path.stem}-") and name.endswith(suffix)):
            raise ValueError(f"names {name!r}, which is none of its own")
    return record


def _first_line(error: OSError | ValueError) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc'])) or 'JSON'}: {first['msg']}"
    return str(error.strerror or error) if isinstance(error, OSError) else str(error)


def _stem(record: Record) -> str:
    """A name that no two frames share: the file's, and a hash of the frame's identity."""
    name = safe_name(PurePosixPath(record.source).stem)
    return f"{record.frame_index:05d}-{name}-{identity_mark(record.identity)}"


def identity_mark(identity: FrameIdentity) -> str:
    """What in the names of a correction's files says which frame it is of."""
    return _digest(json.dumps(identity).encode())[:12]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
