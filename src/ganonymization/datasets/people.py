"""Pictures grouped by person: a folder, and a table of who is on which."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..landmarks.face_finder import FaceFinder
from ..types import Mask, Skipped, Values
from .layout import read_rows

NEUTRAL = "neutral"


@dataclass(frozen=True)
class People:
    """Faces grouped by person.

    Attributes:
        files: (N,) relative to the folder.
        landmarks_px: (N, 478, 3) of the largest face, in each picture's pixels.
        person: (N,) who it is.
        expression: (N,) ``"neutral"``, another word, or empty where it is not known.
    """

    files: NDArray[np.str_]
    landmarks_px: Values
    person: NDArray[np.str_]
    expression: NDArray[np.str_]

    def of(self, chosen: Mask) -> "People":
        """Those pictures, (N,) bool, alone."""
        return People(
            self.files[chosen], self.landmarks_px[chosen], self.person[chosen],
            self.expression[chosen],
        )  # fmt: skip


def read_people(folder: Path, index: Path) -> tuple[People, list[Skipped]]:
    """Find the landmarks of the largest face in each picture of a table.

    Args:
        folder: Of the pictures.
        index: A CSV file with the columns ``file``, ``person`` and, if known, ``expression``.

    Raises:
        InputError: There is no such table, a row lacks file or person, or no picture has a face.
    """
    finder = FaceFinder("blazeface")  # for near faces: each picture is of one person
    used: list[tuple[str, Values, str, str]] = []
    skipped: list[Skipped] = []
    for row in _rows(index):
        found = finder.largest(folder / row["file"])
        if isinstance(found, Skipped):
            skipped.append(found)
        else:
            known = row["file"], found.landmarks_px, row["person"], row.get("expression", "")
            used.append(known)
    if not used:
        raise InputError(f"{folder}: no face was found in {len(skipped)} pictures")
    files, landmarks, person, expression = zip(*used, strict=True)
    people = People(np.array(files), np.stack(landmarks), np.array(person), np.array(expression))
    return people, skipped


def _rows(index: Path) -> list[dict[str, str]]:
    rows = read_rows(index)
    if not rows:
        raise InputError(f"{index}: has no rows; give the columns file, person and expression")
    for number, row in enumerate(rows, start=2):
        for column in ("file", "person"):
            if not row.get(column):
                raise InputError(f"{index}: row {number} has no {column!r}; fill it in or drop it")
    return rows
