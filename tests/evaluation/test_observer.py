import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ganonymization import registry
from ganonymization.errors import LandmarksError
from ganonymization.evaluation import appearance, observer
from ganonymization.evaluation.observer import Observer, ObserverSpec, painted_over
from ganonymization.geometry import topology

from ..conftest import BlindLandmarker, FakeDetector, FakeLandmarker, face_landmarks

LARGE, SMALL = face_landmarks((70, 70), 40), face_landmarks((170, 60), 24)
OVAL = list(topology.FACE_OVAL)


class FakeRecogniser:
    """Reads the picture's mean and where the face is."""

    name, same_person = "fake", 0.6

    def __init__(self):
        self.pictures = []

    def __call__(self, image, landmarks_px):
        self.pictures.append(image)
        return np.array([image.mean(), *landmarks_px[:, :2].mean(0)])


class HalfBlindLandmarker(FakeLandmarker):
    """Sees no face where the crop's middle is black."""

    def __call__(self, crop):
        if not crop[170:210, 170:210].any():
            raise LandmarksError("no landmarks found")
        return super().__call__(crop)


def scene():
    return np.random.default_rng(0).integers(1, 256, (140, 220, 3), dtype=np.uint8)


def seen(image, *faces, landmarker=None, surroundings=False):
    """What is seen, and the pictures that the recogniser was shown."""
    recogniser = FakeRecogniser()
    observer = Observer(FakeDetector(*faces), landmarker or FakeLandmarker(), recogniser)
    return observer(image, surroundings), recogniser.pictures


def test_everything_is_measured_on_the_largest_face():
    image = scene()
    values, (shown,) = seen(image, LARGE, SMALL)
    assert values["boxes"].shape == (2, 4)
    np.testing.assert_array_equal(values["size_hw"], [140, 220])
    np.testing.assert_allclose(values["landmarks_px"], LARGE, atol=0.5)
    np.testing.assert_allclose(values["embedding"][1:], LARGE[:, :2].mean(0), atol=0.5)
    np.testing.assert_array_equal(shown, image)
    points = values["landmarks_px"].astype(np.float64)
    assert values["skin_tone_deg"] == pytest.approx(appearance.skin_tone_deg(image, points))
    assert values["sharpness"] == pytest.approx(appearance.sharpness(image, points), rel=0.01)
    assert values["gradients"].shape == (1568,)
    assert {v.dtype for v in values.values()} == {np.dtype(np.float32)}


def test_the_largest_face_with_landmarks_is_taken():
    image = scene()
    left, top, right, bottom = (int(v) for v in (20, 20, 120, 120))
    image[top:bottom, left:right] = 0
    values, _ = seen(image, LARGE, SMALL, landmarker=HalfBlindLandmarker())
    np.testing.assert_allclose(values["landmarks_px"], SMALL, atol=0.5)
    assert values["boxes"].shape == (2, 4)


def test_boxes_are_in_the_detectors_order():
    values, _ = seen(scene(), LARGE, SMALL)
    widths = values["boxes"][:, 2] - values["boxes"][:, 0]
    assert widths[0] > widths[1]
    np.testing.assert_allclose(values["boxes"][1, :2], SMALL[:, :2].min(0), atol=1e-4)


def test_without_landmarks_there_are_boxes_alone():
    values, shown = seen(scene(), LARGE, landmarker=BlindLandmarker(), surroundings=True)
    assert set(values) == {"boxes", "size_hw"}
    assert values["boxes"].shape == (1, 4)
    assert shown == []


def test_without_a_face_there_are_no_boxes():
    values, _ = seen(scene())
    assert set(values) == {"boxes", "size_hw"}
    assert values["boxes"].shape == (0, 4)


def test_surroundings_are_read_with_the_face_painted_over_only_when_asked_for():
    image = scene()
    values, (covered, whole) = seen(image, LARGE, surroundings=True)
    np.testing.assert_array_equal(whole, image)
    points = values["landmarks_px"].astype(np.float64)
    np.testing.assert_array_equal(covered, painted_over(image, points))
    assert values["context"][0] == pytest.approx(covered.mean())
    assert "context" not in seen(image, LARGE)[0]


