import numpy as np
import pytest
import torch

from ganonymization.training.data import PreparedFaces
from ganonymization.training.losses import (
    Networks,
    face_view,
    landmark_distance,
    point_weights,
    unpack,
)  # fmt: skip


@pytest.fixture(scope="module")
def sample(prepared):
    faces = PreparedFaces([prepared], 256, portrait_share=0.0, jitter_eyes=0.0, seed=1)
    return unpack({name: layer[None] for name, layer in faces[0].items()})


def test_landmarks_are_found_where_they_are_and_missed_where_not(sample):
    torch.manual_seed(0)
    nets = Networks()
    near = float(landmark_distance(nets, sample["picture"], sample["landmarks"]))
    assert near < 0.02
    off = sample["landmarks"].clone()
    off[:, :, 0] += 0.1 * float((off[:, 33] - off[:, 263]).norm())
    assert float(landmark_distance(nets, sample["picture"], off)) > near + 0.02


def test_a_view_is_a_level_square_half_as_large_again(sample):
    """Averaged over its random offsets: the face's middle, the eyes level, 1.5 times the face."""
    torch.manual_seed(0)
    asked = sample["landmarks"].repeat(4000, 1, 1)
    turn = torch.tensor([[0.8, -0.6], [0.6, 0.8]])
    turned = asked @ turn.T
    views = face_view(turned)
    low, high = turned[0].amin(0), turned[0].amax(0)
    assert torch.allclose(views[:, :, 2].mean(0), (low + high) / 2, atol=0.01)
    halves = views[:, :, 0].norm(dim=1)
    assert float(halves.mean()) == pytest.approx(0.75 * float((high - low).max()), rel=0.01)
    assert float(halves.std()) > 0.01
    along = turned[0, 263] - turned[0, 33]
    angle = float(torch.atan2(along[1], along[0]))
    seen = torch.atan2(views[:, 1, 0], views[:, 0, 0])
    assert float(seen.mean()) == pytest.approx(angle, abs=0.01)
    assert torch.allclose(views[:, 0, 0], views[:, 1, 1])
    assert torch.allclose(views[:, 0, 1], -views[:, 1, 0])


def test_what_tells_the_expression_counts_more():
    weights = point_weights().numpy()[:, 0]
    assert weights.mean() == pytest.approx(1)
    assert np.isclose(weights[[13, 159, 105]], 3 * weights[1]).all()
