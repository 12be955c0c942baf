"""Where a donor's brows are seen, beside where its mesh has them.

FaceMesh finds brows partly by what faces usually look like, so one donor's texture shows them a
little higher than another's on the same mesh. Two pictures of one person wear different donors, and
what moves then is the donor, not the brow. So each donor is drawn on a few meshes, its brows are
found again, and its landmarks are moved by what is found, beside what is found in all.
"""

from dataclasses import replace

import numpy as np

from ... import registry
from ...donors.bank import DonorBank
from ...errors import LandmarksError
from ...geometry import topology, transforms
from ...geometry.wall import GeneratorInput
from ...surrogate.shape_model import Posed, ShapeModel
from ...synthesize.refiner import Refiner
from ...types import DonorPair, Values

_MESHES = 5
_REACH_EYES = 0.06  # how far the skin about a brow goes with it


def offsets(refiner: Refiner, bank: DonorBank) -> Values:
    """How far each donor's brows are seen from its mesh, beside all donors', (N, 478, 3).

    Args:
        refiner: Draws them.
        bank: Has them.

    Returns:
        In the canonical frame, in outer-eye distances; 0 for a donor in whom a face is not found
        each time.
    """
    refiner = refiner.wearing(bank)
    find = registry.load(registry.LANDMARKERS, "facemesh")()
    brows = list(topology.EXPRESSIVE["brows"])
    seen = np.full((len(bank), _MESHES, len(brows), 2), np.nan)
    for number, face in enumerate(_faces(refiner.size_px)):
        asked = Posed.of(face.surrogate_px).frontal[brows]
        for donor in range(len(bank)):
            try:
                found = find(refiner(replace(face, worn=DonorPair(donor, donor))))
            except LandmarksError:
                continue
            seen[donor, number] = (Posed.of(found).frontal[brows] - asked)[:, :2]
    known = ~np.isnan(seen).any((1, 2, 3))
    moved = np.zeros((len(bank), len(brows), 3))
    if known.any():
        moved[known, :, :2] = seen[known].mean(1) - seen[known].mean((0, 1))
    followed = np.asarray(_followers(brows) @ moved, np.float64)
    return followed


def _faces(size_px: int) -> list[GeneratorInput]:
    """Heads of nobody, at rest and frontal."""
    canonical = topology.canonical_face().astype(np.float64) * size_px / transforms.CROP_SIDE_EYES
    to_crop = transforms.generator_crop(canonical, size_px)
    points = np.column_stack([transforms.apply(to_crop, canonical[:, :2]), canonical[:, 2]])
    shapes = ShapeModel.load()
    return [
        GeneratorInput.portrait(size_px, shapes.surrogate(points, seed), seed)
        for seed in range(_MESHES)
    ]


def _followers(brows: list[int]) -> Values:
    """How far each landmark goes with the nearest of a brow, (478, B)."""
    face = topology.canonical_face().astype(np.float64)[:, :2]
    away = np.linalg.norm(face[:, None] - face[brows], axis=2)
    shares: Values = np.zeros((len(face), len(brows)))
    nearest = away.argmin(1)
    rows = np.arange(len(face))
    shares[rows, nearest] = np.exp(-((away[rows, nearest] / _REACH_EYES) ** 2))
    return shares
