"""The run's provenance: everything needed to say how a number came about, as ``run.json``."""

import getpass
import json
import platform
import socket
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd

from blastoseg import RESEARCH_USE_ONLY, __version__
from blastoseg.errors import OutputError
from blastoseg.settings import Settings

LIBRARIES = (
    "torch",
    "onnxruntime",
    "numpy",
    "opencv-python",
    "opencv-python-headless",
    "pandas",
    "scikit-image",
)

PIXEL_SIZE_COLUMNS = ("um_per_px", "um_per_px_source")


def installed_software() -> dict[str, str]:
    """Versions of blastoseg, Python and the libraries that make the numbers, without importing them."""
    software = {"blastoseg": __version__, "python": platform.python_version()}
    for library in LIBRARIES:
        try:
            software[library] = version(library)
        except PackageNotFoundError:
            continue
    return software


def user_name() -> str:
    """The name of the user who runs this, "unknown" where the system has none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        # A container's user may have a number and no name.
        return "unknown"


@dataclass(frozen=True, slots=True)
class UsedPixelSize:
    """A pixel size of the run, where it comes from, and on how many frames it was used."""

    um_per_px: float | None
    source: str
    frames: int


def used_pixel_sizes(frames: Iterable[pd.DataFrame]) -> list[UsedPixelSize]:
    """The pixel sizes in the parts of a frames table, most used first; frames without one are told too."""
    used: Counter[tuple[float | None, str]] = Counter()
    for part in frames:
        groups = part[list(PIXEL_SIZE_COLUMNS)].value_counts(dropna=False).reset_index()
        for size, source, count in groups.itertuples(index=False, name=None):
            known = None if pd.isna(size) else float(size)
            used[known, "" if pd.isna(source) else str(source)] += int(count)
    return [UsedPixelSize(size, source, count) for (size, source), count in used.most_common()]


@dataclass(frozen=True, slots=True)
class RunManifest:
    """One run's provenance. Paths are names as given, never a person's folders; times carry their zone.

    ``frames_new`` are new or changed since the runs before; ``stopped`` says why a run ended early;
    ``letters_sha256`` is that of the file of ``--grades``, ``archive_embryos`` how many ``--archive`` held;
    ``report_written_utc`` is when an earlier run wrote the report that stands, empty where this one does;
    ``pseudonyms`` is the fingerprint of their key, empty without one; ``stages`` are their revisions,
    ``engine`` what computed the networks' passes; ``part``
    is that of several which this run scored, such as 3/8, ``parts_joined`` how many a report was joined from.
    """

    inputs: list[str]
    weights: str
    weights_sha256: str
    device: str
    precision: str
    batch_size: int
    settings: dict[str, Any]
    settings_sha256: str
    pixel_sizes: list[UsedPixelSize]
    counts: dict[str, int]
    embryos: int
    exit_code: int
    started: datetime
    ended: datetime
    frames_new: int = 0
    frames_unchanged: int = 0
    files_still_being_written: int = 0
    frames_left: int = 0
    stopped: str = ""
    engine: str = ""
    pseudonyms: str = ""
    embryo_table_sha256: str = ""
    part: str = ""
    parts_joined: int = 0
    letters_sha256: str = ""
    archive_embryos: int = 0
    report_written_utc: str = ""
    stages: dict[str, int] = field(default_factory=dict)
    software: dict[str, str] = field(default_factory=installed_software)
    host: str = field(default_factory=socket.gethostname)
    user: str = field(default_factory=user_name)
    notice: str = RESEARCH_USE_ONLY

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON and for the workbook: times in UTC and in the machine's zone."""
        plain = asdict(self)
        for name in ("started", "ended"):
            moment: datetime = plain.pop(name)
            plain[f"{name}_utc"] = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            plain[f"{name}_local"] = moment.astimezone().isoformat(timespec="seconds")
        plain["report_written_utc"] = plain["report_written_utc"] or plain["ended_utc"]
        return plain


def write_manifest(path: Path, manifest: RunManifest) -> None:
    """Write ``run.json``: strict JSON, UTF-8, sorted by nothing but the order of the fields."""
    text = json.dumps(manifest.as_dict(), indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def read_manifest(path: Path) -> dict[str, Any]:
    """What ``run.json`` says of the run that wrote it, its ``settings`` as ``Settings``.

    OutputError where it is not there, damaged, or another version's.
    """
    try:
        manifest: dict[str, Any] = json.loads(path.read_text("utf-8"))
        weights = {name: str(manifest[name]) for name in ("weights", "weights_sha256")}
        return manifest | weights | {"settings": Settings.model_validate(manifest["settings"])}
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise OutputError(
            f"{path}: is missing or damaged ({error}): run blastoseg on {path.parent} again"
        ) from error
