"""A lab's settings: read, checked, hashed."""

import math
from datetime import date

import pytest

from blastoseg.errors import SettingsError, UsageError
from blastoseg.settings import PixelSize, Settings, Summary, check_pixel_size_option, load_settings


def test_without_a_file_the_defaults_run():
    assert load_settings(None) == Settings()


def test_a_typing_mistake_is_an_error_that_names_file_and_key(tmp_path):
    path = tmp_path / "lab.toml"
    path.write_text("[pixel_size]\num_per_pix = 0.5\n")
    with pytest.raises(SettingsError, match=r"lab\.toml.*pixel_size\.um_per_pix"):
        load_settings(path)


@pytest.mark.parametrize("content", ["um_per_px = ", "\xff\xfe", "[pixel_size]\num_per_px = -1"])
def test_a_broken_file_is_an_error_that_names_it(tmp_path, content):
    path = tmp_path / "lab.toml"
    path.write_text(content, "latin-1")
    with pytest.raises(SettingsError, match=r"lab\.toml"):
        load_settings(path)


def test_a_missing_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(SettingsError, match=r"none\.toml"):
        load_settings(tmp_path / "none.toml")


def test_the_section_under_its_old_name_answers_with_the_new_one(tmp_path):
    path = tmp_path / "lab.toml"
    path.write_text("[calibration]\num_per_px = 0.5\n")
    with pytest.raises(SettingsError, match=r"lab\.toml: .*\[calibration\] is called \[pixel_size\] now"):
        load_settings(path)


@pytest.mark.parametrize("um_per_px", [0.0, -1.0, 0.001, 10.5, float("inf"), float("nan")])
def test_a_pixel_size_that_no_microscope_has_is_refused_wherever_it_is_given(tmp_path, um_per_px):
    with pytest.raises(UsageError, match=r"--um-per-px .*: must lie between 0\.01 and 10 micrometres"):
        check_pixel_size_option(um_per_px)
    path = tmp_path / "lab.toml"
    path.write_text(f"[pixel_size]\num_per_px = {um_per_px}\n")
    with pytest.raises(SettingsError, match=r"lab\.toml: pixel_size\.um_per_px: must lie between 0\.01"):
        load_settings(path)


def test_the_option_is_trusted_before_the_settings_and_these_before_the_metadata():
    in_settings, empty = (
        PixelSize(um_per_px=0.5, instrument="incubator 2", measured_on=date(2026, 3, 2)),
        PixelSize(),
    )
    assert in_settings.known(0.4, 0.3) == (0.4, "option")
    assert in_settings.known(None, 0.3) == (0.5, "settings (incubator 2, 2026-03-02)")
    assert PixelSize(um_per_px=0.5).known(None) == (0.5, "settings")
    assert empty.known(None, 0.3, "metadata (OME)") == (0.3, "metadata (OME)")
    um_per_px, source = empty.known(None)
    assert math.isnan(um_per_px)
    assert source == ""


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


def naming(tmp_path, lines):
    path = tmp_path / "lab.toml"
    path.write_text(f"[naming]\n{lines}\n")
    return load_settings(path).naming


def test_a_preset_gives_the_patterns_that_are_not_given_themselves(tmp_path):
    preset = naming(tmp_path, "preset = 'embryoscope'\nrun = '_R(?P<run>[0-9]+)'")
    assert "_S" in preset.embryo
    assert preset.run == "_R(?P<run>[0-9]+)"
    assert preset.focal == Settings().naming.focal


def test_options_leave_the_patterns_of_a_preset_as_they_are(tmp_path):
    settings = Settings(naming=naming(tmp_path, "preset = 'stork'"))
    assert settings.overridden(focal="15").naming == settings.naming


@pytest.mark.parametrize("name", ["'geri'", "5", "'EmbryoScope'"])
def test_an_unknown_preset_answers_with_the_choices(tmp_path, name):
    with pytest.raises(SettingsError, match=r"lab\.toml.*choose one of embryoscope, embryoscope-plus"):
        naming(tmp_path, f"preset = {name}")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("time = '([0-9]+)h'", r"naming\.time.*\(\?P<time>"),
        ("time = '(?P<time>[0-9]+'", r"naming\.time.*not a regular expression"),
        ("time = '(?P<time>[0-9]+)'\ntime_unit = 'weeks'", r"naming\.time_unit.*'days'"),
        ("time = '(?P<time>[0-9]+)'\ntime_reference = 'icsi'", r"naming\.time_reference.*'insemination'"),
        ("time_unit = 'min'", "set time as well"),
        ("time = '(?P<time>[0-9]+)h(?P<minutes>[0-9]+)'\ntime_unit = 's'", "time_unit = 'h' only"),
    ],
)
def test_hours_that_names_cannot_carry_are_a_settings_error(tmp_path, lines, words):
    with pytest.raises(SettingsError, match=words):
        naming(tmp_path, lines)


def test_what_only_the_course_depends_on_scores_no_frame_anew():
    assert Settings(course={"recent_h": 2.0}).digest() == Settings().digest()
    assert Settings(grades={"grown_frac": 1.5}).digest() == Settings().digest()
    assert Settings(grades={"grown_frac": 1.5}).digest_for_pixels() == Settings().digest_for_pixels()
    assert Settings(quality={"low_contrast": 0.5}).digest() != Settings().digest()


def test_how_long_pictures_stay_changes_no_result_and_so_no_digest(tmp_path):
    path = tmp_path / "lab.toml"
    path.write_text("[output]\nkeep_missing_days = 30\n")
    settings = load_settings(path)
    assert settings.output.keep_missing_days == 30
    assert settings.digest() == Settings().digest()
    path.write_text("[output]\nkeep_missing_days = 0\n")
    with pytest.raises(SettingsError, match="keep_missing_days"):
        load_settings(path)


@pytest.mark.parametrize("content", ["a = " + "[" * 3000, "um_per_px = " + "9" * 5000])
def test_nesting_and_numbers_beyond_reading_are_an_error_that_names_the_file(tmp_path, content):
    path = tmp_path / "lab.toml"
    path.write_text(content)
    with pytest.raises(SettingsError, match=r"lab\.toml"):
        load_settings(path)


@pytest.mark.parametrize(
    "line", ["full_volume_frac = 1.1", "thinned_frac = nan", "baseline_frames = 0", "half_volume_frac = 0.3"]
)
def test_a_cut_off_of_grades_that_makes_no_sense_is_refused_and_named(tmp_path, line):
    path = tmp_path / "lab.toml"
    path.write_text(f"[grades]\n{line}\n")
    with pytest.raises(SettingsError, match=rf"lab\.toml: grades.*{line.partition(' ')[0]}|half_volume_frac"):
        load_settings(path)


@pytest.mark.parametrize(
    ("order", "said"), [(["blastocyst_size"], "blastocyst_size"), (["time_h", "-time_h"], "twice")]
)
def test_an_order_of_columns_that_there_are_not_is_refused(order, said):
    with pytest.raises(ValueError, match=said):
        Summary(order=order)
    assert Summary(order=["-time_h", "status"]).order == ("-time_h", "status")
