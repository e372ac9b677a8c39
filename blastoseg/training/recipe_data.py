"""Where a network's samples come from and how they are varied, as a recipe says it."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

from blastoseg.errors import UsageError
from blastoseg.simulate import check_kind, check_preset
from blastoseg.simulate.optics_space import Point, point_at


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Augmentation(Section):
    """Strengths of the augmentations; 0 switches one off. Mirrors are always on.

    ``zoom`` 0.1 scales by 0.9 to 1/0.9, ``scale`` by a factor between two; ``random_crop`` then puts the
    window anywhere on the scaled picture (or the smaller picture anywhere in the window). ``elastic`` is the
    standard deviation of a smooth random displacement, as a share of the side; ``invert`` the probability of
    the negative, in which dark outlines are bright. ``fda`` is for synthetic images: the share ``fda_share``
    of them take over a real frame's amplitudes up to this frequency, in cycles a pixel (see ``spectrum.py``).
    """

    quarter_turns: bool = True
    zoom: float = Field(default=0.0, ge=0, lt=0.9)
    scale: tuple[float, float] | None = None
    random_crop: bool = False
    rotation_deg: float = Field(default=0.0, ge=0, le=180)
    shift: float = Field(default=0.0, ge=0, lt=0.5)
    elastic: float = Field(default=0.0, ge=0, lt=0.1)
    gamma: float = Field(default=0.0, ge=0, lt=1)
    blur_px: float = Field(default=0.0, ge=0)
    noise: float = Field(default=0.0, ge=0)
    gradient: float = Field(default=0.0, ge=0)
    coarsen: float = Field(default=0.0, ge=0, le=1)
    fda: float = Field(default=0.0, ge=0, le=0.5)
    fda_share: float = Field(default=0.5, gt=0, le=1)
    invert: float = Field(default=0.0, ge=0, le=1)

    @model_validator(mode="after")
    def _scales_in_one_way(self) -> Self:
        if self.scale is not None and (self.zoom or not 0 < self.scale[0] <= self.scale[1]):
            raise ValueError("scale must be two positive factors, the smaller first, and excludes zoom")
        return self


MOVES = frozenset({"quarter_turns", "zoom", "scale", "random_crop", "rotation_deg", "shift", "fda_share"})
"""What can be done on the device; the rest of an augmentation changes gray values, or bends."""


def problem_on_device(settings: Augmentation) -> str:
    """Which setting cannot be done on the device, in words; empty where all can."""
    plain = Augmentation()
    strange = [
        name
        for name in Augmentation.model_fields
        if name not in MOVES and getattr(settings, name) != getattr(plain, name)
    ]
    return (
        f"augmentation.{strange[0]} is not done on the device: leave it out, or on_device" if strange else ""
    )


class SyntheticData(Section):
    """Images made by the simulator. Image number i depends on ``seed`` and i only.

    Each image is used about ``reuse`` times, under other augmentations: between new ones, images come
    at random from ``pool`` earlier ones. ``scene`` "crop" draws what a crop around an embryo shows, "field" a
    whole frame; with "mixed", the share ``field_share`` are whole frames. ``extra_kinds`` maps kinds of
    embryo to shares of the images, the rest are the simulator's mixture; ``extra_presets`` does so with
    optics, and the rest are ``preset``'s.

    The share ``fitted_share`` has optics near ``fitted`` instead: a value for each axis of the simulator's
    space of optics. Where unlabelled frames are given and ``fitted`` is not, it is fitted to them.
    """

    kind: Literal["synthetic"] = "synthetic"
    seed: int = Field(ge=0)
    fill: tuple[float, float]
    scene: Literal["crop", "field", "mixed"] = "crop"
    field_share: float = Field(default=0.5, ge=0, le=1)
    extra_kinds: dict[str, float] = {}
    preset: str = "mixed"
    extra_presets: dict[str, float] = {}
    fitted_share: float = Field(default=0, ge=0, le=1)
    fitted: dict[str, float] = {}
    reuse: int = Field(default=1, ge=1)
    pool: int = Field(default=256, ge=1)
    validation_images: int = Field(default=64, ge=1)

    @field_validator("extra_kinds", "extra_presets")
    @classmethod
    def _leaves_room(cls, shares: dict[str, float]) -> dict[str, float]:
        if min(shares.values(), default=0) < 0 or sum(shares.values()) > 1:
            raise ValueError("shares must be positive and sum to at most 1")
        return shares

    @model_validator(mode="after")
    def _names_what_can_be_drawn(self) -> Self:
        _check_names(self.extra_kinds, check_kind)
        _check_names((self.preset, *self.extra_presets), check_preset)
        if self.fitted:
            point_at(self.fitted)
        return self

    @property
    def needs_fit(self) -> bool:
        """Whether images are to look like unlabelled frames, and it is not known yet how these look."""
        return self.fitted_share > 0 and not self.fitted

    @property
    def fitted_point(self) -> Point:
        """``fitted`` as a point. Raises ValueError where nothing was fitted."""
        return point_at(self.fitted)


class LabelledData(Section):
    """A lab's own labelled images; where they lie is said on the command line.

    The data's lists (``blastoseg data split``) are used where it has some; else ``seed`` and the shares
    ``test`` (of all) and ``val`` (of the rest) make them; 0 makes no such list. ``seed`` also orders the
    images and augments them. ``pairs`` says which images a mask labels, both relative to the data's folder,
    where no known layout does: the focal planes of one outline, say.
    """

    kind: Literal["labelled"]
    seed: int = Field(default=0, ge=0)
    test: float = Field(default=0.2, ge=0, lt=1)
    val: float = Field(default=0.1, ge=0, lt=1)
    pairs: dict[str, tuple[str, ...]] = {}


def _check_names(names: Iterable[str], check: Callable[[str], None]) -> None:
    for name in names:
        try:
            check(name)
        except UsageError as error:
            raise ValueError(str(error)) from error


def _kind(data: Any) -> Any:
    return data.get("kind", "synthetic") if isinstance(data, dict) else data.kind


class Source(Section):
    """One source of samples, with the share of them that is its own.

    ``augmentation`` is for its samples alone; without it the job's is used.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    share: float = Field(gt=0, le=1)
    data: Annotated[
        Annotated[SyntheticData, Tag("synthetic")] | Annotated[LabelledData, Tag("labelled")],
        Discriminator(_kind),
    ]
    augmentation: Augmentation | None = None


class MixedData(Section):
    """Samples of several sources in one batch; ``seed`` says which comes when.

    Each labelled source has a folder of its own on the command line, given under the source's name.
    """

    kind: Literal["mixed"]
    seed: int = Field(default=0, ge=0)
    sources: tuple[Source, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        names = [source.name for source in self.sources]
        if len(set(names)) < len(names):
            raise ValueError("two sources have one name")
        if abs(sum(source.share for source in self.sources) - 1) > 1e-6:
            raise ValueError("the sources' shares must sum to 1")
        return self


Data = Annotated[
    Annotated[SyntheticData, Tag("synthetic")]
    | Annotated[LabelledData, Tag("labelled")]
    | Annotated[MixedData, Tag("mixed")],
    Discriminator(_kind),
]
"""Where a network's samples come from, told by ``kind``; without it they are synthetic."""
