"""Several focal planes of one moment: one stands in the course, all tell how sure a measure is."""

import pandas as pd
import pytest

from blastoseg.course.planes import moments_table, part_planes
from blastoseg.course.tables import course_tables
from blastoseg.report.tables import frames_table
from tests.course.conftest import row

PLANES = {-15: 1.0, 0: 2.0, 15: 3.0}


def in_planes(index, areas, **others):
    """The rows of one moment, from the centre outwards, with areas and sharpnesses by plane."""
    return [
        row(index=index, area=areas[plane], focal_plane=plane, sharpness_blastocyst=sharpness, **others)
        | {"icm_area_px2": areas[plane] / 10, "sharpness_icm": -sharpness}
        for plane, sharpness in sorted(PLANES.items(), key=lambda pair: abs(pair[0]))
    ]


def test_the_course_of_several_planes_is_that_of_the_plane_nearest_the_centre():
    areas = [{-15: 90.0, 0: 100.0 + index, 15: 130.0} for index in range(4)]
    moments = [in_planes(index, by_plane) for index, by_plane in enumerate(areas)]
    centre = [next(one for one in rows if one["focal_plane"] == 0) for rows in moments]
    of_all = course_tables(frames_table([one for rows in moments for one in rows]))
    of_centre = course_tables(frames_table(centre))
    assert list(of_all.frames.index) == [0, 3, 6, 9], "each keeps its place"
    for name in ("frames", "embryos", "events", "episodes"):
        pd.testing.assert_frame_equal(
            getattr(of_all, name).reset_index(drop=True), getattr(of_centre, name).reset_index(drop=True)
        )
    assert len(of_all.planes) == 12, "no frame vanishes"
    assert of_centre.planes.empty
    assert of_centre.moments.empty


def test_a_measure_is_that_of_its_tissues_sharpest_plane_and_its_spread_is_over_all_of_them():
    table = frames_table(in_planes(0, {-15: 90.0, 0: 100.0, 15: 110.0}))
    [moment] = moments_table(table).to_dict("records")
    assert (moment["planes_total"], moment["planes_measured"]) == (3, 3)
    assert (moment["sharpest_plane_blastocyst"], moment["sharpest_plane_icm"]) == (15, -15)
    assert (moment["blastocyst_area_px2"], moment["icm_area_px2"]) == (110.0, 9.0)
    assert moment["blastocyst_area_spread_px2"] == pytest.approx(10.0)
    assert pd.isna(moment["sharpest_plane_zp"]), "no plane says how sharp the zona is"
    assert pd.isna(moment["zp_area_px2"])


def test_planes_that_were_not_measured_say_nothing_and_one_alone_has_no_spread():
    rows = in_planes(0, {-15: 90.0, 0: 100.0, 15: 110.0})
    for one in rows[1:]:
        one["status"] = "excluded"
    [moment] = moments_table(frames_table(rows)).to_dict("records")
    assert (moment["planes_measured"], moment["blastocyst_area_px2"]) == (1, 100.0)
    assert pd.isna(moment["blastocyst_area_spread_px2"])
    rows[0]["status"] = "failed"
    [moment] = moments_table(frames_table(rows)).to_dict("records")
    assert moment["planes_measured"] == 0
    assert pd.isna(moment["blastocyst_area_px2"])


def test_of_two_planes_as_near_the_centre_the_one_below_it_stands_in_the_course():
    rows = [one for one in in_planes(0, {-15: 90.0, 0: 1.0, 15: 110.0}) if one["focal_plane"]]
    frames, planes = part_planes(frames_table(rows[::-1]))
    assert list(frames["focal_plane"]) == [-15]
    assert len(planes) == 2


def test_pictures_without_planes_that_share_a_number_stay_frames_of_their_own():
    table = frames_table([row(index=0), row(index=0)])
    frames, planes = part_planes(table)
    assert (len(frames), len(planes)) == (2, 0)
