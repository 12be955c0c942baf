"""What the refiner's training needs of a prepared folder beside crops and landmarks.

readings.npy   (N, 7) float32, shares of the seven expressions, as a reader sees them
age.npy        (N,) float32, years as a model guesses them, 0 where nobody did
held_out.npy   (N,) bool, never trained on: a fifth of the vivid ones, by source and person
"""

import csv
import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...surrogate.expression_reading import ExpressionReader
from .. import layout

_PLAIN = {"", "neutral", "happy", "happiness", "smug", "flirty", "playful"}
_VIVID = 0.5
_HELD_OUT = 5  # one of so many


def add_readings(prepared: Path, index: Path | None = None, people: Path | None = None) -> None:
    """Read the expression of each prepared face, and say which are held out.

    Args:
        prepared: Of ``ganonymize prepare``.
        index: CSV with the column file and, if known, source, label, age_estimate.
        people: CSV with the columns file and person, of pictures that show one person more than
            once: all vivid ones of a person are held out, or none.
    """
    crops = layout.load(prepared, "crops.npy", "r")
    landmarks = layout.load(prepared, "landmarks.npy")
    names = (prepared / "files.txt").read_text().splitlines()
    reader = ExpressionReader()
    readings = np.stack(
        [
            reader(np.ascontiguousarray(crop[..., :3]), points)
            for crop, points in zip(crops, landmarks, strict=True)
        ]
    )
    rows, persons = _by_file(index), _by_file(people)
    found = [rows.get(name, {}) | persons.get(name, {}) for name in names]
    apart = [
        _vivid(row, reading) and _group(row, name) % _HELD_OUT == 0
        for row, reading, name in zip(found, readings, names, strict=True)
    ]
    np.save(prepared / "readings.npy", readings)
    np.save(prepared / "age.npy", np.array([_age(row) for row in found], np.float32))
    np.save(prepared / "held_out.npy", np.array(apart))


def _by_file(table: Path | None) -> dict[str, dict[str, str]]:
    if table is None:
        return {}
    return {row["file"]: row for row in csv.DictReader(table.read_text().splitlines())}


def _vivid(row: dict[str, str], reading: NDArray[np.float32]) -> bool:
    return row.get("label", "") not in _PLAIN or float(reading[2:].max()) > _VIVID


def _group(row: dict[str, str], name: str) -> int:
    """A number that pictures of one person share where that is known."""
    key = f"{row.get('source', '')} {row.get('person') or name}"
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big")


def _age(row: dict[str, str]) -> float:
    return float(row.get("age_estimate") or 0)
