"""Large faces are drawn at their own resolution."""

import numpy as np
import pytest

from ganonymization.locating import crop_size
from ganonymization.synthesize.refiner import Refiner

from ..conftest import face_landmarks
from ..donors.conftest import bank_of
from .test_refiner import FakeSession


class Session(FakeSession):
    """At the network's own size, whatever the crop's."""

    def run(self, names, feeds):
        assert feeds["input"].shape == (1, 64, 64, 12)
        return super().run(names, feeds)


@pytest.mark.parametrize(
    ("eyes_px", "size"), [(20, 256), (75, 256), (90, 512), (120, 512), (280, 1024), (900, 1024)]
)
def test_the_crop_follows_the_face(eyes_px, size):
    refiner = Refiner(Session(), 64, bank_of(30))
    points = face_landmarks((500, 500), eyes_px)
    assert crop_size(refiner, points, 0) == size
    assert crop_size(refiner, points, 512) == 512
    assert crop_size(refiner, points, None) == 64


def test_the_texture_is_worn_at_the_crops_size():
    from ganonymization.geometry.wall import GeneratorInput

    refiner = Refiner(Session(), 64, bank_of(30))
    for size in (64, 256):
        points = face_landmarks((size / 2, size / 2), size / 3.4)
        drawn = refiner(GeneratorInput.portrait(size, points, 1))
        assert drawn.shape == (size, size, 3) and drawn.dtype == np.uint8
