"""AffectNet (Mollahosseini et al. 2017): faces from the web, 8 expressions, labelled by hand.

It is given away in two forms. The smaller one has a number and a file of the label per picture:

    train_set/images/0.jpg, train_set/annotations/0_exp.npy, and the same under val_set

The larger one has ``training.csv`` and ``validation.csv`` (in ``Manually_Annotated_file_lists``)
and its pictures in ``Manually_Annotated_Images``. Both lists are read, neutral faces among them.
Nothing is known of who is on a picture; the test set was never published.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..types import Skipped
from .layout import cells, find, name_of, need, tidy
from .table import Table, TableBuilder

EXPRESSIONS = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "anger", "contempt")
"""By number, from the paper and the ReadMe of the data set."""

_NO_EXPRESSION = ("none", "uncertain", "no face")  # numbers 8 to 10
_SETS = {"train_set": "train", "val_set": "val"}
_LISTS = {"training.csv": "train", "validation.csv": "val"}
_PICTURES = "Manually_Annotated_Images"
_FILE, _EXPRESSION = "subdirectory_filepath", "expression"
_HEADER = [
    _FILE, "face_x", "face_y", "face_width", "face_height", "facial_landmarks", _EXPRESSION,
    "valence", "arousal",
]  # fmt: skip


def recognises(folder: Path) -> bool:
    """Whether a part of either form is in the folder."""
    return find(folder, *_SETS, *_LISTS, _PICTURES) is not None


def read(folder: Path) -> tuple[Table, list[Skipped]]:
    """Either form; pictures labelled as none, uncertain or no face are skipped.

    Raises:
        InputError: One of two sets or lists is missing, or has no column that is needed.
    """
    table = TableBuilder(folder, "expression")
    if find(folder, *_SETS):
        _read_sets(table)
        return table.build()
    pictures = find(folder, _PICTURES) or folder
    _read_lists(table, pictures)
    return table.build(pictures)


def _read_sets(table: TableBuilder) -> None:
    for name, split in _SETS.items():
        root = need(table.folder, name)
        pictures = table.pictures_under(need(root, "images"))
        labels = {path.name: path for path in need(root, "annotations").glob("*_exp.npy")}
        for path in pictures:
            label = labels.pop(f"{path.stem}_exp.npy", None)
            code = _code(label) if label else None
            if label is None:
                table.skip(path, "has no label in annotations")
            elif code is None:
                table.skip(label, "is damaged; copy it anew", True)
            else:
                _add(table, path.relative_to(table.folder).as_posix(), code, split)
        for key in sorted(labels):
            table.skip(labels[key], "its picture is missing", True)


def _code(path: Path) -> str | None:
    """The number in a file, as text; the data set stores it as text or as a number."""
    try:
        with path.open("rb") as file:
            # not np.load, which also opens archives; this one reads arrays or raises ValueError
            array = np.lib.format.read_array(file, allow_pickle=False)  # type: ignore[no-untyped-call]
            return str(array.item())
    except (OSError, ValueError):
        return None


def _read_lists(table: TableBuilder, pictures: Path) -> None:
    for name, split in _LISTS.items():
        path = need(table.folder, name)
        lines = cells(path)
        first = next(lines, [])
        place, is_header = _columns(path, first)
        for number, line in enumerate(lines if is_header else [first, *lines], 1 + is_header):
            if len(line) <= max(place):
                table.skip(path, f"row {number} has only {len(line)} cells")
                continue
            file = (pictures.relative_to(table.folder) / tidy(line[place[0]])).as_posix()
            _add(table, file, line[place[1]], split)


def _columns(path: Path, first: Sequence[str]) -> tuple[tuple[int, int], bool]:
    """Places of file and expression, and whether the first line is a header.

    The list for validation is also handed around without one; it then has the usual columns.
    """
    names = [cell.strip().lstrip("#").lower() for cell in first]
    is_header = _FILE in names
    if not is_header and len(first) != len(_HEADER):
        raise InputError(f"{path}: has no column subDirectory_filePath; take the original file")
    if is_header and _EXPRESSION not in names:
        raise InputError(f"{path}: has no column {_EXPRESSION!r}; take the original file")
    used = names if is_header else _HEADER
    return (used.index(_FILE), used.index(_EXPRESSION)), is_header


def _add(table: TableBuilder, file: str, code: str, split: str) -> None:
    """Add a picture if its number is that of an expression, else skip it."""
    label = name_of(code, EXPRESSIONS + _NO_EXPRESSION)
    if label in EXPRESSIONS:
        table.add(file, label, split=split)
    else:
        reason = f"is labelled {label!r}" if label else f"has the unknown label {code[:20]!r}"
        table.skip(table.folder / file, reason)
