import cv2
import numpy as np
import pytest
from skimage.color import rgb2lab
from skimage.draw import polygon2mask

from ganonymization.cli.demo import astronaut
from ganonymization.evaluation import appearance
from ganonymization.geometry import topology

from ..conftest import face_landmarks

PICTURE = astronaut()
POINTS = face_landmarks((222.0, 118.0), 62.0, 0.03)  # laid over her face
CHIP = appearance.face_chip(PICTURE, POINTS)
CHEEKS_IN_RGB = {"light": (240, 210, 190), "tan": (200, 150, 110), "dark": (90, 60, 45)}


def moved(turn_deg: float, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """The picture turned and scaled, and the landmarks with it."""
    matrix = cv2.getRotationMatrix2D((222, 150), turn_deg, scale)
    matrix[:, 2] += (40, 60)
    points = POINTS * scale
    points[:, :2] = POINTS[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    return cv2.warpAffine(PICTURE, matrix, (640, 640), flags=cv2.INTER_CUBIC), points


def oval(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The face's oval as scikit-image fills it."""
    return polygon2mask(shape, points[list(topology.FACE_OVAL), 1::-1])


def gap(chip: np.ndarray) -> float:
    return float(np.abs(chip.astype(int) - CHIP).mean())


def painted(colour: tuple[int, int, int]) -> np.ndarray:
    return np.full((128, 128, 3), colour, np.uint8)


@pytest.mark.parametrize(("turn_deg", "scale"), [(30, 1.0), (-75, 1.2), (140, 0.8), (10, 2.0)])
def test_a_chip_depends_neither_on_tilt_nor_on_size(turn_deg, scale):
    chip = appearance.face_chip(*moved(turn_deg, scale))
    assert gap(chip) < 4
    change = np.linalg.norm(appearance.gradients(chip) - appearance.gradients(CHIP))
    assert change < 1.5


def test_a_chip_tells_one_face_from_another():
    """The other one is her mirror image, under the same landmarks."""
    other = appearance.face_chip(np.ascontiguousarray(PICTURE[:, ::-1]), POINTS)
    assert gap(other) > 12
    assert np.linalg.norm(appearance.gradients(other) - appearance.gradients(CHIP)) > 3


def test_a_chip_is_grey_outside_the_oval():
    upright = face_landmarks((0.0, 0.0), 1.0)
    side = 96 / 2.2  # pixels of the chip in an outer-eye distance
    in_chip = upright * side + [47.5, 47.5 - 0.35 * side, 0]
    inside = oval(in_chip, CHIP.shape).astype(np.uint8)
    edge = np.ones((5, 5), np.uint8)
    assert (CHIP[cv2.dilate(inside, edge) == 0] == 127).all()
    within = CHIP[cv2.erode(inside, edge) == 1]
    assert (within == 127).mean() < 0.05
    assert np.ptp(within) > 150


def test_a_chip_hardly_depends_on_what_is_around_the_face():
    inside = cv2.dilate(oval(POINTS, PICTURE.shape[:2]).astype(np.uint8), np.ones((5, 5), np.uint8))
    for around in (0, 255):
        chip = appearance.face_chip(np.where(inside[..., None], PICTURE, np.uint8(around)), POINTS)
        assert gap(chip) < 4
        assert np.linalg.norm(appearance.gradients(chip) - appearance.gradients(CHIP)) < 1.5


def test_a_crop_holds_the_eyes_level_in_a_fixed_place():
    picture, points = moved(50, 1.3)
    for place in (topology.OUTER_EYE_RIGHT, topology.OUTER_EYE_LEFT):
        cv2.circle(picture, np.round(points[place, :2]).astype(int).tolist(), 3, (0, 255, 0), -1)
    crop = appearance.face_crop(picture, points, 220)
    assert crop.shape == (220, 220, 3)
    green = (crop[..., 1] > 180) & (crop[..., 0] < 80) & (crop[..., 2] < 80)
    for half, x in ((slice(0, 110), 59.5), (slice(110, 220), 159.5)):
        y_seen, x_seen = (v.mean() for v in np.nonzero(green[:, half]))
        assert x_seen + half.start == pytest.approx(x, abs=2)
        assert y_seen == pytest.approx(109.5 - 35, abs=2)


def test_gradients_are_as_many_as_said():
    found = appearance.gradients(CHIP)
    assert found.shape == (1568,)
    assert found.dtype == np.float32
    assert np.isfinite(appearance.gradients(np.full((96, 96), 127, np.uint8))).all()


@pytest.mark.parametrize("colour", CHEEKS_IN_RGB.values(), ids=CHEEKS_IN_RGB)
def test_the_skin_tone_is_the_typology_angle_of_scikit_images_lab(face, colour):
    light, _, yellow = rgb2lab(np.array(colour) / 255)
    expected = np.degrees(np.arctan2(light - 50, yellow))
    assert appearance.skin_tone_deg(painted(colour), face) == pytest.approx(expected, abs=0.5)


def test_the_skin_tone_is_that_of_the_cheeks_alone(face):
    picture = painted(CHEEKS_IN_RGB["tan"])
    expected = appearance.skin_tone_deg(picture, face)
    mouth = int(face[list(topology.LIPS_OUTER), 1].min())
    nose = slice(int(face[129, 0]), int(face[358, 0]))  # between its wings
    picture[:64] = picture[mouth:] = picture[:, nose] = (0, 0, 255)
    assert appearance.skin_tone_deg(picture, face) == expected


def test_grey_pictures_and_cheeks_outside_have_no_skin_tone(face):
    assert np.isnan(appearance.skin_tone_deg(painted((140, 140, 140)), face))
    assert np.isnan(appearance.skin_tone_deg(painted(CHEEKS_IN_RGB["tan"]), face - [500, 0, 0]))
    half = appearance.skin_tone_deg(painted(CHEEKS_IN_RGB["tan"]), face - [64, 0, 0])
    assert np.isfinite(half)


def test_a_blurred_face_is_less_sharp_at_any_size():
    blurred = cv2.GaussianBlur(PICTURE, (0, 0), 3)
    sharp = appearance.sharpness(PICTURE, POINTS)
    assert appearance.sharpness(blurred, POINTS) < sharp / 2
    assert appearance.sharpness(*moved(0, 2.0)) == pytest.approx(sharp, rel=0.25)


def test_a_face_of_a_few_pixels_has_no_sharpness():
    assert np.isnan(appearance.sharpness(PICTURE, face_landmarks((222, 118), 3.0)))


def test_a_face_outside_the_picture_has_no_sharpness():
    picture = np.random.default_rng(0).integers(0, 256, (512, 512, 3), dtype=np.uint8)
    beside = face_landmarks((222, 118), 62) - [600, 0, 0]
    assert np.isnan(appearance.sharpness(picture, beside))
