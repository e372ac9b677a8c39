"""What is known of a correction beside its label image: whose, when, of which frame, over which weights."""

from collections.abc import Iterable
from datetime import UTC
from typing import Any, Literal, NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from blastoseg.records import Corrected

MOST_BYTES = 64 * 1024
"""Of a record: a larger file is none of ours."""
DIGEST = r"^[0-9a-f]{64}$"
_NAME = r"^[^/\\]{1,200}$"

Tissue = Literal["icm", "blastocoel", "te", "zp"]
TISSUES: tuple[Tissue, ...] = ("icm", "blastocoel", "te", "zp")


class FrameIdentity(NamedTuple):
    """A frame as the ledger knows it: its source, and where in it the frame is."""

    source: str
    address: str


class Record(BaseModel):
    """One correction. ``content`` and ``pixels`` tell the frame that it was drawn on from any other.

    ``labels`` and ``overlay`` name files beside the record; ``caption`` stands on the overlay. ``embryo`` and
    ``frame_index`` are for people, and were so when it was saved. ``carried_from`` are frame indices.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["blastoseg correction"] = "blastoseg correction"
    version: Literal[1] = 1
    embryo: str = Field(max_length=4096)
    frame_index: int
    source: str = Field(max_length=16_384)
    address: str = Field(max_length=16_384)
    content: str = Field(max_length=16_384)
    pixels: str = Field(max_length=64)
    how: Literal["drawn", "carried"]
    carried_from: tuple[int, ...] = Field(default=(), max_length=2)
    tissues: tuple[Tissue, ...] = Field(max_length=len(TISSUES))
    by: str = Field(min_length=1, max_length=80)
    at: AwareDatetime
    weights: str = Field(max_length=200)
    weights_sha256: str = Field(max_length=64)
    labels: str = Field(pattern=_NAME)
    labels_sha256: str = Field(pattern=DIGEST)
    overlay: str = Field(default="", max_length=200, pattern=r"^[^/\\]*$")
    caption: str = ""

    @property
    def identity(self) -> FrameIdentity:
        """Which frame it is of."""
        return FrameIdentity(self.source, self.address)

    def is_of(self, content: str, pixels: str) -> bool:
        """Whether a frame is still the one that was corrected: the same file, or the same pixels in another.

        A video that grew, or a folder that was copied, holds the same frames.
        """
        return self.content == content or (bool(pixels) and self.pixels == pixels)

    def told(self, is_hidden: bool) -> Corrected:
        """What the frame's row says of it; ``is_hidden``: without whose it is."""
        at = self.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return Corrected(self.how, self.tissues, "" if is_hidden else self.by, at)

    def plain(self) -> dict[str, Any]:
        """Plain values for JSON, the time in UTC."""
        return self.model_dump() | {"at": self.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")}


def in_words(records: Iterable[Record]) -> list[str]:
    """Which frames corrections are of, for messages."""
    return [f"{one.embryo}, frame {one.frame_index}" for one in records]
