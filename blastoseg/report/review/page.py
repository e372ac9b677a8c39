"""Writes the page: its own files, the index, and for each embryo that changed its data and pictures."""

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from blastoseg import RESEARCH_USE_ONLY, __version__
from blastoseg.report.film import ALPHABET, FINENESS, TILE_SIDE, TILES_A_SHEET, Shot, legend, make_film
from blastoseg.report.gathered import GatheredTables
from blastoseg.report.headline import MEASURES
from blastoseg.report.review.embryo import (
    described,
    embryo_columns,
    embryo_data,
    episodes_data,
    events_data,
    frame_columns,
    frames_used,
    headlines,
    index_entry,
    planes_data,
)
from blastoseg.report.review.script import to_script
from blastoseg.report.review.written import (
    NOT_YET,
    Written,
    is_whole,
    read_list,
    remove_own,
    write_if_changed,
    write_list,
)

FOLDER = "review"
REVISION = 3
"""To be raised by whoever changes an embryo's files: all are then written again."""
STATIC = "static"
MOST_WORKERS = 4


@dataclass(frozen=True)
class Content:
    """What the page shows: the tables of a report below ``out``, and which weights its numbers are of.

    ``unread`` takes the names of pictures that are gone or damaged.
    """

    out: Path
    tables: GatheredTables
    weights: str
    weights_sha256: str
    verdicts: Sequence[Any] = ()
    unread: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Embryo:
    """One embryo's place in its table, how many frames it has, and what its files are made of."""

    key: str
    place: int
    frames: int
    made_of: str


def write_page(content: Content, check: Callable[[], None] = lambda: None) -> int:
    """Write the page below ``content.out``; returns for how many embryos files were written.

    What did not change is left alone, byte for byte and not touched. ``check`` is called before each embryo
    and raises where the folder is no longer ours. OSError where the disk refuses.
    """
    folder = content.out / FOLDER
    for name, content_of_file in _static_files():
        write_if_changed(folder / name, content_of_file)
    before = read_list(folder)
    embryos = list(_embryos(content))
    changed = [
        one
        for one in embryos
        if one.key not in before
        or before[one.key].made_of != one.made_of
        or not is_whole(folder, before[one.key])
    ]
    written = dict(before)
    if changed:
        # Known before they are written, so that nothing is left behind that nobody knows.
        planned = {one.key: Written("", dict.fromkeys(_names(one), NOT_YET)) for one in changed}
        write_list(folder, written | planned)
        written |= _write_embryos(folder, content, changed, check)
    here = {one.key for one in embryos}
    _remove_others(folder, before, {key: one for key, one in written.items() if key in here})
    current = {one.key: written[one.key] for one in embryos}
    write_if_changed(folder / "index.js", _index(content, [one.entry for one in current.values()]))
    write_verdicts(folder, content.verdicts)
    write_list(folder, current)
    return len(changed)


def write_verdicts(folder: Path, verdicts: Sequence[Any]) -> None:
    """Write what the page shows as the report's verdicts: plain values, oldest first. OSError as usual."""
    write_if_changed(folder / "verdicts.js", to_script("verdicts", verdicts))


def _static_files() -> Iterator[tuple[str, bytes]]:
    folder = files("blastoseg.report.review") / STATIC
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        if file.is_file():
            yield file.name, file.read_bytes()


