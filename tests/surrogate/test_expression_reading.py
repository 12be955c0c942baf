import cv2
import numpy as np
import pytest

from ganonymization.geometry import topology
from ganonymization.surrogate.expression_reading import EXPRESSIONS, ExpressionReader, coarse

from ..conftest import face_landmarks


@pytest.fixture(scope="module")
def reader():
    return ExpressionReader()


def test_a_reading_is_seven_shares(reader):
    image = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    reading = reader(image, face_landmarks())
    assert reading.shape == (len(EXPRESSIONS),) and reading.dtype == np.float32
    assert float(reading.sum()) == pytest.approx(1, abs=1e-3)


def test_the_mirror_image_reads_the_same(reader):
    noise = np.random.default_rng(1).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    image = cv2.resize(noise, (129, 129), interpolation=cv2.INTER_CUBIC)
    points = face_landmarks((64, 64))
    flipped = points[topology.mirror()] * [-1, 1, 1] + [128, 0, 0]
    mirrored = np.ascontiguousarray(image[:, ::-1])
    assert np.allclose(reader(image, points), reader(mirrored, flipped), atol=0.01)


def test_pixels_away_from_the_face_do_not_matter(reader):
    rng = np.random.default_rng(2)
    image = rng.integers(0, 256, (400, 400, 3), dtype=np.uint8)
    other = image.copy()
    other[:100], other[300:] = 0, 255
    points = face_landmarks((200, 200), 40)
    assert np.array_equal(reader(image, points), reader(other, points))


def test_a_face_outside_the_picture_is_read_too(reader):
    for centre in ((-500, 40), (2, 2), (900, 900)):
        reading = reader(np.zeros((128, 128, 3), np.uint8), face_landmarks(centre))
        assert np.isfinite(reading).all()


def test_a_reading_crosses_in_steps_of_a_quarter():
    assert coarse(np.array([0.1, 0.13, 0.9, 1.0])).tolist() == [0.0, 0.25, 1.0, 1.0]
