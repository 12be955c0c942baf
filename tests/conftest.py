"""Fakes of the stages and a face that needs no network."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from ganonymization.errors import LandmarksError
from ganonymization.geometry import topology
from ganonymization.pipeline import Anonymizer
from ganonymization.types import Detection

settings.register_profile("any machine", deadline=None)  # a busy one is no counterexample
settings.load_profile("any machine")

SHARED = Path(__file__).parent.parent.parent / "shared" / "data"


def pytest_collection_modifyitems(items):
    """Leave out what needs the measuring pictures where they are not."""
    if SHARED.is_dir():
        return
    missing = pytest.mark.skip(reason=f"the measuring pictures are not in {SHARED}")
    for item in items:
        if "shared" in item.keywords:
            item.add_marker(missing)


@pytest.fixture
def shared() -> Path:
    return SHARED


def face_landmarks(centre=(64.0, 64.0), eyes_px=20.0, angle_rad=0.0) -> np.ndarray:
    """The canonical face somewhere in a picture, (478, 3)."""
    face = topology.canonical_face().astype(float) * eyes_px
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    turned = face[:, :2] @ np.array([[cos, sin], [-sin, cos]])
    return np.column_stack([turned + centre, face[:, 2]])


def box_of(landmarks: np.ndarray) -> tuple[float, float, float, float]:
    return (*landmarks[:, :2].min(0).tolist(), *landmarks[:, :2].max(0).tolist())


class FakeDetector:
    """Knows where the faces are."""

    def __init__(self, *landmarks: np.ndarray) -> None:
        self.detections = [Detection(box_of(points), 0.9) for points in landmarks]

    def __call__(self, image):
        return list(self.detections)


class FakeLandmarker:
    """Sees the canonical face where a detection's or the generator's crop has it."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, crop):
        self.calls += 1
        size = crop.shape[0]
        face = topology.canonical_face().astype(float)
        if size == 384:  # the search crop is twice the box's longer side
            extent = np.ptp(face[:, :2], axis=0).max()
            scale = size / 2 / extent
            middle = (face[:, :2].min(0) + face[:, :2].max(0)) / 2
            points = (face - [*middle, 0]) * scale
        else:
            from ganonymization.geometry.transforms import CROP_CENTRE_CANONICAL, CROP_SIDE_EYES

            points = (face - CROP_CENTRE_CANONICAL) * (size / CROP_SIDE_EYES)
        return points + np.array([(size - 1) / 2, (size - 1) / 2, 0])


class BlindLandmarker:
    """Never sees a face."""

    def __call__(self, crop):
        raise LandmarksError("no landmarks found")


class FakeSynthesizer:
    """Mixes all that crosses the wall into a picture, so that a leak shows."""

    size_px = 64
    crop_side_eyes = 3.4
    draws_scenes = True

    def __call__(self, inputs):
        rng = np.random.default_rng(inputs.seed)
        colour = rng.integers(0, 256, 3)
        seen = inputs.context.sum() + inputs.wall_mask.sum() * 7
        base = np.full((64, 64, 3), colour, np.int64) + seen % 97 + inputs.context // 4
        return (base % 256).astype(np.uint8)


class RaisingSynthesizer(FakeSynthesizer):
    """Fails the way a plugged-in model might."""

    def __call__(self, inputs):
        raise RuntimeError("out of memory")


@pytest.fixture(autouse=True)
def state_folder(tmp_path_factory, monkeypatch) -> Path:
    """Where secrets of output folders lie; not the user's own."""
    folder = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    return folder / "ganonymization"


@pytest.fixture
def face() -> np.ndarray:
    return face_landmarks()


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)


@pytest.fixture
def make_anonymizer(face):
    """An anonymizer of fakes; any of them can be replaced."""

    def make(**options) -> Anonymizer:
        defaults = {
            "detector": FakeDetector(face),
            "landmarker": FakeLandmarker(),
            "model": FakeSynthesizer(),
        }
        return Anonymizer(**(defaults | options))

    return make
