"""What several test files need."""

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings

from blastoseg.report.manifest import RunManifest

# Test machines are shared and noisy: no example is wrong for being slow. The same examples in every run, so
# that a failure is the change's; HYPOTHESIS_SEARCH=1 looks for new ones.
settings.register_profile("blastoseg", deadline=None, derandomize="HYPOTHESIS_SEARCH" not in os.environ)
settings.load_profile("blastoseg")
# Handing networks to ONNX Runtime takes a second: the tests of that do, all others go without.
os.environ.setdefault("BLASTOSEG_ENGINE", "torch")

CARD = """
name = "tiny"
version = "0"
description = "untrained, for tests"
created = "2026-01-01T00:00:00+00:00"
pixel_size = "any"
limits = ["untrained"]

[segmenter]
architecture = "i2cnet"
input_size = 64
normalisation = "crop-mean-std"
config = {{ base_channels = 6, levels = 5, features_before_pool = true, logit_relu = false }}

[locator]
architecture = "unet"
input_size = 32
outputs = ["main", "other"]
normalisation = "crop-mean-std"
threshold = 0.5
widths = [4, 8]

[training]
data = "none"
recipe = "none"
images = 0
steps = 0
hours = 0.0
software = {{}}

[files]
"weights.safetensors" = "{weights}"
"locator.safetensors" = "{locator}"
"""


@pytest.fixture
def tiny_model(tmp_path: Path) -> Path:
    """A whole model folder with small, untrained networks."""
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    from blastoseg.model.architectures.registry import LOCATORS, SEGMENTERS

    torch.manual_seed(3)
    folder = tmp_path / "tiny"
    folder.mkdir()
    network = {"base_channels": 6, "features_before_pool": True, "logit_relu": False}
    segmenter = SEGMENTERS.configure("i2cnet", network).build()
    locator = LOCATORS.configure("unet", {"widths": [4, 8]}).build()
    save_file(segmenter.state_dict(), folder / "weights.safetensors")
    save_file(locator.state_dict(), folder / "locator.safetensors")
    hashes = {
        name: hashlib.sha256((folder / f"{name}.safetensors").read_bytes()).hexdigest()
        for name in ("weights", "locator")
    }
    (folder / "card.toml").write_text(CARD.format(**hashes))
    return folder


@pytest.fixture
def manifest():
    """Makes a manifest; what is given stands in place of the usual."""

    def make(**given):
        usual = {
            "inputs": ["=day5"],
            "weights": "starter",
            "weights_sha256": "ab" * 32,
            "device": "cpu",
            "engine": "torch",
            "precision": "float32",
            "batch_size": 8,
            "settings": {"pixel_size": {"um_per_px": None}, "focal": "0"},
            "settings_sha256": "cd" * 32,
            "pixel_sizes": [],
            "counts": {"ok": 2, "failed": 1},
            "embryos": 2,
            "exit_code": 3,
            "started": datetime(2026, 3, 1, 22, tzinfo=UTC),
            "ended": datetime(2026, 3, 1, 23, tzinfo=UTC),
        }
        return RunManifest(**(usual | given))

    return make
