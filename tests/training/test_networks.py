import torch

from ganonymization.training.networks import Generator, StyleEncoder


def test_shapes():
    picture = Generator()(torch.zeros(2, 7, 64, 96), torch.zeros(2, 16))
    assert picture.shape == (2, 3, 64, 96)
    assert picture.abs().max() <= 1
    assert [v.shape for v in StyleEncoder()(torch.zeros(2, 3, 64, 64))] == [(2, 16), (2, 16)]
    assert sum(p.numel() for p in Generator().parameters()) <= 8_000_000
