"""A part of a run: the share of the embryos that one of several machines scores, in a folder of its own.

Each part finds all frames and takes whole embryos, by a hash of their names: an embryo stays in its part
however many others come. Beside its report stands ``part.json``: which part it is, what it was scored with,
and which rows of the ledger are its own, with their place in the whole. ``merging.py`` joins the parts.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from blastoseg.errors import InputNotFoundError, OutputError, UsageError
from blastoseg.files import replace_atomically, valid_text
from blastoseg.records import FrameRef
from blastoseg.run.journal import FrameKey, RunRecord, ScoredWith
from blastoseg.run.provenance import Provenance
from blastoseg.sources import Discovery

PART_FILE = "part.json"
MOST_PARTS = 10_000
Place = tuple[int, str, str]
"""Of a frame: which embryo of the whole it belongs to, from 0, and its source and address in the ledger."""


@dataclass(frozen=True, slots=True)
class Part:
    """Part ``number``, from 1, ``of`` so many."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> "Part":
        """From a text such as 3/8. Raises UsageError for any other."""
        found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
        number, of = (int(found[1]), int(found[2])) if found else (0, 0)
        if not 1 <= number <= of <= MOST_PARTS:
            raise UsageError(
                f"--part {text}: give part and number of parts, such as 3/8, of {MOST_PARTS:,} at most"
            )
        return cls(number, of)

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def has(self, embryo_id: str) -> bool:
        """Whether an embryo belongs to this part: each one to exactly one."""
        digest = hashlib.sha256(embryo_id.encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(digest[:8], "big") % self.of == self.number - 1

    def share_of(self, found: Discovery) -> Discovery:
        """What of all that was found is this part's."""
        return replace(
            found,
            refs=[ref for ref in found.refs if self.has(ref.embryo_id)],
            problems=[problem for problem in found.problems if self.has(problem.ref.embryo_id)],
        )


class PartRecord(BaseModel):
    """``part.json``. ``embryos_sha256`` is of all embryos of the whole, ``scored_with`` the ledger's key.

    ``frames`` and ``problems`` stand in the order of the report, which has the problems last.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    provenance: Provenance
    um_per_px: float | None
    scored_with: tuple[str, str, str]
    embryos_sha256: str
    frames: list[Place]
    problems: list[Place]

    @property
    def part(self) -> Part:
        """Which part this is."""
        return Part.parse(self.provenance.part)

    @property
    def known_by(self) -> ScoredWith:
        """What its rows stand under in its ledger."""
        return ScoredWith(*self.scored_with)

    @classmethod
    def of(
        cls,
        provenance: Provenance,
        scored_with: ScoredWith,
        um_per_px: float | None,
        found: Discovery,
        reported: Iterable[tuple[FrameRef, FrameKey]],
    ) -> "PartRecord":
        """That of a run, with the places of the ``reported`` frames in the whole that was ``found``."""
        of_refs = _ranks(found.refs)
        of_problems = _ranks(problem.ref for problem in found.problems)
        broken = {(problem.ref.source, problem.ref.address.key) for problem in found.problems}
        frames: list[Place] = []
        problems: list[Place] = []
        for ref, key in reported:
            is_broken = (ref.source, ref.address.key) in broken
            rank = (of_problems if is_broken else of_refs)[ref.embryo_id]
            (problems if is_broken else frames).append(
                (rank, valid_text(key.source), valid_text(key.address))
            )
        names = "\n".join([*of_refs, "", *of_problems]).encode("utf-8", "surrogatepass")
        digest = hashlib.sha256(names).hexdigest()
        return cls(
            provenance=provenance,
            um_per_px=um_per_px,
            scored_with=astuple(scored_with),
            embryos_sha256=digest,
            frames=frames,
            problems=problems,
        )

    def write(self, out: Path) -> None:
        """Write it into the part's folder, whole or not at all. OutputError where the disk refuses."""
        path = out / PART_FILE
        try:
            with replace_atomically(path) as temporary:
                temporary.write_text(self.model_dump_json(), "utf-8")
        except OSError as error:
            raise OutputError(f"{path}: cannot be written ({error.strerror}): free some space?") from error

    @classmethod
    def read(cls, out: Path) -> "PartRecord":
        """That of a part's folder. InputNotFoundError where there is none, OutputError for a damaged one."""
        path = out / PART_FILE
        try:
            record = cls.model_validate_json(path.read_bytes())
            Part.parse(record.provenance.part)
            return record
        except FileNotFoundError as error:
            raise InputNotFoundError(
                f"{path}: is missing: is {out} of blastoseg run --part, and is that run done?"
            ) from error
        except OSError as error:
            raise OutputError(f"{path}: cannot be read ({error.strerror}): check its permissions") from error
        except (ValidationError, UsageError) as error:
            raise OutputError(f"{path}: is damaged, or of another version: run the part again") from error


def check_is_part(part: Part | None, out: Path, earlier: Iterable[RunRecord]) -> None:
    """Refuse to score another share of the embryos into the folder of a part: UsageError."""
    own = str(part or "")
    for run in earlier:
        held = run.details.get("part", "")
        if held != own:
            raise UsageError(
                f"{out}: holds {f'part {held}' if held else 'a whole run'}, and not "
                f"{f'part {own}' if own else 'a whole one'}: give another folder with --out"
            )


def _ranks(refs: Iterable[FrameRef]) -> dict[str, int]:
    return {embryo: rank for rank, embryo in enumerate(dict.fromkeys(ref.embryo_id for ref in refs))}
