"""A manifest for the report's tests."""

from datetime import UTC, datetime

import pytest

from blastoseg.report.manifest import RunManifest


@pytest.fixture
def manifest():
    """Makes a manifest; what is given stands in place of the usual."""

    def make(**given):
        usual = {
            "inputs": ["=day5"],
            "weights": "starter",
            "weights_sha256": "ab" * 32,
            "device": "cpu",
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
