"""Whether 478 points can be a face at all: a network answers on anything."""

import numpy as np
from numpy.typing import NDArray

from ..errors import LandmarksError
from ..geometry import topology, transforms
from ..types import Reals

_MAX_RESIDUAL_EYES = 0.2
"""Largest RMS distance to the canonical face, pose removed, in outer-eye distances.

Of 298 true faces the median is 0.05 and the largest 0.12 (``benchmarks/plausibility.py``)."""

_MAX_FOLDED = 0.12
"""Largest share of triangles that lie the wrong way round; of the same faces 0.033 at most."""

_MIN_SIDE_PX = 2.0


def check_plausible(landmarks_px: Reals) -> float:
    """Refuse landmarks that are not finite, have no extent, are no face, or fold onto themselves.

    Args:
        landmarks_px: (478, 3) in pixels.

    Returns:
        RMS distance to the canonical face with the pose removed, in outer-eye distances.

    Raises:
        LandmarksError: They cannot be a face's; the pipeline then covers the face.
    """
    points = np.asarray(landmarks_px, np.float64)
    if points.shape != (topology.LANDMARK_COUNT, 3):
        raise LandmarksError(f"expected (478, 3) landmarks, got {points.shape}")
    if not np.isfinite(points).all():
        raise LandmarksError("landmarks are not finite")
    if np.ptp(points[:, :2], axis=0).min() < _MIN_SIDE_PX:
        raise LandmarksError("landmarks have no extent")
    frontal = _frontal(points)
    canonical = topology.canonical_face().astype(np.float64)
    residual = float(np.sqrt(((frontal - canonical) ** 2).sum(1).mean()))
    if residual > _MAX_RESIDUAL_EYES:
        raise LandmarksError(f"landmarks are no face's ({residual:.2f} eye distances off)")
    folded = _folded_share(frontal, canonical)
    if folded > _MAX_FOLDED:
        raise LandmarksError(f"landmarks fold onto themselves ({folded:.0%} of the triangles)")
    return residual


def _frontal(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The points in the canonical frame: pose, scale and place removed."""
    rigid = list(topology.RIGID)
    scale, rotation, shift = transforms.fit_similarity_3d(
        topology.canonical_face()[rigid].astype(np.float64), points[rigid]
    )
    if scale < 1e-6:
        raise LandmarksError("landmarks have no extent")
    turned: NDArray[np.float64] = (points - shift) @ rotation / scale
    return turned


def _folded_share(frontal: NDArray[np.float64], canonical: NDArray[np.float64]) -> float:
    """Share of the larger triangles whose orientation differs from the canonical face's."""
    expected = _signed_areas(canonical)
    larger = np.abs(expected) > np.quantile(np.abs(expected), 0.25)
    return float((_signed_areas(frontal) * np.sign(expected) < 0)[larger].mean())


def _signed_areas(face: NDArray[np.float64]) -> NDArray[np.float64]:
    a, b, c = (face[topology.triangles()[:, i], :2] for i in range(3))
    u, v = b - a, c - a
    areas: NDArray[np.float64] = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    return areas
