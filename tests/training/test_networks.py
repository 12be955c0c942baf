import torch

from ganonymization.training.networks import Generator, StyleEncoder, UnshuffledConv, strided


def test_shapes():
    picture = Generator()(torch.zeros(2, 7, 64, 96), torch.zeros(2, 16))
    assert picture.shape == (2, 3, 64, 96)
    assert picture.abs().max() <= 1
    assert [v.shape for v in StyleEncoder()(torch.zeros(2, 3, 64, 64))] == [(2, 16), (2, 16)]
    assert sum(p.numel() for p in Generator().parameters()) <= 8_000_000


def test_the_strided_stem_is_the_same_map():
    stem, x = UnshuffledConv(8), torch.rand(2, 7, 64, 96)
    torch.testing.assert_close(strided(stem)(x), stem(x), rtol=0, atol=1e-5)
