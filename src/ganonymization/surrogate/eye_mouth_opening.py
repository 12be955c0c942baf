"""How far eyes and lips are open, and where eyes look: read from one face and set in another.

A blink, a wink or closed lips move few landmarks by little, and a model of whole faces loses them
among the differences between people. So they are carried over by themselves. Lids and lips are
handles; the skin around them follows harmonically (Joshi et al., "Harmonic coordinates for
character articulation", SIGGRAPH 2007).

Convention:
    Surfaces are (..., 468, 3) in the canonical frame: y points down, units are outer-eye distances.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from ..geometry import topology
from ..types import Values

_CLOSED_LIPS = 0.01  # what FaceMesh leaves between closed lips, in widths of the mouth
EYE_OPENNESS = 0.19  # usual mean gap of the lids, in widths of the eye
_LEAST_AT_REST, _MOST_OPENED = 0.08, 1.6  # eye widths; of a nobody's own opening
_NARROW_EYE, _WIDE_EYE = 0.72, 1.25  # in usual ones: beyond them it is an expression
_MAX_GAZE = 0.3  # in eye widths


@dataclass(frozen=True)
class Opening:
    """An eye or the mouth.

    Attributes:
        corners: Two landmarks.
        upper: Landmarks of the upper edge between the corners.
        lower: Those below them.
        reach: How far the skin follows, in outer-eye distances.
        upper_share: Of a change; the rest is the lower edge's.
    """

    corners: tuple[int, int]
    upper: tuple[int, ...]
    lower: tuple[int, ...]
    reach: float
    upper_share: float

    @classmethod
    def of_ring(cls, ring: tuple[int, ...], reach: float, upper_share: float) -> "Opening":
        """An eye's ring: corner, upper edge, other corner, lower edge back."""
        half = len(ring) // 2
        lower = tuple(reversed(ring[half + 1 :]))
        return cls((ring[0], ring[half]), ring[1:half], lower, reach, upper_share)

    def width(self, surface: Values) -> Values:
        """Distance of the corners, (...,)."""
        first, second = (surface[..., corner, :] for corner in self.corners)
        width: Values = np.maximum(np.linalg.norm(first - second, axis=-1), 1e-6)
        return width

    def gaps(self, surface: Values) -> Values:
        """Lower minus upper edge, (..., pairs); negative where they cross."""
        return surface[..., self.lower, 1] - surface[..., self.upper, 1]

    def openness(self, surface: Values) -> Values:
        """Mean gap as a share of the width, (...,)."""
        openness: Values = self.gaps(surface).mean(-1) / self.width(surface)
        return openness

    def opened(self, surface: Values, openness: Values) -> Values:
        """The surface with this mean gap of the edges, (...,) in widths: (..., 468, 3) both."""
        wanted = (openness * self.width(surface))[..., None] * self._profile(surface)
        missing = wanted - self.gaps(surface)
        handles = [-self.upper_share * missing, (1 - self.upper_share) * missing]
        moved = surface.copy()
        moved[..., 1] += np.concatenate(handles, axis=-1) @ _followers(self).T
        return moved

    def _profile(self, surface: Values) -> Values:
        """Each pair's gap beside the mean gap, (..., pairs): an arch between the corners."""
        left, right = (surface[..., corner, 0, None] for corner in self.corners)
        along = (surface[..., self.upper, 0] - left) / (right - left)
        arch = np.maximum(4 * along * (1 - along), 0.05) ** 0.75
        profile: Values = arch / arch.mean(-1, keepdims=True)
        return profile


EYES = tuple(
    Opening.of_ring(ring, reach=0.25, upper_share=0.85)
    for ring in (topology.EYE_RIGHT, topology.EYE_LEFT)
)
_EYES = (
    (EYES[0], topology.EYE_RIGHT, topology.IRIS_RIGHT),
    (EYES[1], topology.EYE_LEFT, topology.IRIS_LEFT),
)
# The lips' ring runs from the middle of the upper lip over the person's right corner.
_FROM_CORNER = topology.LIPS_INNER.index(308)
_LIPS = topology.LIPS_INNER[_FROM_CORNER:] + topology.LIPS_INNER[:_FROM_CORNER]
MOUTH = Opening.of_ring(_LIPS, reach=0.45, upper_share=0.5)


