"""CelebA (Liu et al. 2015): 40 yes-or-no attributes of celebrities, and its own three splits.

Two lists are needed, as the authors give them (``.txt``) or as Kaggle does (``.csv``):
``list_eval_partition`` (0 train, 1 val, 2 test) and ``list_attr_celeba`` (1 yes, -1 no). With
``identity_CelebA.txt`` beside them it is also known who is on which picture.
"""

from pathlib import Path

from ..errors import InputError
from ..types import Skipped
from .layout import cells, find, name_of, need
from .table import SPLITS, Row, Table, build

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
    columns, attributes, left_out = _attributes(need(folder, *_ATTRIBUTES), pictures)
    split, again = _pairs(need(folder, *_PARTITION), pictures)
    identity = find(folder, "identity_CelebA.txt")
    person, _ = _pairs(identity, pictures) if identity else ({}, [])
    left_out += again
    rows = []
    for name in split | attributes:
        values, part = attributes.get(name), name_of(split.get(name, ""), SPLITS)
        if values is None:
            left_out.append(Skipped(pictures / name, "has no row of attributes", False))
        elif part is None:
            reason = f"its split is {split.get(name, 'missing')!r}, not 0, 1 or 2"
            left_out.append(Skipped(pictures / name, reason, False))
        elif any(value not in _VALUES for value in values) or len(values) != len(columns):
            reason = f"its attributes are not {len(columns)} values of 1 and -1"
            left_out.append(Skipped(pictures / name, reason, False))
        else:
            file = (pictures.relative_to(folder) / name).as_posix()
            coded = tuple(_VALUES[value] for value in values)
            rows.append(Row(file, coded, part, person.get(name, "")))
    return build(folder, columns, rows, left_out, pictures)


def _pictures(folder: Path) -> Path:
    pictures = need(folder, _PICTURES)
    inner = pictures / _PICTURES  # as Kaggle's archive unpacks
    return inner if inner.is_dir() else pictures


def _attributes(
    path: Path, pictures: Path
) -> tuple[list[str], dict[str, list[str]], list[Skipped]]:
    """The columns, and by picture the values, as they are in the file."""
    lines = cells(path)
    header = next(lines, [])
    if path.suffix == ".txt":
        header = next(lines, [])  # the first line says how many pictures there are
    columns = header[1:] if path.suffix == ".csv" else header
    if not columns or len(set(columns)) < len(columns):
        raise InputError(f"{path}: has no line of different attributes; take the original file")
    values: dict[str, list[str]] = {}
    again = []
    for name, *rest in lines:
        if name in values:
            again.append(Skipped(pictures / name, f"is again in {path.name}; not used", False))
        else:
            # interned by way of _VALUES: eight million short strings would fill the memory
            values[name] = [_VALUES.get(value, value) for value in rest]
    return columns, values, again


def _pairs(path: Path, pictures: Path) -> tuple[dict[str, str], list[Skipped]]:
    """By picture the second word of its line."""
    pairs: dict[str, str] = {}
    again = []
    lines = cells(path)
    if path.suffix == ".csv":
        next(lines, None)  # its header
    for name, *rest in lines:
        if name in pairs:
            again.append(Skipped(pictures / name, f"is again in {path.name}; not used", False))
        else:
            pairs[name] = rest[0] if rest else ""
    return pairs, again
