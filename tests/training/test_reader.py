import torch

from ganonymization import topology
from ganonymization.training.reader import LandmarkReader, fit_step, point_weights


def test_eyes_and_mouth_count_more():
    weights = point_weights()[:, 0]
    assert weights.shape == (478,)
    assert float(weights.mean()) == 1.0 or abs(float(weights.mean()) - 1) < 1e-5
    assert float(weights[list(topology.LIPS_INNER)].min()) == float(weights.max())


def test_a_reader_learns_where_landmarks_are():
    torch.manual_seed(0)
    reader = LandmarkReader()
    optimizer = torch.optim.AdamW(reader.parameters())
    batch = {
        "picture": torch.randint(0, 256, (8, 3, 128, 128), dtype=torch.uint8),
        "landmarks": torch.rand(8, 478, 2) - 0.5,
    }
    losses = [fit_step(reader, optimizer, batch, i / 30, lambda net: None) for i in range(30)]
    assert losses[-1] < 0.5 * losses[0]


def test_any_picture_size_is_read():
    assert LandmarkReader().eval()(torch.zeros(2, 3, 256, 256)).shape == (2, 478, 2)
