"""Conditions to compare and calibrate exported networks on."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import default_collate

from .. import seeds
from ..geometry import conditioning, topology, transforms
from ..types import Values
from . import layout
from .augment import jittered
from .data import PreparedFaces
from .losses import unpack
from .networks import STYLE_SIZE

Feed = dict[str, NDArray[np.float32]]
Samples = Callable[[int], Feed]
"""From a number, which always gives the same one, to a sample's inputs by name."""

_YAW_RAD, _PITCH_RAD = 0.6, 0.25


def posed_face(index: int) -> Values:
    """The canonical face, turned and bent by a number, (478, 3) in outer-eye distances."""
    rng = np.random.default_rng([7, index])
    face = jittered(topology.canonical_face().astype(np.float64), rng, 0.02)
    yaw, pitch = rng.uniform(-_YAW_RAD, _YAW_RAD), rng.uniform(-_PITCH_RAD, _PITCH_RAD)
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    nod = np.array(
        [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    )
    posed: Values = face @ (turn @ nod).T
    return posed


def mesh_samples(size_px: int, prepared: Path | None) -> Samples:
    """Inputs of our generator: ``input`` (1, 7, S, S) and ``style`` (1, 16).

    Args:
        size_px: S.
        prepared: A prepared folder; None poses the canonical face as a portrait.
    """
    faces = None if prepared is None else PreparedFaces([prepared], size_px, 0.5, 0.0, seed=0)

    def sample(index: int) -> Feed:
        style = seeds.style(index, STYLE_SIZE)[None]
        if faces is not None:
            x = unpack(default_collate([faces[index]]))["input"].contiguous().numpy()
            return {"input": x, "style": style}
        points = _in_crop(posed_face(index), size_px, transforms.CROP_SIDE_EYES)
        drawn = conditioning.mesh(points, size_px).astype(np.float32) / 127.5 - 1
        rest = np.stack([np.full((size_px, size_px), v, np.float32) for v in (0, 0, 0, 1)])
        return {"input": np.concatenate([drawn.transpose(2, 0, 1), rest])[None], "style": style}

    return sample


def dots_samples(size_px: int, prepared: Path | None) -> Samples:
    """Inputs of the paper's generator: ``input`` (1, 3, S, S); see :func:`mesh_samples`."""
    landmarks = None if prepared is None else layout.load(prepared, "landmarks.npy", "r")

    def sample(index: int) -> Feed:
        if landmarks is None:
            points = posed_face(index)
        else:
            points = np.asarray(landmarks[index * 61 % len(landmarks)], np.float64)
        points = _in_crop(points, size_px, transforms.PAPER_CROP_SIDE_EYES)
        drawn = conditioning.dots(points, size_px).astype(np.float32) / 127.5 - 1
        return {"input": np.ascontiguousarray(drawn.transpose(2, 0, 1)[None])}

    return sample


def _in_crop(points: Values, size_px: int, side_eyes: float) -> Values:
    return transforms.apply(transforms.generator_crop(points, size_px, side_eyes), points)
