"""Frames without the paint of their overlays, and films made of them."""

import cv2
import numpy as np

from blastoseg.report.film import ALPHABET, FINENESS, LONGEST_STEP, TILE_SIDE, TILES_A_SHEET, Shot, make_film
from blastoseg.report.overlay import draw_overlay, stretch_contrast
from blastoseg.report.pictures import encode_label_image, encode_overlay
from blastoseg.report.plain import without_paint
from blastoseg.simulate import View, draw_frame
from blastoseg.tissues import ICM, ZP


def embryo(side=400, seed=3):
    frame = draw_frame(np.random.default_rng(seed), View(side, side, fill=(0.6, 0.8), kind="expanded"))
    return frame.image, frame.labels


def read_in_gray(encoded):
    return cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_GRAYSCALE)


def shot_of(folder, image, labels, name="0"):
    overlay, mask = folder / f"{name}.jpg", folder / f"{name}.png"
    overlay.write_bytes(encode_overlay(draw_overlay(image, labels)))
    mask.write_bytes(encode_label_image(labels))
    return Shot(overlay, mask)


def points_of(path):
    """The corners of every line of a path, from its start and its steps."""
    for line in path.split(" "):
        codes = np.array([ALPHABET.index(sign) for sign in line])
        start = codes[:4].reshape(2, 2) @ [len(ALPHABET), 1]
        yield np.vstack([start, codes[4:].reshape(-1, 2) - LONGEST_STEP]).cumsum(axis=0)


def test_the_fill_is_taken_off_a_tissue_to_within_what_jpeg_loses():
    image, labels = embryo()
    overlay = read_in_gray(encode_overlay(draw_overlay(image, labels)))
    plain, frame = without_paint(overlay, labels).astype(int), stretch_contrast(image).astype(int)
    assert plain.shape == image.shape
    inside = np.zeros(labels.shape, bool)
    for label in np.unique(labels):
        inside |= cv2.erode((labels == label).astype(np.uint8), np.ones((9, 9))) > 0
    painted = inside & (labels > 0)
    assert abs((plain - frame)[painted].mean()) < 1
    # As far off as beside the embryo, where nothing was painted.
    assert np.abs(plain - frame)[painted].mean() < 2 * np.abs(plain - frame)[inside & (labels == 0)].mean()


def test_a_film_is_cut_around_all_that_was_found_and_its_outlines_lie_on_the_picture(tmp_path):
    shots = []
    for number, (x, y) in enumerate(((150, 200), (170, 200))):
        labels = np.zeros((400, 400), np.uint8)
        cv2.circle(labels, (x, y), 60, ZP.label, -1)
        cv2.circle(labels, (x, y), 20, ICM.label, -1)
        image = np.full((400, 400), 90, np.uint8)
        cv2.circle(image, (x, y), 20, 200, -1)
        image[:30, :30] = 0
        shots.append(shot_of(tmp_path, image, labels, str(number)))
    film = make_film(shots, still=1)
    [sheet] = (read_in_gray(one) for one in film.sheets)
    assert sheet.shape == (TILE_SIDE, 2 * TILE_SIDE)
    assert np.abs(read_in_gray(film.still).astype(int) - sheet[:, TILE_SIDE:]).mean() < 3
    middles = []
    for number, outlines in enumerate(film.outlines):
        tile = sheet[:, number * TILE_SIDE : (number + 1) * TILE_SIDE]
        bright = np.argwhere(tile > np.mean([tile.min(), tile.max()]))[:, ::-1] + 0.5
        [icm] = points_of(outlines["icm"])
        middle = (icm.min(axis=0) + icm.max(axis=0)) / 2 / FINENESS
        assert np.abs(bright.mean(axis=0) - middle).max() < 1.5
        middles.append(middle)
    scale = TILE_SIDE / (141 * 1.16)
    assert np.allclose(middles[1] - middles[0], [20 * scale, 0], atol=1)


def test_a_missing_or_damaged_picture_is_a_gray_tile_and_stops_nothing(tmp_path):
    whole = shot_of(tmp_path, *embryo(120))
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG no mask")
    broken = Shot(tmp_path / "broken.jpg", tmp_path / "broken.png")
    film = make_film([whole, broken, Shot(None, None), Shot(tmp_path / "gone.jpg", None)], still=0)
    assert film.is_seen == [True, False, False, False]
    assert [bool(one) for one in film.outlines] == [True, False, False, False]


def test_a_mask_of_another_size_than_its_overlay_stops_nothing(tmp_path):
    image, labels = embryo(120)
    shot = shot_of(tmp_path, image, labels)
    shot.mask.write_bytes(encode_label_image(labels[:60, :90].copy()))
    assert make_film([shot], still=0).is_seen == [True]


def test_many_frames_take_several_sheets(tmp_path):
    shot = shot_of(tmp_path, *embryo(60))
    film = make_film([shot] * (TILES_A_SHEET + 1), still=0)
    assert [read_in_gray(one).shape for one in film.sheets] == [
        (16 * TILE_SIDE, 16 * TILE_SIDE),
        (TILE_SIDE,) * 2,
    ]
