"""The run's provenance."""

import json
import math
import subprocess
import sys
from datetime import datetime, timedelta, timezone

from blastoseg import RESEARCH_USE_ONLY
from blastoseg.report.manifest import RunManifest, used_pixel_sizes, write_manifest
from blastoseg.report.tables import frames_table


def test_times_are_utc_and_local_whatever_zone_they_came_in(manifest, tmp_path):
    tokyo = timezone(timedelta(hours=9))
    moment = datetime(2026, 3, 1, 9, 30, tzinfo=tokyo)
    write_manifest(tmp_path / "run.json", manifest(started=moment, ended=moment))
    written = json.loads((tmp_path / "run.json").read_text("utf-8"))
    assert written["started_utc"] == "2026-03-01T00:30:00Z"
    assert datetime.fromisoformat(written["ended_local"]) == moment
    assert written["notice"] == RESEARCH_USE_ONLY
    assert {"blastoseg", "python", "numpy", "pandas"} <= set(written["software"])


def test_every_pixel_size_is_told_and_a_missing_one_too():
    frames = frames_table(
        [
            {"um_per_px": 0.5, "um_per_px_source": "option"},
            {"um_per_px": 0.5, "um_per_px_source": "option"},
            {"um_per_px": math.nan, "um_per_px_source": ""},
        ]
    )
    known, unknown = used_pixel_sizes([frames])
    assert (known.um_per_px, known.source, known.frames) == (0.5, "option", 2)
    assert (unknown.um_per_px, unknown.frames) == (None, 1)
    assert used_pixel_sizes([frames_table([])]) == []


def test_a_manifest_is_made_without_loading_torch():
    code = "import sys, blastoseg.report.manifest as m; m.installed_software(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_manifest_names_everything_a_number_depends_on():
    names = set(RunManifest.__dataclass_fields__)
    assert {"weights_sha256", "settings_sha256", "pixel_sizes", "device", "precision", "inputs"} <= names
