from dataclasses import replace

import cv2
import numpy as np
import pytest

from ganonymization.geometry.rasterisation import Texture
from ganonymization.geometry.wall import GeneratorInput
from ganonymization.synthesize.grade import as_contrasty, as_sharp, grade_of

from ..conftest import face_landmarks

SIZE = 128
HIDDEN = np.zeros((SIZE, SIZE), bool)
HIDDEN[30:98, 30:98] = True
SKIN = np.where(HIDDEN, 255, 0).astype(np.uint8)
TEXTURE = Texture(np.zeros((SIZE, SIZE, 3), np.uint8), SKIN, np.zeros_like(SKIN))


def noise(blur_px):
    rng = np.random.default_rng(3)
    plain = 128 + 60 * rng.standard_normal((SIZE, SIZE))
    smooth = cv2.GaussianBlur(plain, (0, 0), blur_px)
    smooth = 128 + (smooth - 128) * 18 / smooth.std()
    return np.clip(smooth, 0, 255).astype(np.uint8)[..., None].repeat(3, 2)


def inputs(blur_px):
    context = (noise(blur_px) * ~HIDDEN[..., None]).astype(np.uint8)
    return GeneratorInput(face_landmarks((64, 64), 37), context, HIDDEN, 1)


def laplacian(image):
    return np.abs(cv2.Laplacian(image[..., 0].astype(float), cv2.CV_64F))[40:88, 40:88].mean()


def test_a_face_is_sharpened_in_crisp_surroundings_and_softened_in_soft_ones():
    face = noise(1.8)
    crisp = as_sharp(face, TEXTURE, grade_of(inputs(0.7)), 1)
    soft = as_sharp(face, TEXTURE, grade_of(inputs(4.0)), 1)
    assert laplacian(crisp) > 1.3 * laplacian(face)
    assert laplacian(soft) < 0.9 * laplacian(face)


def test_surroundings_order_what_is_wanted():
    ratios = [grade_of(inputs(blur)).finest for blur in (0.6, 1.2, 2.5, 5.0)]
    assert ratios == sorted(ratios, reverse=True) and ratios[0] > 1.5 * ratios[-1]


@pytest.mark.parametrize("level", [0, 90, 255])
def test_before_a_flat_wall_nothing_is_sharpened(level):
    """It has no octaves whose ratio would tell anything."""
    context = np.full((SIZE, SIZE, 3), level, np.uint8) * ~HIDDEN[..., None]
    flat = grade_of(GeneratorInput(face_landmarks((64, 64), 37), context, HIDDEN, 1))
    face = noise(1.4)
    assert flat.finest < 0.5
    assert laplacian(as_sharp(face, TEXTURE, flat, 1)) < laplacian(face)


def test_grain_is_the_seeds_and_a_head_on_black_has_a_usual_sharpness():
    face = noise(1.4)
    first, again = (as_sharp(face, TEXTURE, grade_of(inputs(0.7)), 5) for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, as_sharp(face, TEXTURE, grade_of(inputs(0.7)), 6))
    black = GeneratorInput.portrait(SIZE, face_landmarks((64, 64), 37), 1)
    assert 0.5 < grade_of(black).finest < 1
    bare = Texture(TEXTURE.image, np.zeros_like(SKIN), np.zeros_like(SKIN))
    assert np.array_equal(as_sharp(face, bare, grade_of(inputs(0.7)), 1), face)


def test_grain_stays_where_it_is_when_a_face_takes_more_rows():
    face, grade = noise(1.4), grade_of(inputs(0.7))
    taller = SKIN.copy()
    taller[26:30, 28:98] = 255
    apart = [
        np.abs(as_sharp(face, texture, grade, seed).astype(int) - as_sharp(face, TEXTURE, grade, 5))
        for texture, seed in ((replace(TEXTURE, skin=taller), 5), (TEXTURE, 6))
    ]
    moved, other = (gap[40:88, 40:88].mean() for gap in apart)
    assert moved < 0.3 * other


def test_detail_is_as_strong_as_around_and_middle_grey_stays():
    def contrast(strength):
        around = 128 + (noise(1.0).astype(float) - 128) * strength
        context = (around * ~HIDDEN[..., None]).astype(np.uint8)
        scene = GeneratorInput(face_landmarks((64, 64), 37), context, HIDDEN, 1)
        worn = as_contrasty(replace(TEXTURE, image=noise(1.4)), grade_of(scene))
        return worn.image.astype(float).std()

    found = [contrast(strength) for strength in (0.05, 0.2, 1.0)]
    assert found == sorted(found) and found[2] > 1.5 * found[0]
    grey = replace(TEXTURE, image=np.full((SIZE, SIZE, 3), 127, np.uint8))
    assert np.abs(as_contrasty(grey, grade_of(inputs(0.7))).image.astype(int) - 127).max() <= 1


def test_a_film_has_less_of_the_faint_and_all_of_the_strong():
    levels = np.full((SIZE, SIZE, 3), 127, np.uint8)
    levels[:8], levels[8:16] = 120, 45  # a pore, a brow
    texture = replace(TEXTURE, image=levels)
    still, film = (grade_of(replace(inputs(2.0), filmed=filmed)) for filmed in (False, True))
    assert film.contrast == pytest.approx(still.contrast / 2)
    assert (film.finest, film.softest) == (still.finest, still.softest)
    shown = as_contrasty(texture, replace(film, contrast=0.5)).image
    assert 123 <= shown[0, 0, 0] <= 124  # half of its logarithm
    assert shown[8, 0, 0] == 45


def test_the_outline_stays_and_an_eye_within_is_sharpened():
    skin = SKIN.copy()
    skin[50:60, 50:60] = 0  # an eye
    face, texture = noise(2.0), Texture(TEXTURE.image, skin, np.zeros_like(skin))
    out = as_sharp(face, texture, grade_of(inputs(0.7)), 1)
    assert np.array_equal(out[~HIDDEN], face[~HIDDEN])
    assert not np.array_equal(out[50:60, 50:60], face[50:60, 50:60])


def test_a_film_that_shows_nothing_around_a_face_has_half_of_a_usual_ones_detail():
    hidden = np.ones_like(HIDDEN)
    given = replace(inputs(2.0), wall_mask=hidden)
    film = grade_of(replace(given, filmed=True)).contrast
    assert film == pytest.approx(grade_of(given).contrast / 2)
