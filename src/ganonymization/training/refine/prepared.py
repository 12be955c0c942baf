"""What the refiner's training needs of a prepared folder beside crops and landmarks.

    readings.npy   (N, 7) float32, shares of the seven expressions, as a reader sees them
    age.npy        (N,) float32, years as a model guesses them, 0 where nobody did
    held_out.npy   (N,) bool, never trained on: a fifth of the vivid ones, by source and person
"""

import csv
import hashlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ...geometry import topology
from ...types import Image
from .. import layout

_READER_PX = 112
_READER_BOX = 1.1  # of the larger side of the box around jaw, brows and chin
_PLAIN = {"", "neutral", "happy", "happiness", "smug", "flirty", "playful"}
_VIVID = 0.5
_HELD_OUT = 5  # one of so many


def add_readings(prepared: Path, reader: Path, index: Path | None = None) -> None:
    """Read the expression of each prepared face, and say which are held out.

    Args:
        prepared: Of ``ganonymize prepare``.
        reader: An ONNX file, (N, 3, 112, 112) RGB float32 from 0 to 255 to (N, 7) shares.
        index: CSV with the column file and, if known, source, label, age_estimate.
    """
    crops = layout.load(prepared, "crops.npy", "r")
    landmarks = layout.load(prepared, "landmarks.npy")
    names = (prepared / "files.txt").read_text().splitlines()
    session = onnxruntime.InferenceSession(str(reader), providers=["CPUExecutionProvider"])
    readings = np.stack(
        [read(session, crop[..., :3], points) for crop, points in zip(crops, landmarks, strict=True)]
    )
    rows = {} if index is None else {r["file"]: r for r in csv.DictReader(index.open())}
    found = [rows.get(name, {}) for name in names]
    apart = [
        _vivid(row, reading) and _group(row, name) % _HELD_OUT == 0
        for row, reading, name in zip(found, readings, names, strict=True)
    ]
    np.save(prepared / "readings.npy", readings)
    np.save(prepared / "age.npy", np.array([_age(row) for row in found], np.float32))
    np.save(prepared / "held_out.npy", np.array(apart))


def read(
    session: onnxruntime.InferenceSession, picture: Image, landmarks_px: NDArray[Any]
) -> NDArray[np.float32]:
    """Shares of the seven expressions, (7,), the mean of a face and its mirror image."""
    outline = landmarks_px[[*topology.FACE_OVAL, *topology.EXPRESSIVE["brows"]], :2]
    low, high = outline.min(0), outline.max(0)
    side = _READER_BOX * float((high - low).max())
    scale = _READER_PX / side
    left, top = (low + high) / 2 - side / 2
    matrix = np.array([[scale, 0, -left * scale], [0, scale, -top * scale]])
    blurred = cv2.GaussianBlur(picture, (0, 0), 0.4 / scale) if scale < 0.7 else picture
    crop = cv2.warpAffine(np.ascontiguousarray(blurred), matrix, (_READER_PX, _READER_PX))
    both = np.stack([crop, crop[:, ::-1]]).transpose(0, 3, 1, 2).astype(np.float32)
    (shares,) = session.run(None, {session.get_inputs()[0].name: both})
    mean: NDArray[np.float32] = np.asarray(shares, np.float32).mean(0)
    return mean


def _vivid(row: dict[str, str], reading: NDArray[np.float32]) -> bool:
    return row.get("label", "") not in _PLAIN or float(reading[2:].max()) > _VIVID


def _group(row: dict[str, str], name: str) -> int:
    """A number that pictures of one person share where that is known."""
    key = f"{row.get('source', '')} {row.get('person') or name}"
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big")


def _age(row: dict[str, str]) -> float:
    return float(row.get("age_estimate") or 0)
