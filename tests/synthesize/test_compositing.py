import cv2
import numpy as np
import pytest

from ganonymization.geometry import transforms
from ganonymization.geometry.rasterisation import hull
from ganonymization.geometry.wall import RING, GeneratorInput, Place, Wall
from ganonymization.synthesize import compositing
from ganonymization.synthesize.compositing import Canvas

from ..conftest import face_landmarks
from ..geometry.test_wall import SIZE, place_of


@pytest.fixture
def place():
    return place_of(face_landmarks((60, 70), 18, 0.4))


WHOLE = (slice(0, 128), slice(0, 128))


@pytest.mark.parametrize("rows", [7, 256])
def test_pasting_changes_the_composite_mask_alone(picture, place, monkeypatch, rows):
    """Whatever the height of the strips it works in."""
    monkeypatch.setattr(compositing, "_STRIP_ROWS", rows)
    canvas = Canvas.of(picture)
    compositing.paste(canvas, np.full((SIZE, SIZE, 3), 77, np.uint8), place)
    assert np.array_equal(canvas.image[~canvas.touched], picture[~canvas.touched])
    radius = place.radius(WHOLE)
    assert np.array_equal(canvas.touched, radius < RING)
    assert np.array_equal(canvas.opaque, radius <= 1)
    assert (canvas.image[canvas.opaque] == 77).all()


def test_strips_leave_no_trace(picture, place, monkeypatch):
    drawn = np.random.default_rng(3).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    images = []
    for rows in (5, 256):
        monkeypatch.setattr(compositing, "_STRIP_ROWS", rows)
        canvas = Canvas.of(picture)
        compositing.paste(canvas, drawn, place)
        images.append(canvas.image.astype(int))
    assert np.abs(images[0] - images[1]).max() <= 1


def test_the_feather_lies_in_the_ring(place):
    canvas = Canvas.of(np.zeros((128, 128, 3), np.uint8))
    compositing.paste(canvas, np.full((SIZE, SIZE, 3), 200, np.uint8), place)
    radius = place.radius(WHOLE)
    ring = (radius > 1.01) & (radius < RING - 0.01)
    between = canvas.image[ring][:, 0]
    assert ((between > 0) & (between < 200)).mean() > 0.8


def test_the_tone_meets_the_surroundings(place):
    scene = np.full((128, 128, 3), 160, np.uint8)
    inputs = GeneratorInput.scene(scene, place, face_landmarks(), 1)
    drawn = np.full((SIZE, SIZE, 3), 100, np.uint8)
    matched = compositing.match_tone(drawn, inputs, place).astype(int)
    radius = place.wall.radius_map(SIZE)
    edge = (radius > 0.95) & (radius < 1.1)
    assert np.abs(matched[edge] - 160).mean() < 8
    assert (matched[radius < 0.25] == 100).all()


@pytest.mark.parametrize("eyes_px", [6, 12, 25])
def test_a_small_face_meets_its_surroundings_too(eyes_px):
    points = face_landmarks((64, 64), eyes_px)
    crop_from_image = transforms.generator_crop(points, 256)
    wall = Wall.around(transforms.apply(crop_from_image, points))
    place = Place(wall, crop_from_image, 256)
    inputs = GeneratorInput.scene(np.full((128, 128, 3), 160, np.uint8), place, points, 1)
    matched = compositing.match_tone(np.full((256, 256, 3), 130, np.uint8), inputs, place)
    radius = wall.radius_map(256)
    assert np.abs(matched[(radius > 0.97) & (radius < 1)].astype(int) - 160).mean() < 10


def test_no_green_of_leaves_reaches_a_cheek(place):
    """What is drawn brown before leaves gets their green, beside the face and not in it."""
    scene = np.full((128, 128, 3), (70, 140, 50), np.uint8)
    points = transforms.apply(place.crop_from_image, face_landmarks((60, 70), 18, 0.4))
    inputs = GeneratorInput.scene(scene, place, points, 1)
    drawn = np.full((SIZE, SIZE, 3), (130, 95, 70), np.uint8)
    face = hull(points, SIZE) > 0
    drawn[face] = (120, 85, 65)
    matched = compositing.match_tone(drawn, inputs, place).astype(int)
    change = matched - drawn
    cheek = cv2.erode(face.view(np.uint8), np.ones((7, 7), np.uint8)) > 0
    assert np.abs(change[cheek]).max() <= 2
    beyond = cv2.dilate(face.view(np.uint8), np.ones((7, 7), np.uint8)) > 0
    radius = place.wall.radius_map(SIZE)
    beside = (radius > 0.92) & (radius < 1.1) & ~beyond
    assert (change[beside][:, 1] > 15).mean() > 0.9


def test_a_cheek_meets_the_skin_that_is_seen(place):
    scene = np.full((128, 128, 3), (170, 125, 105), np.uint8)
    points = transforms.apply(place.crop_from_image, face_landmarks((60, 70), 18, 0.4))
    inputs = GeneratorInput.scene(scene, place, points, 1)
    drawn = np.full((SIZE, SIZE, 3), (150, 105, 85), np.uint8)
    matched = compositing.match_tone(drawn, inputs, place).astype(int)
    edge = (hull(points, SIZE) > 0) & (place.wall.radius_map(SIZE) > 0.9)
    assert (matched[edge] - drawn[edge]).mean() > 10


def test_a_face_in_a_grey_scene_is_grey(place):
    y, x = np.mgrid[:128, :128]
    scene = np.repeat(((x + y) // 2)[..., None], 3, 2).astype(np.uint8)
    inputs = GeneratorInput.scene(scene, place, face_landmarks(), 1)
    drawn = np.full((SIZE, SIZE, 3), (200, 120, 90), np.uint8)
    assert np.ptp(compositing.match_tone(drawn, inputs, place), axis=2).max() <= 1
    scene[..., 0] += 30
    inputs = GeneratorInput.scene(scene, place, face_landmarks(), 1)
    assert np.ptp(compositing.match_tone(drawn, inputs, place), axis=2).max() > 50


def test_a_tone_that_fits_is_left_alone(place):
    scene = np.full((128, 128, 3), 100, np.uint8)
    inputs = GeneratorInput.scene(scene, place, face_landmarks(), 1)
    drawn = np.full((SIZE, SIZE, 3), 100, np.uint8)
    assert np.array_equal(compositing.match_tone(drawn, inputs, place), drawn)


def test_shares_of_boxes():
    mask = np.zeros((40, 40), bool)
    mask[:, :20] = True
    assert compositing.covered_share((0, 0, 19, 39), mask) == 1
    assert compositing.covered_share((20, 0, 39, 39), mask) == 0
    assert 0.3 < compositing.covered_share((10, 5, 29, 30), mask) < 0.7
    assert compositing.covered_share((100, 100, 120, 120), mask) == 1