@cache
def _followers(opening: Opening) -> Values:
    """How far each landmark follows each handle, (468, 2 * pairs), upper edge first.

    Harmonic on the canonical mesh: a free landmark moves by the mean of its neighbours.
    """
    face = topology.canonical_face()[: topology.SURFACE_COUNT].astype(np.float64)
    centre = face[list(opening.corners)].mean(0)
    far = np.linalg.norm(face - centre, axis=1) > opening.reach
    neighbours = np.zeros((len(face), len(face)), bool)
    for a, b in ((0, 1), (1, 2), (2, 0)):
        triangles = topology.triangles()
        neighbours[triangles[:, a], triangles[:, b]] = True
        neighbours[triangles[:, b], triangles[:, a]] = True
    handles = [*opening.upper, *opening.lower]
    held = far.copy()
    held[[*handles, *opening.corners]] = True
    free = np.flatnonzero(~held & neighbours.any(1))
    laplacian = np.diag(neighbours.sum(1)).astype(np.float64) - neighbours
    follow = np.zeros((len(face), len(handles)))
    follow[handles, np.arange(len(handles))] = 1
    follow[free] = np.linalg.solve(laplacian[np.ix_(free, free)], -(laplacian @ follow)[free])
    return follow


def opened_as(
    replaced: Values, original: Values, nobody: Values, eyes_at_rest: Values | None
) -> Values:
    """A new face with eyes and lips open as in the original, (..., 468, 3).

    Args:
        replaced: (..., 468, 3), the new face.
        original: Alike.
        nobody: Alike, the new face at rest.
        eyes_at_rest: (2,) how far the original's eyes usually are open, or None.
    """
    lips = np.maximum(MOUTH.openness(original) - _CLOSED_LIPS, 0)
    replaced = MOUTH.opened(replaced, lips)
    for i, eye in enumerate(EYES):
        openness = eye.openness(original)
        if eyes_at_rest is None:
            ratio = openness / EYE_OPENNESS
            narrowed = np.clip(ratio / _NARROW_EYE, 0, 1)  # most of what is between is the person's
            share = narrowed * np.maximum(ratio / _WIDE_EYE, 1)
        else:
            share = np.clip(openness / max(eyes_at_rest[i], _LEAST_AT_REST), 0, _MOST_OPENED)
        replaced = eye.opened(replaced, eye.openness(nobody) * share)
    return replaced


def gaze_of(frontal: Values) -> Values:
    """How far both irises lie off the places of a gaze straight ahead, in eye widths, (..., 2).

    One for both eyes: where each iris lies in its eye by itself, how large it is and which shape
    FaceMesh gives its rim would tell the person.
    """
    ahead = topology.canonical_face().astype(np.float64)
    offsets = [_iris_offset(frontal, *eye) - _iris_offset(ahead, *eye) for eye in _EYES]
    gaze: Values = np.clip(np.mean(offsets, axis=0), -_MAX_GAZE, _MAX_GAZE)
    return gaze


def _iris_offset(
    face: Values, eye: Opening, ring: tuple[int, ...], iris: tuple[int, ...]
) -> Values:
    """The iris' centre from the eye's middle, x and y in eye widths, (..., 2)."""
    middle = face[..., list(ring), :][..., :2].mean(-2)
    offset: Values = (face[..., iris[0], :2] - middle) / eye.width(face)[..., None]
    return offset


def with_irises(surface: Values, gaze: Values) -> Values:
    """A surface with usual irises that look where the original ones do, (..., 478, 3)."""
    ahead = topology.canonical_face().astype(np.float64)
    whole = [surface]
    for eye, ring, iris in _EYES:
        shape = (ahead[list(iris)] - ahead[list(ring)].mean(0)) / eye.width(ahead)
        turned = np.concatenate([gaze, np.zeros_like(gaze[..., :1])], axis=-1)
        places = (shape + turned[..., None, :]) * eye.width(surface)[..., None, None]
        whole.append(surface[..., list(ring), :].mean(-2, keepdims=True) + places)
    return np.concatenate(whole, axis=-2)
