"""The patterns of the presets read the names they are for, and docs/inputs.md says where those were seen."""

from pathlib import Path

import pytest

from blastoseg.naming_presets import PRESETS
from blastoseg.settings import Naming
from blastoseg.sources.names import NO_HOURS, NO_RUN, NameReader

DOCUMENTED = (Path(__file__).resolve().parents[1] / "docs" / "inputs.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("preset", "name", "read"),
    [
        ("embryoscope", "D2013.01.28_S0717_I132_WELL7_RUN88", ("D2013.01.28_S0717_I132_WELL7", 88, None)),
        (
            "embryoscope",
            "AA83-7-D2013.01.28_S0717_I132_WELL7_RUN8",
            ("D2013.01.28_S0717_I132_WELL7", 8, None),
        ),
        ("embryoscope", "D2013.01.28_S0717_I132_WELL12_RUN3_F-15", ("D2013.01.28_S0717_I132_WELL12", 3, -15)),
        ("embryoscope", "D2024.10.20_S01055_I4778_P_WELL06_RUN141", ("", 141, None)),
        (
            "embryoscope-plus",
            "D2024.10.20_S01055_I4778_P_WELL06_RUN141",
            ("D2024.10.20_S01055_I4778_P_WELL06", 141, None),
        ),
        (
            "embryoscope-plus",
            "D2024_06_02_S00699_I4778_P_WELL01_RUN248",
            ("D2024_06_02_S00699_I4778_P_WELL01", 248, None),
        ),
        ("stork", "good_23765483_-15_3AA", ("23765483", NO_RUN, -15)),
        ("stork", "poor_27002081_0_1BB", ("27002081", NO_RUN, 0)),
        ("stork", "34107362_45_3AA-", ("34107362", NO_RUN, 45)),
    ],
)
def test_a_preset_reads_well_run_and_plane(preset: str, name: str, read: tuple[str, int, int | None]) -> None:
    parts = NameReader(Naming(preset=preset)).read(name)
    assert (parts.embryo, parts.run, parts.plane) == read
    assert parts.hours == NO_HOURS


@pytest.mark.parametrize(
    ("preset", "way", "dish"),
    [
        ("embryoscope", "day5/D2013.01.28_S0717_I132_WELL7_RUN88", "D2013.01.28_S0717_I132"),
        ("embryoscope-plus", "D2024_06_02_S00699_I4778_P_WELL01_RUN248", "D2024_06_02_S00699_I4778_P"),
        ("stork", "good_23765483_-15_3AA", ""),
    ],
)
def test_a_preset_reads_the_dish_where_names_tell_it_and_never_a_patient(
    preset: str, way: str, dish: str
) -> None:
    assert NameReader(Naming(preset=preset)).read_owner(way) == ("", dish)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_reads_its_example_and_is_documented(preset: str) -> None:
    example = PRESETS[preset].example
    assert NameReader(Naming(preset=preset)).read(example.rpartition(".")[0]).embryo
    assert f"`{preset}`" in DOCUMENTED
    assert example in DOCUMENTED
