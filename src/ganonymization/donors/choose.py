"""Which donors a new face wears: near in expression and of a kind that fits, as the seed has it.

The upper and the lower half of the face are two people's, so nobody in the bank appears as they
are. Which halves fit is told by the reading that crosses the wall, by how far mouth and eyes of the
new face are open, and by the kind of person that is asked for or that the surroundings show.
"""

import numpy as np
from numpy.typing import NDArray

from .. import seeds
from ..geometry import topology
from ..geometry.wall import NEUTRAL
from ..types import DonorPair, Reals
from .bank import DonorBank
from .surroundings import ANY, Kind

_FEWEST, _MOST = 8, 48  # donors to draw from
_SLACK = 0.35  # as near as the nearest, but for this
_READING, _MOUTH, _EYES = 2.0, 4.0, 6.0  # of a unit of L1 distance, of an outer-eye distance
_SEX, _YEARS = 2.0, 8.0  # of a person of the other sex; years more that count as much as 1
_SKIN_DEG = 10.0  # likewise
_YEARS_APART = 12.0
_STREAM = 0x646F6E6F72  # another stream than the style's


def openings(landmarks_px: Reals) -> NDArray[np.float64]:
    """How far mouth and eyes are open, (2,), in outer-eye distances.

    Args:
        landmarks_px: (478, 3).
    """
    p = np.asarray(landmarks_px, np.float64)

    def gap(a: int, b: int) -> float:
        return float(np.linalg.norm(p[a, :2] - p[b, :2]))

    eyes = gap(topology.OUTER_EYE_RIGHT, topology.OUTER_EYE_LEFT)
    return np.array([gap(13, 14), (gap(159, 145) + gap(386, 374)) / 2]) / max(eyes, 1e-6)


def choose(
    bank: DonorBank, reading: Reals, landmarks_px: Reals, seed: int, kind: Kind = ANY
) -> DonorPair:
    """Two donors for a face.

    Args:
        bank: To choose from.
        reading: (7,) shares of the seven expressions.
        landmarks_px: (478, 3) of the new face.
        seed: Of the face.
        kind: Who would fit.
    """
    mouth, eyes = np.abs(bank.openings - openings(landmarks_px)).T
    return _pair(bank, _unlike(bank, reading, kind), _EYES * eyes, _MOUTH * mouth, seed)


def choose_lasting(bank: DonorBank, seed: int, kind: Kind = ANY) -> DonorPair:
    """Two donors for all expressions of a face to come: at rest, eyes open, mouth closed.

    Args:
        bank: To choose from.
        seed: Of the face.
        kind: Who would fit.
    """
    mouth, eyes = bank.openings.astype(np.float64).T
    closed = np.maximum(0, np.median(eyes) - eyes)
    return _pair(bank, _unlike(bank, NEUTRAL, kind), _EYES * closed, _MOUTH * mouth, seed)


def _unlike(bank: DonorBank, reading: Reals, kind: Kind) -> NDArray[np.float64]:
    """How far each donor is from an expression and a kind of person, (N,)."""
    away: NDArray[np.float64] = _READING * np.abs(bank.readings - np.asarray(reading)).sum(1)
    if kind.female is not None:
        away += _SEX * np.abs(bank.female - kind.female)
    if kind.years is not None:
        away += np.maximum(np.abs(bank.years - kind.years) / _YEARS - 1, 0)
    if kind.skin_ita_deg is not None:
        away += np.maximum(np.abs(bank.skin_ita_deg - kind.skin_ita_deg) / _SKIN_DEG - 1, 0)
    return away


def _pair(
    bank: DonorBank, away: NDArray[np.float64], eyes: NDArray[np.float64],
    mouth: NDArray[np.float64], seed: int,
) -> DonorPair:  # fmt: skip
    """One for the upper half, near by ``away`` and ``eyes``, and one who goes with that one."""
    first, second = seeds.uniform(seed ^ _STREAM, 2)
    upper = _drawn(bank, np.arange(len(bank)), away + eyes, first)
    alike = (
        (bank.sexes == bank.sexes[upper])
        & (np.abs(bank.years - bank.years[upper]) <= _YEARS_APART)
        & (bank.people != bank.people[upper])
    )
    others = bank.people != bank.people[upper] if alike.sum() < _FEWEST else alike
    if not others.any():  # a bank of one person
        others = np.ones(len(bank), bool)
    numbers = np.nonzero(others)[0]
    return DonorPair(upper, _drawn(bank, numbers, (away + mouth)[numbers], second))


def _drawn(
    bank: DonorBank, numbers: NDArray[np.intp], distance: NDArray[np.float64], number: float
) -> int:
    """One of the nearest, each person once, by a number in [0, 1)."""
    order = np.argsort(distance, kind="stable")
    _, first = np.unique(bank.people[numbers][order], return_index=True)
    order = order[np.sort(first)]  # everybody's nearest picture
    near = int(np.searchsorted(distance[order], distance[order[0]] + _SLACK, "right"))
    count = min(max(near, _FEWEST), _MOST, len(order))
    return int(numbers[order[int(number * count)]])