def key_of(embryo_id: str) -> str:
    """What an embryo's files are called: nothing that a name from outside could lead astray."""
    return hashlib.sha256(embryo_id.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _embryos(content: Content) -> Iterator[_Embryo]:
    tables = content.tables
    fixed = f"{REVISION} {tables.unit}".encode()
    told = [_digests(table) for table in (tables.embryos, tables.events, tables.episodes)]
    used, names = frames_used(tables.unit), ["embryo_id", "frame_index", "focal_plane", "status", "overlay"]
    place = 0
    for batch, planes in zip(tables.batches(used), tables.planes_by_batch(names), strict=True):
        digests = [_digests(batch.frames), *told, _digests(planes)]
        rows_of = batch.frames.groupby("embryo_id", sort=False).indices
        for name in batch.embryos["embryo_id"].astype(str):
            digest = hashlib.sha256(fixed)
            for one in digests:
                digest.update(one.get(name, b"-"))
            for kind in ("mask", "overlay"):
                for path in batch.frames[kind].iloc[rows_of[name]]:
                    digest.update(_stamp(content.out, path))
            yield _Embryo(key_of(name), place, len(rows_of[name]), digest.hexdigest())
            place += 1


def _digests(table: pd.DataFrame) -> dict[str, bytes]:
    """What a table says of each embryo, as bytes that differ where it does."""
    if table.empty:
        return {}
    hashed = pd.util.hash_pandas_object(table, index=False).to_numpy()
    places = table.groupby("embryo_id", sort=False).indices
    return {str(name): hashed[rows].tobytes() for name, rows in places.items()}


def _stamp(out: Path, path: object) -> bytes:
    """Size and time of a picture: one made again is noticed, also where its frame's row is as it was."""
    if not isinstance(path, str) or not path:
        return b"-"
    try:
        found = (out / path).stat()
    except OSError:
        return b"gone"
    return f"{found.st_size} {found.st_mtime_ns};".encode()


def _names(embryo: _Embryo) -> list[str]:
    """An embryo's files below the page's folder: data, the picture that stands for it, the film's sheets."""
    sheets = range(math.ceil(embryo.frames / TILES_A_SHEET))
    key = embryo.key
    return [f"data/{key}.js", f"still/{key}.webp", *(f"film/{key}-{number}.webp" for number in sheets)]


def _write_embryos(
    folder: Path, content: Content, changed: list[_Embryo], check: Callable[[], None]
) -> dict[str, Written]:
    tables = content.tables
    told = {"events": (events_data, tables.events), "episodes": (episodes_data, tables.episodes)}
    parts = {name: dict(iter(table.groupby("embryo_id", sort=False))) for name, (_, table) in told.items()}

    def write(embryo: _Embryo) -> Written:
        check()
        [row] = tables.embryos.iloc[[embryo.place]].to_dict("records")
        own = str(row["embryo_id"])
        course = {name: read(parts[name].get(own, table.iloc[:0])) for name, (read, table) in told.items()}
        course["planes"] = planes_data(tables.rows_of("planes", own))
        return _write_embryo(folder, content, embryo, row, course=course)

    # Decoding and encoding release the interpreter's lock.
    pool = ThreadPoolExecutor(MOST_WORKERS)
    try:
        return dict(zip((one.key for one in changed), pool.map(write, changed), strict=True))
    finally:
        pool.shutdown(cancel_futures=True)


def _write_embryo(
    folder: Path, content: Content, embryo: _Embryo, row: dict[Any, Any], course: dict[str, Any]
) -> Written:
    unit, frames = content.tables.unit, content.tables.rows_of("frames", str(row["embryo_id"]))
    still = _still(frames, row)
    film = make_film(
        [_shot(content.out, *paths) for paths in zip(frames["overlay"], frames["mask"], strict=True)], still
    )
    key, names = embryo.key, _names(embryo)
    sheets = names[2:]
    data = {"still": still} | course | embryo_data(row, frames, film, sheets, unit=unit)
    contents = dict(zip(names, (to_script("embryo", key, data), film.still, *film.sheets), strict=True))
    for name, content_of_file in contents.items():
        write_if_changed(folder / name, content_of_file)
    entry = index_entry(key, row, frames, film, still=still, unit=unit)
    content.unread.update(film.unread)
    # Made of nothing that there is: a film that lacks a picture is made again.
    made_of = "" if film.unread else embryo.made_of
    return Written(made_of, {name: len(one) for name, one in contents.items()}, entry)


def _still(frames: pd.DataFrame, row: dict[Any, Any]) -> int:
    """The place of the frame that stands for an embryo, among its own."""
    found = (frames["frame_index"] == row["frame_index"]).to_numpy().nonzero()[0]
    return int(found[0]) if len(found) else len(frames) - 1


def _shot(out: Path, overlay: object, mask: object) -> Shot:
    return Shot(*(out / path if isinstance(path, str) and path else None for path in (overlay, mask)))


def _index(content: Content, entries: list[Any]) -> bytes:
    unit = content.tables.unit
    return to_script(
        "index",
        {
            "notice": RESEARCH_USE_ONLY,
            "software": f"blastoseg {__version__}",
            "weights": content.weights,
            "weights_sha256": content.weights_sha256,
            "unit": unit,
            "alphabet": ALPHABET,
            "still_side": TILE_SIDE * FINENESS,
            "tissues": legend(),
            "headlines": headlines(unit),
            "frame_columns": described(frame_columns(unit)),
            "correction_columns": [one.column(unit).name for one in MEASURES],
            "embryo_columns": described(embryo_columns(unit)),
            "embryos": entries,
        },
    )


def _remove_others(folder: Path, before: Mapping[str, Written], now: Mapping[str, Written]) -> None:
    """Delete the files of embryos that are gone, and what a shorter film no longer has."""
    for key, one in before.items():
        kept = now[key].files if key in now else {}
        remove_own(folder, {name: size for name, size in one.files.items() if name not in kept})
