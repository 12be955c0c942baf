import numpy as np
import pytest

from ganonymization.geometry import transforms
from ganonymization.geometry.wall import RING, Place
from ganonymization.synthesize.compositing import Canvas
from ganonymization.synthesize.covering import close_wall, cover, is_covered
from ganonymization.synthesize.face_state import FaceState
from ganonymization.synthesize.fill import SOLID_RGB, solid
from ganonymization.types import Detection

from ..conftest import box_of, face_landmarks

WHOLE = (slice(0, 128), slice(0, 128))


@pytest.fixture
def state(face) -> FaceState:
    detection = Detection(box_of(face), 0.9)
    crop_from_image = transforms.generator_crop(face, 64)
    points = transforms.apply(crop_from_image, face)
    return FaceState(0, detection, 1, points, Place.of(detection, points, crop_from_image, 64))


def test_covering_marks_and_fills(picture, state):
    canvas = Canvas.of(picture)
    assert not is_covered(canvas, state)
    cover(canvas, picture, state, [state], solid)
    assert is_covered(canvas, state)
    assert canvas.touched[state.place.radius(WHOLE) <= RING].all()
    assert np.array_equal(canvas.touched, canvas.opaque)
    assert (canvas.image[canvas.touched] == SOLID_RGB).all()
    assert np.array_equal(canvas.image[~canvas.touched], picture[~canvas.touched])


def test_a_fill_is_made_of_nothing_behind_other_walls(picture, state):
    aside = face_landmarks((84, 64), 20)
    other = FaceState(1, Detection(box_of(aside), 0.9), 2)
    given = []

    def remember(region):
        given.append(region)
        return solid(region)

    noisy = picture.copy()
    behind = state.place.radius(WHOLE) <= 1
    noisy[behind] = 255 - noisy[behind]
    for image in (picture, noisy):
        cover(Canvas.of(image), image, other, [state, other], remember)
    assert np.array_equal(*given)
    cover(Canvas.of(noisy), noisy, other, [other], remember)
    assert not np.array_equal(given[0], given[2])


def test_a_closed_wall_shows_nothing(picture, state):
    canvas = Canvas.of(picture)
    close_wall(canvas, state.place)
    behind = state.place.radius(WHOLE) <= 1
    assert (canvas.image[behind] == SOLID_RGB).all()
    assert np.array_equal(canvas.image[~behind], picture[~behind])


def test_a_cover_outside_the_picture_changes_nothing(picture):
    outside = FaceState(0, Detection((500, 500, 540, 540), 0.9), 1)
    canvas = Canvas.of(picture)
    cover(canvas, picture, outside, [outside], solid)
    assert np.array_equal(canvas.image, picture)
