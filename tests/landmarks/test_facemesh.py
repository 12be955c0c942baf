from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ganonymization.cli.demo import astronaut
from ganonymization.detect.centerface import CenterFace
from ganonymization.errors import LandmarksError
from ganonymization.geometry import transforms
from ganonymization.geometry.topology import EYE_LEFT, EYE_RIGHT, IRIS_LEFT, IRIS_RIGHT
from ganonymization.landmarks.facemesh import FaceMesh
from ganonymization.landmarks.search import find_landmarks
from ganonymization.types import Detection


@pytest.fixture(scope="module")
def mesh():
    return FaceMesh()


def test_landmarks_lie_where_the_features_are(mesh):
    (detection,) = CenterFace()(astronaut())
    points = find_landmarks(astronaut(), detection, mesh)
    assert points.shape == (478, 3)
    for index, (x, y) in {468: (211, 103), 473: (251, 103), 1: (227, 125)}.items():
        assert np.hypot(points[index, 0] - x, points[index, 1] - y) < 10


def test_no_face_raises(mesh):
    with pytest.raises(LandmarksError, match="no landmarks"):
        mesh(np.full((128, 128, 3), 120, np.uint8))


def test_many_crops_at_once_are_as_each_alone(mesh):
    crops = [astronaut()[20:250, 110:340], np.full((128, 128, 3), 120, np.uint8)]
    crops.append(np.ascontiguousarray(crops[0][:, ::-1]))
    first, none, mirrored = mesh.many(crops)
    assert none is None
    for points, crop in ((first, crops[0]), (mirrored, crops[2])):
        assert np.allclose(points, mesh(crop), atol=1e-3)
    assert mesh.many([]) == []


def test_threads_may_share_it(mesh):
    crops = [astronaut()[20 + i : 250 + i, 110:340] for i in range(8)]
    alone = [mesh(crop) for crop in crops]
    with ThreadPoolExecutor(4) as pool:
        for points, expected in zip(pool.map(mesh, crops), alone, strict=True):
            assert np.array_equal(points, expected)


def test_an_iris_is_as_deep_as_its_eye(mesh):
    points = mesh(astronaut()[20:250, 110:340])
    for eye, iris in ((EYE_RIGHT, IRIS_RIGHT), (EYE_LEFT, IRIS_LEFT)):
        assert np.allclose(points[list(iris), 2], points[list(eye), 2].mean(), atol=1e-3)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_face_is_found_without_the_detectors_eyes(mesh, quarters):
    image = np.ascontiguousarray(np.rot90(astronaut(), quarters))
    upright = find_landmarks(astronaut(), Detection((180, 58, 270, 180), 1), mesh)
    shift = {1: (lambda x, y: (y, 511 - x)), 2: (lambda x, y: (511 - x, 511 - y)),
             3: (lambda x, y: (511 - y, x))}[quarters]  # fmt: skip
    corners = np.array([shift(180, 58), shift(270, 180)])
    box = (*corners.min(0).tolist(), *corners.max(0).tolist())
    points = find_landmarks(image, Detection(box, 1), mesh)
    expected = np.array([shift(x, y) for x, y in upright[:, :2]])
    assert np.linalg.norm(points[:, :2] - expected, axis=1).mean() < 6


def test_a_neighbours_landmarks_are_refused(mesh):
    with pytest.raises(LandmarksError):
        find_landmarks(astronaut(), Detection((300, 60, 390, 180), 1), mesh)


def test_the_search_crop_shows_twice_the_box():
    detection = Detection((100, 100, 140, 160), 1)
    crop_from_image = transforms.detection_crop(detection, 384)
    corners = transforms.apply(crop_from_image, np.array([[60, 70], [180, 190.0]]))
    assert np.allclose(corners, [[-0.5, -0.5], [383.5, 383.5]], atol=0.6)
