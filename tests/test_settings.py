"""A lab's settings: read, checked, hashed."""

import pytest

from blastoseg.errors import SettingsError, UsageError
from blastoseg.settings import Settings, load_settings


def test_without_a_file_the_defaults_run():
    assert load_settings(None) == Settings()


def test_a_typing_mistake_is_an_error_that_names_file_and_key(tmp_path):
    path = tmp_path / "lab.toml"
    path.write_text("[calibration]\num_per_pix = 0.5\n")
    with pytest.raises(SettingsError, match=r"lab\.toml.*calibration\.um_per_pix"):
        load_settings(path)


@pytest.mark.parametrize("content", ["um_per_px = ", "\xff\xfe", "[calibration]\num_per_px = -1"])
def test_a_broken_file_is_an_error_that_names_it(tmp_path, content):
    path = tmp_path / "lab.toml"
    path.write_text(content, "latin-1")
    with pytest.raises(SettingsError, match=r"lab\.toml"):
        load_settings(path)


def test_a_missing_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(SettingsError, match=r"none\.toml"):
        load_settings(tmp_path / "none.toml")


def test_a_pattern_without_its_group_is_refused(tmp_path):
    path = tmp_path / "lab.toml"
    path.write_text("[naming]\nembryo = 'WELL(\\d+)'\n")
    with pytest.raises(SettingsError, match="embryo"):
        load_settings(path)


def test_options_win_over_the_file_and_none_changes_nothing():
    settings = Settings(focal="15").overridden(focal=None, weights="other")
    assert settings.focal == "15"
    assert settings.weights == "other"


def test_an_impossible_option_is_named():
    with pytest.raises(UsageError, match="--frame-interval"):
        Settings().overridden(frame_interval_h=-1.0)


def test_equal_settings_have_equal_digests_and_others_do_not(tmp_path):
    path = tmp_path / "lab.toml"
    path.write_text("weights = 'starter'\n")
    assert load_settings(path).digest() == Settings().digest()
    assert Settings(weights="x").digest() != Settings().digest()