@pytest.mark.parametrize("angle", [0.0, 0.6, 2.5])
def test_the_whole_oval_is_painted_over_and_the_rest_is_not(angle):
    image = scene()
    points = face_landmarks((90, 70), 40, angle)
    covered = painted_over(image, points)
    oval = np.zeros(image.shape[:2], np.uint8)
    cv2.fillPoly(oval, [np.round(points[OVAL, :2]).astype(np.int32)], (1,))
    assert oval.sum() > 1000
    assert (covered[oval == 1] == 127).all()
    rows, columns = np.indices(oval.shape)
    far = np.hypot(columns - 90, rows - 70) > 70
    np.testing.assert_array_equal(covered[far], image[far])
    assert (covered == 127).all(-1).sum() > 1.3 * oval.sum()


@pytest.mark.parametrize("yaw", [-35, 35])
@pytest.mark.parametrize("pitch", [-25, 25])
def test_the_oval_of_a_turned_face_is_painted_over(yaw, pitch):
    points = face_landmarks((0, 0), 60)
    turn = Rotation.from_euler("yx", [yaw, pitch], degrees=True)
    points = points @ turn.as_matrix().T + [110, 70, 0]
    oval = np.zeros((140, 220), np.uint8)
    cv2.fillPoly(oval, [np.round(points[OVAL, :2]).astype(np.int32)], (1,))
    covered = painted_over(scene(), points)
    assert (covered[oval == 1] == 127).all()


@pytest.mark.parametrize("yaw", [45, 60, -60])
def test_a_face_in_profile_is_painted_over(yaw):
    """Nose and mouth, too, which stick out of the oval then."""
    turn = Rotation.from_euler("y", yaw, degrees=True).as_matrix()
    points = face_landmarks((0, 0), 100) @ turn.T + [200, 200, 0]
    face = np.zeros((400, 400), np.uint8)
    surface = points[: topology.SURFACE_COUNT, :2]
    cv2.fillConvexPoly(face, cv2.convexHull(np.round(surface).astype(np.int32)), 1)
    covered = painted_over(np.zeros((400, 400, 3), np.uint8), points)
    assert (covered[face == 1] == 127).all(-1).mean() > 0.99


def test_the_recogniser_is_asked_where_somebody_marks_a_face():
    """Though neither detector nor landmarker see one."""
    image, recogniser = scene(), FakeRecogniser()
    values = Observer(FakeDetector(), BlindLandmarker(), recogniser).marked(image, SMALL)
    assert set(values) == {"embedding"}
    np.testing.assert_allclose(values["embedding"], recogniser(image, SMALL), rtol=1e-6)
    np.testing.assert_array_equal(recogniser.pictures[0], image)
    assert values["embedding"].dtype == np.float32


def test_the_picture_itself_is_not_painted_on():
    image = scene()
    before = image.copy()
    painted_over(image, LARGE)
    painted_over(image[:, ::-1], LARGE)  # no contiguous one
    np.testing.assert_array_equal(image, before)


def test_a_face_at_the_edge_is_painted_over_inside_the_picture():
    image = scene()
    covered = painted_over(image, face_landmarks((0, 0), 40))
    assert (covered[:25, :10] == 127).all()
    np.testing.assert_array_equal(covered[100:], image[100:])


def test_an_eye_loads_what_it_names(monkeypatch, tmp_path):
    asked = []

    def load(table, name):
        asked.append(name)
        return lambda *options: name

    monkeypatch.setattr(registry, "load", load)
    monkeypatch.setattr(observer, "load_recogniser", lambda path: path)
    made = ObserverSpec(tmp_path / "net.onnx", "blazeface").load()
    assert asked == ["blazeface", "facemesh"]
    assert made == Observer("blazeface", "facemesh", tmp_path / "net.onnx")
