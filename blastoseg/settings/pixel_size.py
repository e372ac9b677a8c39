"""The pixel size of a lab's instrument, and which pixel sizes there are."""

import math
from datetime import date

from pydantic import field_validator

from blastoseg.errors import UsageError
from blastoseg.settings.section import Section

FINEST_UM_PER_PX, COARSEST_UM_PER_PX = 0.01, 10.0
"""Pixel sizes of any light microscope, whoever tells them. Beyond lie slips of the decimal point, and the
print resolutions that programs put into files (72 dpi is 353 um)."""
PIXEL_SIZE_RANGE = (
    f"must lie between {FINEST_UM_PER_PX:g} and {COARSEST_UM_PER_PX:g} micrometres, the width of one pixel"
)


def is_pixel_size(um_per_px: float) -> bool:
    """Whether a camera on a microscope can have this pixel size; NaN is none."""
    return FINEST_UM_PER_PX <= um_per_px <= COARSEST_UM_PER_PX


def check_pixel_size_option(um_per_px: float | None) -> None:
    """Raises UsageError for a ``--um-per-px`` that no microscope has; None is not given, and fine."""
    if um_per_px is not None and not is_pixel_size(um_per_px):
        raise UsageError(f"--um-per-px {um_per_px:g}: {PIXEL_SIZE_RANGE}")


class PixelSize(Section):
    """The pixel size of the lab's instrument. Without it, lengths are reported in pixels only."""

    um_per_px: float | None = None
    instrument: str = ""
    measured_on: date | None = None

    @field_validator("um_per_px")
    @classmethod
    def _is_possible(cls, um_per_px: float | None) -> float | None:
        if um_per_px is not None and not is_pixel_size(um_per_px):
            raise ValueError(PIXEL_SIZE_RANGE)
        return um_per_px

    def known(
        self, option: float | None, metadata: float = math.nan, metadata_source: str = "metadata"
    ) -> tuple[float, str]:
        """The um/px that counts and where it comes from, in the order of trust: option, settings, metadata.

        NaN and an empty source where none of them tells it.
        """
        if option is not None:
            return option, "option"
        if self.um_per_px is not None:
            details = ", ".join(str(value) for value in (self.instrument, self.measured_on) if value)
            return self.um_per_px, f"settings ({details})" if details else "settings"
        return metadata, "" if math.isnan(metadata) else metadata_source
