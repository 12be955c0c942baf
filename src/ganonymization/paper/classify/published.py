"""Labelled pictures as the published ``train_classifier`` takes them, or as any data set.

labels.csv            image_path, split (0, 1 or 2 for train, val or test), a column of 0 and 1 a
                      class
train/ val/ test/     the pictures; ``image_path`` is their name, whatever their suffix is now
"""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from ...datasets import read_dataset
from ...datasets.layout import read_rows
from ...datasets.table import Table
from ...errors import InputError
from ...io import images
from ...io.files import walk
from ...types import Skipped
from .data import USUAL_COLUMN

LIST_FILE = "labels.csv"
_SPLITS = {"0": "train", "1": "val", "2": "test"}
_ONE, _ZERO = {"1", "1.0", "True"}, {"0", "0.0", "False"}


def read_labelled(
    folder: Path, kind: str | None = None, index: Path | None = None
) -> tuple[Table, list[Skipped]]:
    """Read the published layout, or by :func:`read_dataset` where there is no ``labels.csv``.

    Raises:
        InputError: Neither can be read.
    """
    if kind is None and index is None and (folder / LIST_FILE).is_file():
        return read_published(folder)
    return read_dataset(folder, kind, index)


def read_published(folder: Path) -> tuple[Table, list[Skipped]]:
    """Read ``labels.csv`` and find its pictures.

    Where no picture has more than one class, the classes become values of the column
    ``expression``; else each stays a column.

    Raises:
        InputError: The list cannot be read, or none of its pictures is there.
    """
    rows = read_rows(folder / LIST_FILE)
    if not rows or not {"image_path", "split"} < set(rows[0]):
        raise InputError(
            f"{folder / LIST_FILE}: needs rows and the columns image_path, split and the classes"
        )
    # pandas writes the row number into a column of no name
    classes = [
        name
        for name in rows[0]
        if name not in ("image_path", "split") and not name.startswith("Unnamed:")
    ]
    found, used, skipped = _pictures(folder), [], []
    for row in rows:
        split = _SPLITS.get(row["split"].removesuffix(".0"), "")
        name = PurePosixPath(row["image_path"].replace("\\", "/").lstrip("/"))
        stems = (name.with_suffix("").as_posix(), name.stem)
        files = next((found[split, stem] for stem in stems if (split, stem) in found), [])
        if len(files) == 1:
            used.append((files[0], split, row))
        else:
            why = "several pictures have this name" if files else "no such picture"
            skipped.append(Skipped(folder / split / name, why, unreadable=False))
    if not used:
        raise InputError(f"{folder}: none of the {len(rows)} pictures of its {LIST_FILE} is there")
    files, splits, kept = (list(column) for column in zip(*used, strict=True))
    unlisted = {f for some in found.values() for f in some} - set(files)
    skipped += [Skipped(folder / f, f"has no row in {LIST_FILE}", False) for f in sorted(unlisted)]
    blank = np.full(len(files), "")
    return Table(folder, np.array(files), np.array(splits), blank, _labels(classes, kept)), skipped


def _labels(classes: list[str], rows: list[dict[str, str]]) -> Mapping[str, NDArray[np.str_]]:
    codes = dict.fromkeys(_ONE, "1") | dict.fromkeys(_ZERO, "0")
    columns = {name: np.array([codes.get(row[name], "") for row in rows]) for name in classes}
    hot = np.stack([values == "1" for values in columns.values()])
    if (hot.sum(axis=0) > 1).any():
        return columns
    return {USUAL_COLUMN: np.where(hot.any(axis=0), np.array(classes)[hot.argmax(axis=0)], "")}


def _pictures(folder: Path) -> dict[tuple[str, str], list[str]]:
    """Pictures by split and by each name without suffix that a row may call them by.

    The published project put a number and a dash before the name of each face.
    """
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for split in _SPLITS.values():
        for path in walk(folder / split):
            if images.is_picture(path):
                name = path.relative_to(folder / split).with_suffix("")
                calls = {name.as_posix(), name.name, name.name.split("-")[-1]}
                for called in calls:
                    found[split, called].append(path.relative_to(folder).as_posix())
    return found
