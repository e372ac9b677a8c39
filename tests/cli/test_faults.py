"""Faults injected into whole runs: what the report holds then, the exit code, and what is said."""

import contextlib
import errno
import os
import signal
import subprocess
import time

import pandas as pd
import psutil
import pytest

from .night import finish, make_frames, masks, start, tables, wait_for

FRAMES = 24
MANY = 160
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="signals and mounts as POSIX knows them"),
]

OUT_OF_MEMORY = """
import torch
from blastoseg.model.architectures.inference import InferenceI2CNet
predict = InferenceI2CNet.predict
def starved(self, image):
    if len(image) > {fits}:
        raise torch.OutOfMemoryError("injected")
    return predict(self, image)
InferenceI2CNet.predict = starved
"""
FULL_DISK = f"""
from pathlib import Path
write, written = Path.write_bytes, []
def refuse(self, content):
    written.append(self)
    if len(written) > 10:
        raise OSError({errno.ENOSPC}, "No space left on device")
    return write(self, content)
Path.write_bytes = refuse
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_frames(tmp_path_factory.mktemp("faults") / "ward", "WELL1", FRAMES)


@pytest.fixture(scope="module")
def undisturbed(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "out"
    code, text = finish(start(folder, out))
    assert code == 0, text
    return out


@pytest.fixture
def small_disk(tmp_path):
    mount_point = tmp_path / "disk"
    mount_point.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", mount_point], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no file system may be mounted here")
    yield mount_point
    subprocess.run(["umount", "-l", mount_point], check=True)


def frames_of(out):
    return pd.read_csv(out / "frames.csv")


def readers_of(process):
    """The processes that decode and measure, without what multiprocessing starts for itself."""
    readers = []
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):  # or a zombie
                command, is_direct = " ".join(child.cmdline()), child.ppid() == process.pid
                if "spawn_main" in command or ("forkserver" in command and not is_direct):
                    readers.append(child)
    return readers


def kill_a_reader(process, by=signal.SIGKILL):
    for reader in readers_of(process)[:1]:
        reader.send_signal(by)


def test_a_disk_that_is_full_ends_the_run_and_keeps_the_report_before(folder, undisturbed, small_disk):
    few = make_frames(small_disk.parent / "few", "WELL1", 6)
    out = small_disk / "out"
    code, text = finish(start(few, out))
    assert code == 0, text
    before = {
        name: (out / name).read_bytes() for name in ("frames.csv", "embryos.csv", "report.xlsx", "run.json")
    }
    ballast = small_disk / "ballast"
    with pytest.raises(OSError, match="No space"), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    code, text = finish(start(folder, out, "--fresh"))
    assert code == 8, text
    assert str(out) in text
    assert "space" in text
    assert "Traceback" not in text
    assert {name: (out / name).read_bytes() for name in before} == before
    ballast.unlink()
    code, text = finish(start(folder, out, "--fresh"))
    assert code == 0, text
    assert tables(out) == tables(undisturbed)


def test_a_disk_that_fills_in_mid_run_ends_it_and_the_next_run_goes_on(folder, undisturbed, tmp_path):
    out = tmp_path / "out"
    code, text = finish(start(folder, out, injected=FULL_DISK))
    assert code == 8, text
    assert f"{out}/masks/" in text
    assert "free some space" in text
    assert "Traceback" not in text
    code, text = finish(start(folder, out))
    assert code == 0, text
    assert "already" in text
    assert tables(out) == tables(undisturbed)


def test_a_share_that_goes_away_leaves_its_frames_for_the_next_run(tmp_path):
    share, out = make_frames(tmp_path / "share", "WELL1", MANY), tmp_path / "out"
    process = start(share, out)
    wait_for(lambda: masks(out) >= 5)
    share.rename(tmp_path / "elsewhere")
    code, text = finish(process)
    assert code == 4, text
    assert "share went away" in text
    scored = frames_of(out)
    assert 0 < len(scored) < MANY
    assert not (scored["status"] == "failed").any()
    (tmp_path / "elsewhere").rename(share)
    code, text = finish(start(share, out))
    assert code == 0, text
    assert len(frames_of(out)) == MANY


def test_an_output_folder_that_goes_away_is_an_error_that_names_it(tmp_path):
    share, out = make_frames(tmp_path / "share", "WELL1", MANY), tmp_path / "out"
    process = start(share, out)
    wait_for(lambda: masks(out) >= 5)
    out.rename(tmp_path / "elsewhere")
    code, text = finish(process)
    assert code == 8, text
    assert str(out) in text
    assert "Traceback" not in text


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGSEGV])
def test_a_reader_that_dies_is_replaced_and_no_frame_is_lost(folder, undisturbed, tmp_path, by):
    out = tmp_path / "out"
    process = start(folder, out)
    wait_for(lambda: masks(out) >= 1)
    kill_a_reader(process, by)
    code, text = finish(process)
    assert code == 0, text
    assert tables(out) == tables(undisturbed)


def test_a_reader_that_hangs_is_replaced_and_no_frame_is_lost(folder, undisturbed, tmp_path):
    out = tmp_path / "out"
    # The one that is stopped may still be starting: it is waited for a shorter time than the test is.
    hasty = (
        "import blastoseg.run.workers as workers, blastoseg.sources.isolated as isolated\n"
        "isolated.PATIENCE_S = workers.PATIENCE_S = 2.0"
    )
    process = start(folder, out, injected=hasty)
    wait_for(lambda: masks(out) >= 1)
    kill_a_reader(process, signal.SIGSTOP)
    code, text = finish(process)
    assert code == 0, text
    assert tables(out) == tables(undisturbed)


def test_frames_whose_readers_always_die_are_failed_rows_that_say_so(folder, tmp_path):
    out = tmp_path / "out"
    process = start(folder, out)
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        for reader in readers_of(process):
            reader.kill()
        time.sleep(0.02)
    code, text = finish(process)
    assert code == 3, text
    frames = frames_of(out)
    assert len(frames) == FRAMES
    failed = frames[frames["status"] == "failed"]
    assert len(failed)
    assert failed["reason"].str.contains("died").all()
    code, text = finish(start(folder, out))
    assert code == 0, text


def test_memory_that_runs_out_in_the_forward_pass_halves_the_batch(folder, undisturbed, tmp_path):
    out = tmp_path / "out"
    code, text = finish(start(folder, out, injected=OUT_OF_MEMORY.format(fits=1)))
    assert code == 0, text
    assert "continuing with 1" in (out / "run.log").read_text()
    frames, whole = frames_of(out), frames_of(undisturbed)
    assert list(frames["status"]) == list(whole["status"])
    assert frames["blastocyst_area_px2"].to_list() == pytest.approx(
        whole["blastocyst_area_px2"].to_list(), rel=0.01
    )


def test_memory_too_short_for_one_image_ends_the_run_with_what_to_do(folder, tmp_path):
    code, text = finish(start(folder, tmp_path / "out", injected=OUT_OF_MEMORY.format(fits=0)))
    assert code == 7, text
    assert "out of memory" in text
    assert "Traceback" not in text
