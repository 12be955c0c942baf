"""Conditions to compare and calibrate exported networks on."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import default_collate

from .. import seeds
from ..geometry import conditioning, topology, transforms
from . import layout
from .data import PreparedFaces, jittered
from .losses import unpack
from .networks import STYLE_SIZE

Feed = dict[str, NDArray[np.float32]]

_YAW_RAD, _PITCH_RAD = 0.6, 0.25


def posed_face(index: int) -> NDArray[np.float64]:
    """The canonical face, turned and bent at random, (478, 3) in outer-eye distances.

    Args:
        index: The same number gives the same face.
    """
    rng = np.random.default_rng([7, index])
    face = jittered(topology.canonical_face().astype(np.float64), rng, 0.02)
    yaw, pitch = rng.uniform(-_YAW_RAD, _YAW_RAD), rng.uniform(-_PITCH_RAD, _PITCH_RAD)
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    nod = np.array(
        [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    )
    posed: NDArray[np.float64] = face @ (turn @ nod).T
    return posed


def mesh_sample(index: int, size_px: int, prepared: Path | None) -> Feed:
    """Inputs of our generator: ``input`` (1, 7, S, S) and ``style`` (1, 16).

    Args:
        index: The same number gives the same sample.
        size_px: S.
        prepared: A prepared folder; None poses the canonical face as a portrait.
    """
    style = seeds.style(index, STYLE_SIZE)[None]
    if prepared is not None:
        faces = PreparedFaces([prepared], size_px, 0.5, 0.0, seed=0)
        x = unpack(default_collate([faces[index]]))["input"].contiguous().numpy()
        return {"input": x, "style": style}
    points = _in_crop(posed_face(index), size_px, transforms.CROP_SIDE_EYES)
    drawn = conditioning.mesh(points, size_px).astype(np.float32) / 127.5 - 1
    rest = np.stack([np.full((size_px, size_px), v, np.float32) for v in (0, 0, 0, 1)])
    return {"input": np.concatenate([drawn.transpose(2, 0, 1), rest])[None], "style": style}


def dots_condition(index: int, size_px: int, prepared: Path | None) -> Feed:
    """Input of the paper's generator: ``input`` (1, 3, S, S).

    Args:
        index: The same number gives the same condition.
        size_px: S.
        prepared: A prepared folder; None poses the canonical face.
    """
    points = posed_face(index)
    if prepared is not None:
        landmarks = layout.load(prepared, "landmarks.npy", "r")
        points = np.asarray(landmarks[index * 61 % len(landmarks)], np.float64)
    points = _in_crop(points, size_px, transforms.PAPER_CROP_SIDE_EYES)
    drawn = conditioning.dots(points, size_px).astype(np.float32) / 127.5 - 1
    return {"input": np.ascontiguousarray(drawn.transpose(2, 0, 1)[None])}


def _in_crop(points: NDArray[np.float64], size_px: int, side_eyes: float) -> NDArray[np.float64]:
    return transforms.apply(transforms.generator_crop(points, size_px, side_eyes), points)
