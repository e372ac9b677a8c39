"""Names behind pseudonyms: nothing that leaves the run holds one."""

from pathlib import Path

from blastoseg.run.journal import FrameKeys
from blastoseg.run.pseudonyms import Pseudonyms
from blastoseg.settings import Naming
from blastoseg.sources import SourceOptions, discover_frames


def test_the_keys_of_frames_with_planes_to_choose_from_hold_no_name(tmp_path: Path) -> None:
    for plane in (0, 15):
        path = tmp_path / "JaneDoe" / f"JaneDoe_WELL1_RUN1_F{plane}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"not looked at")
    names = Pseudonyms.load(tmp_path / "lab.key")
    [ref] = names.of_discovery(discover_frames([tmp_path], SourceOptions(Naming(), "best"))).refs
    key = FrameKeys().of(ref)
    assert "sharpest of" in key.address
    assert "Jane" not in f"{key.source} {key.address}"
