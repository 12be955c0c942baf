"""Pictures grouped by person: a folder, and a table that tells who is on which."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .. import registry
from ..detect.base import DetectorOptions, detect_turned
from ..errors import FaceError, InputError, UnreadableError
from ..io import images
from ..landmarks.search import find_landmarks
from ..types import Skipped

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
    landmarks_px: NDArray[np.float64]
    person: NDArray[np.str_]
    expression: NDArray[np.str_]

    def of(self, chosen: NDArray[np.bool_]) -> "People":
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
    # the detector for near faces: each picture is of one person
    detect = registry.load(registry.DETECTORS, "blazeface")(DetectorOptions())
    landmarker = registry.load(registry.LANDMARKERS, "facemesh")()
    used: list[tuple[str, NDArray[np.float64], str, str]] = []
    left_out: list[Skipped] = []
    for row in _rows(index):
        try:
            image = images.read(folder / row["file"]).pixels
            found = detect_turned(detect, image)
            if not found:
                raise FaceError("no face found")
            landmarks_px = find_landmarks(image, found[0], landmarker)
        except (FaceError, UnreadableError) as error:
            left_out.append(
                Skipped(folder / row["file"], str(error), isinstance(error, UnreadableError))
            )
            continue
        used.append((row["file"], landmarks_px, row["person"], row.get("expression") or ""))
    if not used:
        raise InputError(f"{folder}: no face was found in {len(left_out)} pictures")
    files, landmarks, person, expression = zip(*used, strict=True)
    people = People(np.array(files), np.stack(landmarks), np.array(person), np.array(expression))
    return people, left_out


def _rows(index: Path) -> list[dict[str, str]]:
    try:
        with index.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{index}: cannot be read ({error}); give a CSV file") from error
    if not rows:
        raise InputError(f"{index}: has no rows; give the columns file, person and expression")
    for number, row in enumerate(rows, start=2):
        for column in ("file", "person"):
            if not row.get(column):
                raise InputError(f"{index}: row {number} has no {column!r}; fill it in or drop it")
    return rows
