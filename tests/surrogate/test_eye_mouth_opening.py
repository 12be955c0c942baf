import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganonymization.geometry import topology
from ganonymization.surrogate.eye_mouth_opening import EYES, MOUTH

FACE = topology.canonical_face()[: topology.SURFACE_COUNT].astype(float)


@pytest.mark.parametrize("opening", [*EYES, MOUTH])
@given(openness=st.floats(0, 0.6))
def test_an_opening_is_set(opening, openness):
    moved = opening.opened(FACE, np.float64(openness))
    assert opening.openness(moved) == pytest.approx(openness, abs=1e-9)
    assert np.all(opening.gaps(moved) >= -1e-12)
    assert np.array_equal(moved[list(opening.corners)], FACE[list(opening.corners)])
    far = np.linalg.norm(FACE - FACE[list(opening.corners)].mean(0), axis=1) > opening.reach
    assert np.array_equal(moved[far], FACE[far])


def test_the_eyes_are_each_their_own():
    right, left = EYES
    moved = right.opened(FACE, np.float64(0))
    assert right.openness(moved) == pytest.approx(0)
    assert left.openness(moved) == left.openness(FACE)


def test_upper_edges_lie_above_lower_ones():
    for opening in (*EYES, MOUTH):
        assert np.all(opening.gaps(FACE) > -0.01)
        assert len(opening.upper) == len(opening.lower)


def test_batches_are_single_faces():
    wide = np.array([0.1, 0.3])
    together = MOUTH.opened(np.stack([FACE, FACE]), wide)
    singly = np.stack([MOUTH.opened(FACE, value) for value in wide])
    assert np.allclose(together, singly)
