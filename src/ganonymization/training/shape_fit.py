"""Fits the shape model: codes of a face that hold its expression and little of its owner.

The codes of one privacy setting are a linear map, thresholds and a linear map back (see
:mod:`ganonymization.surrogate.shape_model`), fitted together by gradient descent on pairs of
pictures of one person. Two things are weighed against each other:

* how well the difference of the two pictures survives: one minus the correlation, for the whole
  face, and for brows, eyes and mouth apart;
* how much the codes of one picture predict those of the other: the sum of the squared canonical
  correlations (Hotelling, "Relations between two sets of variates", Biometrika 1936). It is what
  any linear attacker lives on, and no scaling of the codes can hide it.

Everything is fitted on faces and their mirror images, and takes symmetric faces to symmetric ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..datasets.people import People
from ..geometry import topology
from ..surrogate.expression_reading import coarse
from ..surrogate.shape_model import ExpressionCoder, Posed, ShapeModel
from ..types import Reals, Values
from .shape_faces import Faces, mirror_image

LEAK_WEIGHTS: Mapping[str, float] = {"balanced": 0.5, "high": 4.0}
"""What a unit of leak costs beside a unit of lost correlation, by privacy setting."""

_SURFACE = topology.SURFACE_COUNT
_CODES, _INPUTS, _PEOPLE = 10, 80, 10
_EXPRESSIONS = 6  # directions that a nobody does not differ in
_STEPS, _BATCH, _RATE = 900, 1500, 3e-3
_STAY = 1.0  # weight of the distance to the first guess
_READING_RIDGE = 3.0  # faces
_SPREAD = 1.0  # of nobodies beside that of people
_LEAST_SPREAD = 1e-2  # of an input, beside that of the widest
_REGIONS: Mapping[str, tuple[int, ...]] = {
    "face": tuple(range(0, _SURFACE, 3)),
    **topology.EXPRESSIVE,
}
_IMPORTANCE = {"face": 1.5, "brows": 1.0, "eyes": 0.4, "mouth": 1.5}
_FIRST_GUESS = {"brows": 1.0, "eyes": 0.7, "mouth": 1.0}  # relative deviations, for the first codes
_REST_OF_FACE, _DEPTH = 0.3, 0.1


def fit_shape(
    people: People, singles: Reals | None = None,
    leak_weights: Mapping[str, float] = LEAK_WEIGHTS, readings: Reals | None = None,
) -> ShapeModel:  # fmt: skip
    """Fit a shape model.

    Args:
        people: Several pictures of each person.
        singles: (M, 478, 3) further faces, one each of people who do not matter, or None; they show
            how faces vary and what heads look like when they turn.
        leak_weights: A coder is fitted for each, by its name.
        readings: (M, 7) of the further faces, shares of expressions; None leaves them out.

    Raises:
        InputError: Too few people have several pictures.
    """
    faces = Faces.of(people, singles)
    coders = {name: _fit_coder(faces, weight) for name, weight in leak_weights.items()}
    directions = _people_directions(faces, list(coders.values()))
    model = ShapeModel(faces.mean, faces.pose_terms, directions, coders)
    if singles is None or readings is None:
        return model
    return replace(model, by_reading=fit_readings(model, singles, readings))


def fit_readings(model: ShapeModel, landmarks_px: Reals, readings: Reals) -> Values:
    """How faces deviate from one at rest by what is read in them, (6, 1404), symmetric.

    Ridge regression over many people, so that no one's shape is in it.

    Args:
        model: Has mean and pose terms.
        landmarks_px: (M, 478, 3).
        readings: (M, 7) shares of the expressions; they are made coarse as at run time.
    """
    posed = Posed.of(np.asarray(landmarks_px, np.float64))
    surface = posed.frontal[:, :_SURFACE].reshape(len(posed.frontal), -1)
    deviations = surface - model.mean - posed.pose_features() @ model.pose_terms
    shares = coarse(np.asarray(readings))[:, 1:].astype(np.float64)
    factors = np.column_stack([np.ones(len(shares)), shares])
    ridge = np.diag([0.0] + [_READING_RIDGE] * shares.shape[1])
    found = np.linalg.solve(factors.T @ factors + ridge, factors.T @ deviations)[1:]
    return np.asarray((found + mirror_image(found)) / 2, np.float64)


def coordinate_weights(within: Values) -> Values:
    """What a deviation counts at each coordinate, so that brows and eyes count beside the mouth."""
    spread = np.sqrt((within.reshape(len(within), _SURFACE, 3) ** 2).mean(0).sum(1))
    weights = np.full(_SURFACE, _REST_OF_FACE / spread.mean())
    for region, importance in _FIRST_GUESS.items():
        places = list(_REGIONS[region])
        root_mean = np.sqrt((spread[places] ** 2).mean() * len(places) / 40)
        weights[places] = importance / root_mean
    flattened: Values = np.repeat(weights, 3) * np.tile([1, 1, _DEPTH], _SURFACE)
    return flattened


def principal(rows: Values, count: int) -> Values:
    """Leading principal directions of rows and their mirror images, (count, 1404).

    Each moves both sides of the face alike, or against each other, to the last digit.
    """
    found = []
    for sign in (1, -1):
        half = (rows + sign * mirror_image(rows)) / 2
        values, vectors = np.linalg.eigh(half.T @ half)
        found += list(zip(values[-count:], vectors.T[-count:], strict=True))
    found.sort(key=lambda pair: -pair[0])
    return np.stack([vector for _, vector in found[:count]])


def _symmetry(directions: Values) -> Values:
    """1 for directions that move both sides alike, -1 for those that do the opposite."""
    signs: Values = np.sign((directions * mirror_image(directions)).sum(1))
    return signs


def _fit_coder(faces: Faces, leak_weight: float) -> ExpressionCoder:
    weights = coordinate_weights(faces.within())
    codes = principal(faces.displacements() * weights, _CODES)
    inputs = principal(np.concatenate([faces.deviations, faces.singles[::4]]) * weights, _INPUTS)
    seen = faces.deviations * weights @ inputs.T
    inputs = inputs[seen.std(0) > _LEAST_SPREAD * seen.std(0).max()]  # few faces span few inputs
    seen = faces.deviations * weights @ inputs.T
    scale = 1 / seen.std(0)
    at_rest = (faces.deviations[faces.at_rest] * weights @ codes.T).std(0)
    allowed = _symmetry(codes)[:, None] == _symmetry(inputs)[None]
    descent = _Descent(
        seen=_tensor(seen * scale),
        encode=_tensor(codes @ inputs.T / scale * allowed),
        decode=_tensor(codes @ inputs.T * allowed),
        at_rest=_tensor(at_rest),
        allowed=_tensor(allowed.astype(float)),
        targets={r: _tensor(faces.deviations[:, _flat(p)]) for r, p in _REGIONS.items()},
        outputs={r: _tensor((inputs / weights)[:, _flat(p)]) for r, p in _REGIONS.items()},
    )
    encode, decode, threshold = descent.run(*faces.pairs(), leak_weight)
    return ExpressionCoder(
        encode * scale @ inputs * weights, threshold, decode @ (inputs / weights)
    )


def _flat(places: tuple[int, ...]) -> NDArray[np.int64]:
    """Columns of x and y of these landmarks; depth is not seen."""
    return np.array([3 * place + axis for place in places for axis in (0, 1)])


def _tensor(values: Values) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)


@dataclass
class _Descent:
    """Gradient descent on encoder, decoder and thresholds.

    Attributes:
        seen: (N, inputs) faces.
        encode: (codes, inputs) first guess.
        decode: (codes, inputs) first guess.
        at_rest: (codes,) deviations of neutral faces; the unit of the thresholds.
        allowed: (codes, inputs) 1 where code and input have the same symmetry.
        targets: (N, D) deviations of each region.
        outputs: (inputs, D) from decoded inputs to each region.
    """

    seen: Tensor
    encode: Tensor
    decode: Tensor
    at_rest: Tensor
    allowed: Tensor
    targets: dict[str, Tensor]
    outputs: dict[str, Tensor]

    def run(
        self, first: NDArray[np.int64], second: NDArray[np.int64], share: Values, leak_weight: float
    ) -> tuple[Values, Values, Values]:
        """Encoder, decoder and thresholds after all steps."""
        encode = self.encode.clone().requires_grad_()
        decode = self.decode.clone().requires_grad_()
        log_threshold = torch.zeros(len(self.at_rest)).requires_grad_()
        optimizer = torch.optim.Adam(
            [
                {"params": [encode, decode], "lr": _RATE},
                {"params": [log_threshold], "lr": 4 * _RATE},
            ]
        )
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, _STEPS)
        rng = np.random.default_rng(0)
        for _ in range(_STEPS):
            drawn = rng.choice(len(first), _BATCH, p=share)
            threshold = self.at_rest * log_threshold.exp()
            codes = self.seen @ (encode * self.allowed).T
            released = codes * (1 - (threshold / codes.abs().clamp_min(1e-9)) ** 4).clamp_min(0)
            a, b = first[drawn], second[drawn]
            lost = self.lost(a, b, (released[b] - released[a]) @ (decode * self.allowed))
            moved = ((encode - self.encode) * self.allowed).square().sum()
            loss = lost + leak_weight * canonical_leak(released, a, b)
            loss = loss + _STAY * moved / self.encode.square().sum()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
        threshold = self.at_rest * log_threshold.exp()
        found = (encode * self.allowed, decode * self.allowed, threshold)
        encoded, decoded, kept = (x.detach().numpy().astype(np.float64) for x in found)
        return encoded, decoded, kept

    def lost(
        self, first: NDArray[np.int64], second: NDArray[np.int64], difference: Tensor
    ) -> Tensor:
        """How far the differences are from the true ones in each region."""
        total = torch.zeros(())
        for region, target in self.targets.items():
            wanted, found = target[second] - target[first], difference @ self.outputs[region]
            product = (wanted * found).sum()
            correlation = product / (wanted.norm() * found.norm() + 1e-9)
            gain = product / wanted.square().sum()
            lost = 1 - correlation + 0.1 * (gain - 0.9).square()
            total = total + _IMPORTANCE[region] * lost
        return total


def canonical_leak(codes: Tensor, first: NDArray[np.int64], second: NDArray[np.int64]) -> Tensor:
    """Sum of the squared canonical correlations between codes of two pictures of one person.

    Args:
        codes: (N, K) of all faces.
        first: (B,) one picture of each pair.
        second: (B,) the other.
    """
    centred = codes - codes.mean(0)
    covariance = centred.T @ centred / len(codes)
    shared = centred[first].T @ centred[second] / len(first)
    shared = (shared + shared.T) / 2
    unit = covariance.diagonal().clamp_min(1e-12).rsqrt()
    covariance, shared = (m * unit[:, None] * unit for m in (covariance, shared))
    root = torch.linalg.cholesky(covariance + 0.03 * torch.eye(len(unit)))
    half = torch.linalg.solve_triangular(root, shared, upper=False)
    whitened = torch.linalg.solve_triangular(root, half.T, upper=False)
    total: Tensor = whitened.square().sum()
    return total


def _people_directions(faces: Faces, coders: list[ExpressionCoder]) -> Values:
    """How neutral faces differ between people: leading symmetric directions, a deviation long."""
    population = faces.singles if len(faces.singles) else faces.deviations[faces.at_rest]
    between = population - population.mean(0)
    within = faces.within()
    spread = between.T @ between / len(between) - within.T @ within / len(within)
    codes = np.concatenate([coder.encode for coder in coders])
    taken = np.concatenate([codes / np.linalg.norm(codes, axis=1, keepdims=True),
                            principal(faces.displacements(), _EXPRESSIONS)])  # fmt: skip
    basis = np.linalg.svd(taken, full_matrices=False)[2]
    free = np.eye(len(spread)) - basis.T @ basis  # a nobody at rest wears no expression
    twice = free @ spread @ free
    alike = (twice + mirror_image(mirror_image(twice).T).T + mirror_image(twice)
             + mirror_image(twice.T).T) / 4  # fmt: skip
    values, vectors = np.linalg.eigh(alike)
    leading = vectors[:, ::-1][:, :_PEOPLE].T
    deviations = np.sqrt(np.maximum(values[::-1][:_PEOPLE], 0))
    nobodies: Values = _SPREAD * deviations[:, None] * leading
    return nobodies
