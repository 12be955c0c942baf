import numpy as np

from ganonymization.geometry.wall import GeneratorInput
from ganonymization.synthesize.continued import continued

from ..conftest import face_landmarks

SIZE = 128
HIDDEN = np.zeros((SIZE, SIZE), bool)
HIDDEN[20:108, 20:108] = True
STRIPES = np.where(np.arange(SIZE) // 2 % 2, 150, 90)[None, :, None].repeat(SIZE, 0).repeat(3, 2)
SKIN = np.zeros((SIZE, SIZE), np.uint8)
SKIN[44:84, 44:84] = 255


def scene(around):
    context = (around * ~HIDDEN[..., None]).astype(np.uint8)
    return GeneratorInput(face_landmarks((64, 64), 37), context, HIDDEN, 1)


def contrast(image):
    return float(image[22:30, 40:88].std())


def test_stripes_go_on_behind_the_wall_where_the_drawn_colour_is_theirs():
    face = np.full((SIZE, SIZE, 3), 118, np.uint8)
    out = continued(face, SKIN, scene(STRIPES))
    assert contrast(out) > 10
    assert np.array_equal(out[SKIN > 0], face[SKIN > 0])
    white = np.full_like(face, 245)
    assert contrast(continued(white, SKIN, scene(STRIPES))) < 2


def test_nothing_outside_nothing_to_continue():
    face = np.full((SIZE, SIZE, 3), 118, np.uint8)
    points = face_landmarks((64, 64), 37)
    assert np.array_equal(continued(face, SKIN, GeneratorInput.portrait(SIZE, points, 1)), face)


def test_what_is_smooth_stays_what_was_drawn():
    face = np.full((SIZE, SIZE, 3), (118, 100, 90), np.uint8)
    out = continued(face, SKIN, scene(np.full((SIZE, SIZE, 3), (120, 102, 92))))
    assert np.abs(out.astype(int) - face).max() <= 2
