import numpy as np

from ganonymization.geometry.wall import Wall
from ganonymization.training.augment import boxed_wall

from ..conftest import face_landmarks


def test_a_boxed_wall_holds_the_faces_and_little_more():
    """On average a little more above than at the sides, as boxes have it."""
    face_points = face_landmarks()
    tight = Wall.around(face_points)
    grown = [boxed_wall(face_points, np.random.default_rng(i)) for i in range(300)]
    assert all(wall.holds(face_points) for wall in grown)
    top = [tight.centre_xy[1] - tight.half_wh[1] - w.centre_xy[1] + w.half_wh[1] for w in grown]
    side = [tight.centre_xy[0] - tight.half_wh[0] - w.centre_xy[0] + w.half_wh[0] for w in grown]
    assert min(top) > -1e-6 and min(side) > -1e-6
    above, beside = np.mean(top) / tight.half_wh[1], np.mean(side) / tight.half_wh[0]
    assert 0.02 < above < 0.06 and 0.01 < beside < 0.03
