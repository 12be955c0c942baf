import numpy as np
import pytest
import torch

from ganonymization.cli.demo import astronaut
from ganonymization.geometry import topology, transforms
from ganonymization.landmarks.facemesh import FaceMesh as Landmarker
from ganonymization.training.facemesh import INPUT_PX, FaceMesh


@pytest.fixture(scope="module")
def astronauts():
    """Her face, upright and a little turned, as the landmarker cuts it out; and its landmarks."""
    image = astronaut()
    points = Landmarker()(image[20:250, 110:340])[:, :2] + [110, 20]
    span = points[: topology.SURFACE_COUNT]
    middle, side = (span.min(0) + span.max(0)) / 2, 1.5 * np.ptp(span, axis=0).max()
    pictures, places = [], []
    for angle in (0.0, 0.15):
        transform = transforms.similarity(tuple(middle), side, angle, INPUT_PX)
        picture = transforms.warp(image, transform, INPUT_PX)
        pictures.append(torch.from_numpy(picture).permute(2, 0, 1).float() / 127.5 - 1)
        places.append(transforms.apply(transform, np.c_[points, np.zeros(len(points))])[:, :2])
    return torch.stack(pictures), np.stack(places)


def test_it_finds_what_the_landmarker_finds(astronauts):
    pictures, places = astronauts
    found = FaceMesh()(pictures).numpy()
    eyes_px = np.linalg.norm(places[0, 33] - places[0, 263])
    gap = np.linalg.norm(found - places, axis=2) / eyes_px
    assert gap.mean() < 0.02
    refined = (*topology.EYE_LEFT, *topology.LIPS_INNER, *topology.BROWS[1], *range(468, 478))
    assert gap[:, list(refined)].max() < 0.05


def test_a_gradient_comes_back_to_the_picture_and_nothing_is_trained(astronauts):
    net = FaceMesh()
    picture = astronauts[0].clone().requires_grad_(True)
    net(picture)[:, list(topology.BROWS[0])].sum().backward()
    assert picture.grad is not None and float(picture.grad.abs().sum()) > 0
    assert not list(net.parameters())
    assert not net.state_dict()  # the file is at hand: checkpoints stay small


def test_pictures_do_not_depend_on_their_neighbours(astronauts):
    net = FaceMesh()
    together = net(astronauts[0])
    alone = torch.cat([net(picture[None]) for picture in astronauts[0]])
    assert torch.allclose(together, alone, atol=1e-3)
