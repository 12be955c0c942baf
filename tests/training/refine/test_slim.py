"""A slim refiner is a part of the large one, and learns to draw like it."""

import pytest
import torch
from torch.utils.data import default_collate

from ganonymization.training.networks import StyleEncoder
from ganonymization.training.refine.network import Refiner
from ganonymization.training.refine.slim import Lesson, slimmed

from .test_refine import faces, prepared_with_readings  # noqa: F401

LARGE, SMALL = (16, 24, 32, 40), (8, 16, 24, 24)
_RANDOM = torch.Generator().manual_seed(0)
INPUTS = tuple(
    torch.randn(shape, generator=_RANDOM) for shape in ((2, 12, 64, 64), (2, 16), (2, 7))
)


@pytest.fixture
def large():
    torch.manual_seed(0)
    network = Refiner(LARGE, 8)
    for parameter in network.parameters():  # zeros would hide channels that are swapped
        torch.nn.init.normal_(parameter, 0, 0.05)
    return network.eval()


def test_with_all_channels_it_draws_the_same(large):
    same = slimmed(large, LARGE, 8)
    for found, wanted in zip(same(*INPUTS), large(*INPUTS), strict=True):
        assert torch.allclose(found, wanted, atol=1e-6)


def test_channels_that_nothing_reads_are_the_first_to_go(large):
    with torch.no_grad():
        for block in (*large.encoder, *large.decoder, large.middle, large.tail):
            block.second.weight[:, ::2] = 0  # half of what is within each block is unread
    for i, block in enumerate(slimmed(large, SMALL, 8).encoder):
        read = block.second.weight.flatten(2).norm(dim=2).sum(0)
        assert (read > 0).sum() >= min(SMALL[i], LARGE[i] // 2)


def test_fewer_channels_draw_something_of_the_same_shape(large):
    small = slimmed(large, SMALL, 4)
    for found, wanted in zip(small(*INPUTS), large(*INPUTS), strict=True):
        assert found.shape == wanted.shape and torch.isfinite(found).all()


def test_a_state_tells_its_widths(large):
    halves = {key: value.half() for key, value in slimmed(large, SMALL, 4).state_dict().items()}
    again = Refiner.of(halves)
    assert again.widths == SMALL and again.tail_width == 4


def test_a_lesson_brings_it_nearer_and_goes_on_where_it_stopped(large, faces, tmp_path):  # noqa: F811
    state = {"average": large.state_dict(), "encoder": StyleEncoder().state_dict()}
    torch.save(state, tmp_path / "state.pt")
    batch = default_collate([faces[i] for i in range(2)])
    lesson = Lesson(tmp_path / "state.pt", tmp_path / "run", SMALL, 4)
    gaps = [sum(lesson.learn(batch).values()) for _ in range(12)]
    assert gaps[-1] < 0.8 * gaps[0]
    lesson.save()
    again = Lesson(tmp_path / "state.pt", tmp_path / "run", SMALL, 4)
    assert again.step == 12 and again.small.widths == SMALL
    wanted = lesson.average.to_rgb.weight
    assert torch.allclose(again.small.to_rgb.weight, wanted, atol=1e-3)
