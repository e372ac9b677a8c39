"""Damaged copies of JPEGs through a whole run: is any of them `ok` with an area that is wrong?

    python -m tests.hostile.damaged_copies examples/day5 --copies 300

Ends with 1 where one is. By hand: each copy takes as long as a frame of a run.
"""

import argparse
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

WRONG_BY = 0.02
"""Share of the area that the undamaged picture gives, of any tissue."""
AREAS = ("blastocyst_area_px2", "icm_area_px2", "blastocoel_area_px2", "te_area_px2", "zp_area_px2")
Damage = Callable[[random.Random, bytes, int, bytes], bytes]
"""Damages a JPEG, whose pixels begin at a byte; the last is another JPEG."""


def _cut_short(chance: random.Random, jpeg: bytes, begins: int, _: bytes) -> bytes:
    return jpeg[: chance.randrange(begins, len(jpeg))]


def _taken_out(chance: random.Random, jpeg: bytes, begins: int, _: bytes) -> bytes:
    at = chance.randrange(begins, len(jpeg))
    return jpeg[:at] + jpeg[at + chance.choice((1, 2, 8, 64, 300, 2000)) :]


def _zeroed(chance: random.Random, jpeg: bytes, begins: int, _: bytes) -> bytes:
    at, length = chance.randrange(begins, len(jpeg)), chance.choice((16, 256, 512, 4096))
    return jpeg[:at] + bytes(len(jpeg[at : at + length])) + jpeg[at + length :]


def _glued(chance: random.Random, jpeg: bytes, _: int, other: bytes) -> bytes:
    share = chance.uniform(0.05, 0.95)
    return jpeg[: int(len(jpeg) * share)] + other[int(len(other) * share) :]


def _flipped(chance: random.Random, jpeg: bytes, begins: int, _: bytes) -> bytes:
    data = bytearray(jpeg)
    for _bit in range(chance.choice((1, 1, 3, 20))):
        data[chance.randrange(begins, len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


def _other_header(chance: random.Random, jpeg: bytes, begins: int, _: bytes) -> bytes:
    data = bytearray(jpeg)
    data[chance.randrange(2, begins)] ^= 1 << chance.randrange(8)
    return bytes(data)


DAMAGES: tuple[Damage, ...] = (_cut_short, _taken_out, _zeroed, _glued, _flipped, _other_header)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--copies", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    originals = [path.read_bytes() for path in sorted(asked.folder.rglob("*.jpg"))]
    with tempfile.TemporaryDirectory() as name:
        ward = Path(name, "ward")
        ward.mkdir()
        for number, jpeg in enumerate(originals):
            (ward / f"whole-{number}.jpg").write_bytes(jpeg)
        _write_copies(ward, originals, asked.copies, asked.seed)
        out = Path(name, "out")
        command = [sys.executable, "-m", "blastoseg", "run", str(ward), "--out", str(out)]
        ended = subprocess.run([*command, "--settle", "0", "--quiet"], check=False)
        return _judge(pd.read_csv(out / "frames.csv", usecols=["source", "status", *AREAS]), ended.returncode)


def _write_copies(ward: Path, originals: Sequence[bytes], copies: int, seed: int) -> None:
    chance = random.Random(seed)
    for copy in range(copies):
        damage = DAMAGES[copy % len(DAMAGES)]
        number = chance.randrange(len(originals))
        jpeg = originals[number]
        damaged = damage(chance, jpeg, jpeg.rindex(b"\xff\xda") + 2, chance.choice(originals))
        if damaged != jpeg:
            (ward / f"copy-{number}-{copy}-{damage.__name__[1:]}.jpg").write_bytes(damaged)


def _judge(frames: pd.DataFrame, code: int) -> int:
    name = frames["source"].str.removesuffix(".jpg").str.split("-", expand=True)
    frames = frames.assign(is_copy=name[0] == "copy", original=name[1], damage=name[3])
    whole = frames[~frames["is_copy"]].set_index("original")
    copies = frames[frames["is_copy"]]
    beside = whole.loc[copies["original"], list(AREAS)].set_axis(copies.index)
    each = (copies[list(AREAS)] / beside - 1).abs()
    # A tissue that only one of both has is as wrong as can be.
    off = each.mask(copies[list(AREAS)].isna() != beside.isna(), float("inf")).max(axis=1)
    ok = copies["status"] == "ok"
    wrong = copies[ok & (off > WRONG_BY)]
    print(f"{len(copies)} copies of {len(whole)} ({(whole['status'] == 'ok').sum()} ok), exit {code}")
    for damage, rows in copies.groupby("damage"):
        print(f"  {damage}: {dict(Counter(rows['status']))}")
    print(f"ok: {ok.sum()}, the largest error of an area {100 * off[ok].max():.2f} %")
    print(f"ok and more than {100 * WRONG_BY:.0f} % off: {len(wrong)}")
    for source in wrong["source"]:
        print(f"  {source}: {100 * off[wrong.index[wrong['source'] == source][0]]:.1f} %")
    return 1 if len(wrong) or code not in (0, 3) else 0


if __name__ == "__main__":
    sys.exit(main())
