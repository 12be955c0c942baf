"""CelebA (Liu et al. 2015): 40 yes-or-no attributes of celebrities, and its own three splits.

Two lists are needed, as the authors give them (``.txt``) or as Kaggle does (``.csv``):
``list_eval_partition`` (0 train, 1 val, 2 test) and ``list_attr_celeba`` (1 yes, -1 no). With
``identity_CelebA.txt`` beside them it is also known who is on which picture.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from ..errors import InputError
from ..types import Skipped
from .layout import cells, find, name_of, need
from .table import SPLITS, Table, TableBuilder

_ATTRIBUTES = ("list_attr_celeba.txt", "list_attr_celeba.csv")
_PARTITION = ("list_eval_partition.txt", "list_eval_partition.csv")
_PICTURES = "img_align_celeba"
_VALUES = {"1": "1", "-1": "0", "0": "0"}


def recognises(folder: Path) -> bool:
    """Whether a list or the folder of the pictures is in the folder."""
    return find(folder, *_ATTRIBUTES, *_PARTITION, _PICTURES) is not None


def read(folder: Path) -> tuple[Table, list[Skipped]]:
    """The attributes become columns of ``"0"`` and ``"1"`` under their own names.

    Raises:
        InputError: A list or the folder of the pictures is missing or cannot be read.
    """
    pictures = _pictures(folder)
    path = need(folder, *_ATTRIBUTES)
    columns, lines = _attributes(path)
    table = TableBuilder(folder, *columns)
    attributes = _by_picture(table, pictures, path, lines)
    split = _pairs(table, pictures, need(folder, *_PARTITION))
    identity = find(folder, "identity_CelebA.txt")
    person = _pairs(TableBuilder(folder), pictures, identity) if identity else {}
    for name in split | attributes:
        values, part = attributes.get(name), name_of(split.get(name, ""), SPLITS)
        if values is None:
            table.skip(pictures / name, "has no row of attributes")
        elif part is None:
            reason = f"its split is {split.get(name, 'missing')!r}, not 0, 1 or 2"
            table.skip(pictures / name, reason)
        elif any(value not in _VALUES for value in values) or len(values) != len(columns):
            table.skip(pictures / name, f"its attributes are not {len(columns)} values of 1 and -1")
        else:
            file = (pictures.relative_to(folder) / name).as_posix()
            coded = [_VALUES[value] for value in values]
            table.add(file, *coded, split=part, person=person.get(name, ""))
    return table.build(pictures)


def _pictures(folder: Path) -> Path:
    pictures = need(folder, _PICTURES)
    inner = pictures / _PICTURES  # as Kaggle's archive unpacks
    return inner if inner.is_dir() else pictures


def _attributes(path: Path) -> tuple[list[str], Iterator[list[str]]]:
    """The columns and the lines below them."""
    lines = cells(path)
    header = next(lines, [])
    if path.suffix == ".txt":
        header = next(lines, [])  # the first line says how many pictures there are
    columns = header[1:] if path.suffix == ".csv" else header
    if not columns or len(set(columns)) < len(columns):
        raise InputError(f"{path}: has no line of different attributes; take the original file")
    return columns, lines


def _pairs(table: TableBuilder, pictures: Path, path: Path) -> dict[str, str]:
    """By picture the second word of its line."""
    lines = cells(path)
    if path.suffix == ".csv":
        next(lines, None)  # its header
    found = _by_picture(table, pictures, path, lines)
    return {name: values[0] if values else "" for name, values in found.items()}


def _by_picture(
    table: TableBuilder, pictures: Path, path: Path, lines: Iterator[list[str]]
) -> dict[str, list[str]]:
    """By picture the further words of its first line."""
    found: dict[str, list[str]] = {}
    for name, *values in lines:
        if name in found:
            table.skip(pictures / name, f"is again in {path.name}; not used")
        else:
            found[name] = [sys.intern(value) for value in values]  # eight million short strings
    return found
