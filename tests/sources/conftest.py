import io
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from blastoseg.settings import Naming
from blastoseg.sources import Discovery, SourceOptions, discover_frames

SIDE = 48
REAL = Path(__file__).resolve().parents[3] / "shared" / "real"


@pytest.fixture
def real() -> Path:
    if not REAL.is_dir():
        pytest.skip("the real cases are not here")
    return REAL


@pytest.fixture
def jpeg() -> bytes:
    return encode_jpeg(0)


@pytest.fixture
def find() -> Callable[..., Discovery]:
    """``discover_frames`` with the default naming, options by keyword."""

    def found(*paths: Path, **options: object) -> Discovery:
        return discover_frames(list(paths), SourceOptions(Naming(), **options))  # type: ignore[arg-type]

    return found


@pytest.fixture
def lay() -> Callable[..., Path]:
    """Writes a JPEG under each relative name and returns the folder."""

    def laid(folder: Path, *names: str) -> Path:
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(encode_jpeg(0))
        return folder

    return laid


@pytest.fixture
def picture() -> Callable[[int], np.ndarray]:
    return draw_disc


def draw_disc(blur: int) -> np.ndarray:
    """A bright disc on gray, the more blurred the higher ``blur``."""
    image = np.full((SIDE, SIDE), 90, np.uint8)
    cv2.circle(image, (SIDE // 2, SIDE // 2), SIDE // 4, 200, -1)
    return image if blur == 0 else cv2.GaussianBlur(image, (0, 0), blur)


def encode_jpeg(blur: int) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(draw_disc(blur)).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


@pytest.fixture
def jpeg_of() -> Callable[[int], bytes]:
    return encode_jpeg
