"""Faces of people as the fit of a shape model takes them: deviations without pose."""

from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from ..datasets.people import NEUTRAL, People
from ..errors import InputError
from ..geometry import topology
from ..surrogate.shape_model import Posed
from ..types import Mask, Reals, Values

_SURFACE = topology.SURFACE_COUNT
_LEAST_PEOPLE = 40
_LEAST_DISPLACED = 40  # faces beside a neutral one


@dataclass(frozen=True)
class Faces:
    """People and their mirror images as deviations from the neutral mean, pose removed.

    Attributes:
        deviations: (N, 1404).
        person: (N,) numbers; a mirror image is another person.
        at_rest: (N,) bool, the mean is theirs: neutral ones, or all where none is labelled so.
        labelled_neutral: (N,) bool.
        singles: (M, 1404).
        mean: (1404,).
        pose_terms: (9, 1404).
    """

    deviations: Values
    person: NDArray[np.int64]
    at_rest: Mask
    labelled_neutral: Mask
    singles: Values
    mean: Values
    pose_terms: Values

    @classmethod
    def of(cls, people: People, singles: Reals | None) -> "Faces":
        """Align people and, if there are any, (M, 478, 3) single faces.

        Raises:
            InputError: Too few people have several pictures.
        """
        _, number = np.unique(people.person, return_inverse=True)
        if (np.bincount(number) > 1).sum() < _LEAST_PEOPLE:
            raise InputError(
                f"fewer than {_LEAST_PEOPLE} people have several pictures; a shape model needs them"
            )
        surface, pose = _mirrored(people.landmarks_px)
        person = np.concatenate([number, number + number.max() + 1])
        more = np.zeros((0, topology.LANDMARK_COUNT, 3)) if singles is None else singles
        more_surface, more_pose = _mirrored(more)
        pose_terms = _pose_terms(surface, pose, person, more_surface, more_pose)
        upright, more_upright = surface - pose @ pose_terms, more_surface - more_pose @ pose_terms
        neutral = np.concatenate([people.expression == NEUTRAL] * 2)
        at_rest = neutral if neutral.any() else np.ones_like(neutral)
        mean = upright[at_rest].mean(0)
        return cls(upright - mean, person, at_rest, neutral, more_upright - mean, mean, pose_terms)

    def within(self) -> Values:
        """Deviations from each person's mean, unbiased, of people with several pictures."""
        counts = np.bincount(self.person)[self.person]
        centred = _centred(self.deviations, self.person)[counts > 1]
        return centred * np.sqrt(counts / np.maximum(counts - 1, 1))[counts > 1, None]

    def displacements(self) -> Values:
        """Other faces minus the person's neutral one; without those, within-person deviations."""
        people = self.person.max() + 1
        neutral = self.labelled_neutral
        counts = np.bincount(self.person[neutral], minlength=people)
        rest = np.zeros((people, self.deviations.shape[1]))
        np.add.at(rest, self.person[neutral], self.deviations[neutral])
        rest /= np.maximum(counts, 1)[:, None]
        moved = ~neutral & (counts[self.person] > 0)
        if moved.sum() < _LEAST_DISPLACED:
            return self.within()
        return self.deviations[moved] - rest[self.person[moved]]

    def pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int64], Values]:
        """Two pictures of one person, not both neutral, and how often to draw them."""
        first, second, weight = [], [], []
        for person in range(self.person.max() + 1):
            members = np.flatnonzero(self.person == person)
            for a, b in permutations(members, 2):
                if not (self.labelled_neutral[a] and self.labelled_neutral[b]):
                    first.append(a)
                    second.append(b)
                    weight.append(min(len(members), 4) / (len(members) * (len(members) - 1)))
        if not first:
            raise InputError("no person has two pictures that differ in expression")
        weights = np.array(weight)
        return np.array(first), np.array(second), weights / weights.sum()


def _mirrored(landmarks: Reals) -> tuple[Values, Values]:
    """Surfaces and pose features of faces, then of their mirror images: (2 N, 1404), (2 N, 9)."""
    points = np.asarray(landmarks, np.float64)
    both = np.concatenate([points, points[:, topology.mirror()] * [-1, 1, 1]])
    posed = Posed.of(both)
    return posed.frontal[:, :_SURFACE].reshape(len(both), 3 * _SURFACE), posed.pose_features()


def _centred(values: Values, group: NDArray[np.int64]) -> Values:
    """Each row minus the mean of its group."""
    counts = np.bincount(group)
    means = np.zeros((len(counts), values.shape[1]))
    np.add.at(means, group, values)
    return values - (means / np.maximum(counts, 1)[:, None])[group]


def _pose_terms(
    surface: Values, pose: Values, person: NDArray[np.int64], more: Values, more_pose: Values
) -> Values:
    """How the surface follows the pose features, by pictures of one person and single faces."""
    a = [_centred(pose, person)]
    b = [_centred(surface, person)]
    if len(more):  # who turns the head may differ from who does not: they count less
        a.append(0.3 * (more_pose - more_pose.mean(0)))
        b.append(0.3 * (more - more.mean(0)))
    left, right = np.concatenate(a), np.concatenate(b)
    normal = left.T @ left + 1e-3 * np.eye(left.shape[1])
    return np.asarray(np.linalg.solve(normal, left.T @ right), np.float64)


def mirror_image(directions: Values) -> Values:
    """The deviations of the mirror images, (N, 1404)."""
    points = directions.reshape(len(directions), -1, 3)
    return (points[:, topology.mirror()[:_SURFACE]] * [-1, 1, 1]).reshape(directions.shape)
