"""Looks at several scales: where the tiles lie, and that nothing falls between them."""

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ganonymization.cli.demo import astronaut
from ganonymization.detect.base import DetectorOptions
from ganonymization.detect.multi_scale import MultiScale, looks

sides = st.integers(32, 12_000)


@pytest.fixture(scope="module")
def detect():
    return MultiScale()


@given(sides, sides)
def test_the_whole_is_seen_first_and_at_640_at_most(height, width):
    whole = looks((height, width))[0]
    assert whole.is_whole
    assert whole.window == (0, 0, width, height)
    assert whole.scale * max(height, width) <= 704


@settings(deadline=None)
@example(2189, 32, 0.0, 1.0, 16.0)  # half a pixel was rounded away
@given(sides, sides, st.floats(0, 1), st.floats(0, 1), st.floats(16, 190))
def test_every_face_that_a_tile_can_hold_lies_wholly_within_one(height, width, x, y, side):
    if height * width > 40e6 or max(height, width) <= 704 or side > min(height, width):
        return
    left, top = x * (width - side), y * (height - side)
    box = (left, top, left + side, top + side)
    assert any(
        look.shows(box, (height, width)) and look.window[0] <= left and look.window[1] <= top
        and look.window[2] >= box[2] and look.window[3] >= box[3]
        for look in looks((height, width))[1:] if look.scale == 1
    )  # fmt: skip


@given(sides, sides)
def test_the_cost_is_bounded(height, width):
    seen = sum(
        (x1 - x0) * (y1 - y0) * look.scale**2
        for look in looks((height, width)) for x0, y0, x1, y1 in [look.window]
    )  # fmt: skip
    assert seen <= 2.2 * min(height * width, 40e6) + 640**2 + 1


def test_a_longest_side_bounds_the_finest_level():
    assert [look.is_whole for look in looks((3000, 4000), 640)] == [True]
    assert max(look.scale for look in looks((3000, 4000), 2000)) == 0.5


def bust(face_px):
    """The astronaut's head and shoulders, the face that high."""
    side = 340 * face_px / 118
    return cv2.resize(astronaut()[:400, 60:400], None, fx=side / 340, fy=side / 340,
                      interpolation=cv2.INTER_AREA)  # fmt: skip


@pytest.mark.parametrize("shape", [(14_000, 1080), (3000, 12_000)])
def test_faces_of_all_sizes_are_found_in_long_pictures(detect, shape):
    picture, marked = np.full((*shape, 3), 128, np.uint8), []
    for k, face_px in enumerate((24, 32, 48, 96, 200)):
        head = bust(face_px)
        place = 300 + k * 2200
        y, x = (place, 100) if shape[0] > shape[1] else (700, place)
        picture[y : y + head.shape[0], x : x + head.shape[1]] = head
        marked.append((x + 166 * face_px / 118, y + 118 * face_px / 118))
    found = [d.box_xyxy for d in detect(picture)]
    assert all(any(b[0] < x < b[2] and b[1] < y < b[3] for b in found) for x, y in marked)


@pytest.mark.parametrize("side", [1000, 3000])
def test_a_face_that_fills_a_large_picture_is_found_whole(detect, side):
    close = cv2.resize(astronaut()[50:190, 156:296], (side, side), interpolation=cv2.INTER_CUBIC)
    (face,) = detect(close)
    left, top, right, bottom = (v / side * 140 for v in face.box_xyxy)
    assert left < 45
    assert top < 45
    assert right > 95
    assert bottom > 110


def test_some_looks_find_what_they_show(detect):
    picture = np.full((1500, 2600, 3), 128, np.uint8)
    head = bust(40)
    picture[200 : 200 + head.shape[0], 2300 : 2300 + head.shape[1]] = head
    whole, *tiles = detect.looks(picture.shape[:2])
    shown = [bool(detect(picture, [whole, tile])) for tile in tiles]
    assert any(shown)
    assert not all(shown)


def test_options_are_obeyed():
    detect = MultiScale(DetectorOptions(min_face_px=400))
    assert detect(astronaut()) == []
