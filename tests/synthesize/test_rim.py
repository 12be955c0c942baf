"""Around a new face there is as much detail as in the picture, and none of it from the old face."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from ganonymization.geometry import transforms
from ganonymization.geometry.rasterisation import hull
from ganonymization.geometry.wall import GeneratorInput, Place, Wall
from ganonymization.synthesize.rim import with_borrowed_detail

from ..conftest import face_landmarks

SIZE = 256
X = np.mgrid[:SIZE, :SIZE][1]
WALL = Wall((128.0, 128.0), (70.0, 90.0))
AWAY = WALL.radius_map(SIZE)
HIDDEN = AWAY < 1
NOBODY = np.full((478, 3), -9.0)
"""Landmarks of a face that is beside the crop."""


def strands(contrast=40):
    """Vertical lines three pixels wide."""
    lines = 128 + contrast * np.where(X // 3 % 2, 1, -1)
    return np.repeat(lines[..., None], 3, 2).astype(np.uint8)


def inputs(context):
    shown = context * ~HIDDEN[..., None]
    return GeneratorInput(NOBODY, shown.astype(np.uint8), HIDDEN, 1)


def smooth_face():
    return np.full((SIZE, SIZE, 3), 120, np.uint8)


def detail(picture, where):
    grey = picture.mean(2)
    return np.abs(grey - cv2.blur(grey, (7, 7)))[where].mean()


def test_before_the_wall_detail_is_the_pictures():
    context = strands()
    out = with_borrowed_detail(smooth_face(), inputs(context), WALL)
    ring = (AWAY > 1.03) & (AWAY < 1.12)
    assert detail(out, ring) > 0.8 * detail(context, ring)
    assert detail(smooth_face(), ring) < 1e-6


def test_behind_the_wall_it_is_borrowed_near_the_edge_and_fades():
    out = with_borrowed_detail(smooth_face(), inputs(strands()), WALL)
    near, deep = (AWAY < 0.95) & (AWAY > 0.85), AWAY < 0.5
    assert detail(out, near) > 4
    assert np.array_equal(out[deep], smooth_face()[deep])
    assert np.abs(out[HIDDEN].astype(int) - 120).max() <= 36  # the lines themselves are 48 away


def test_what_is_nearly_alike_takes_the_colour_before_the_edge_and_fades():
    """A plain wall goes on, with no line where the drawing begins."""
    wall = np.full((SIZE, SIZE, 3), (130, 126, 120), np.uint8)
    out = with_borrowed_detail(smooth_face(), inputs(wall), WALL).astype(int)
    assert np.abs(out - wall)[(AWAY > 0.98) & (AWAY < 1.15)].max() <= 3
    along = [out[(AWAY > a) & (AWAY < a + 0.02), 0].mean() for a in np.arange(0.5, 1.0, 0.05)]
    assert along[0] == 120
    assert (np.diff(along) >= -0.1).all()


@pytest.mark.parametrize("level", [0, 6, 14, 120])
@pytest.mark.parametrize("eyes_px", [8, 16, 40])
def test_where_drawing_and_picture_are_one_level_nothing_changes(level, eyes_px):
    """What is hidden or beyond the crop lends no black, nor does the wall's middle."""
    picture, points = np.full((256, 256, 3), level, np.uint8), face_landmarks((128, 128), eyes_px)
    crop_from_image = transforms.generator_crop(points, SIZE)
    wall = Wall.around(transforms.apply(crop_from_image, points))
    given = GeneratorInput.scene(picture, Place(wall, crop_from_image, SIZE), NOBODY, 1)
    out = with_borrowed_detail(np.full((SIZE, SIZE, 3), level, np.uint8), given, wall)
    assert np.abs(out.astype(int) - level).max() <= 1


@pytest.mark.parametrize("times", [1, 2, 4])
def test_a_pattern_goes_on_over_the_edge_at_every_size(times):
    """Where it is mirrored it meets itself, as nothing that is drawn smooth would."""
    size = SIZE * times
    wall = Wall((128.0 * times, 128.0 * times), (70.0 * times, 90.0 * times))
    away_px = (1 - wall.radius_map(size)) * 70 * times
    noise = np.random.default_rng(0).standard_normal((size, size)).astype(np.float32)
    mottled = cv2.GaussianBlur(noise, (0, 0), 2)
    picture = np.repeat((120 + 10 * mottled / mottled.std())[..., None], 3, 2).astype(np.uint8)
    shown = picture * (away_px < 0)[..., None].astype(np.uint8)
    given = GeneratorInput(NOBODY, shown, away_px >= 0, 1)
    drawn = np.full((size, size, 3), 120, np.uint8)
    out = with_borrowed_detail(drawn, given, wall)
    edge = (away_px >= 0) & (away_px < 1.5)
    missed, off = (np.abs(each.astype(int) - picture)[edge].mean() for each in (drawn, out))
    assert off < 0.8 * missed


def test_what_has_another_colour_borrows_nothing():
    """As skin beside hair."""
    skin = np.full((SIZE, SIZE, 3), 200, np.uint8)
    out = with_borrowed_detail(skin, inputs(strands()), WALL)
    near = (AWAY < 0.92) & (AWAY > 0.85)
    assert np.abs(out[near].astype(int) - 200).max() <= 2


def test_the_new_face_stays():
    turns = np.linspace(0, 2 * np.pi, 478, endpoint=False)
    outline = np.column_stack([128 + 63 * np.cos(turns), 128 + 81 * np.sin(turns), 0 * turns])
    given = replace(inputs(strands()), surrogate_px=outline)
    out = with_borrowed_detail(smooth_face(), given, WALL)
    within = hull(outline, SIZE) > 0
    assert np.array_equal(out[within], smooth_face()[within])
    assert detail(out, ~within & HIDDEN) > 4


def test_nothing_behind_the_wall_is_read():
    rng = np.random.default_rng(0)
    clean = inputs(strands())
    noise = rng.integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    dirty = replace(clean, context=np.where(HIDDEN[..., None], noise, clean.context))
    face = cv2.GaussianBlur(noise, (0, 0), 5)
    outs = [with_borrowed_detail(face, seen, WALL) for seen in (clean, dirty)]
    assert np.array_equal(*outs)


@pytest.mark.parametrize("hidden", [np.ones_like(HIDDEN), np.zeros_like(HIDDEN)])
def test_heads_on_black_have_no_rim(hidden):
    given = replace(inputs(strands()), wall_mask=hidden)
    face = strands(20)
    assert np.array_equal(with_borrowed_detail(face, given, WALL), face)


def test_a_crop_that_is_nearly_all_wall_works():
    hidden = np.ones_like(HIDDEN)
    hidden[:, :3] = False
    context = strands() * ~hidden[..., None]
    given = GeneratorInput(NOBODY, context.astype(np.uint8), hidden, 1)
    assert with_borrowed_detail(smooth_face(), given, WALL).shape == (SIZE, SIZE, 3)
