"""Own pictures: a folder per class, or a table ``index.csv``."""

import csv
from collections.abc import Iterator
from pathlib import Path

from ..errors import InputError
from ..io import images
from ..io.files import walk
from ..types import Skipped
from .layout import opened, tidy
from .table import SPLITS, Table, TableBuilder

INDEX = "index.csv"


def has_classes(folder: Path) -> bool:
    """Whether any picture lies in a folder of a class."""
    return any(
        images.is_picture(path) and _class_of(path.relative_to(folder)) is not None
        for path in walk(folder)
    )


def read_classes(folder: Path) -> tuple[Table, list[Skipped]]:
    """The name of its folder is a picture's expression: ``happy/1.jpg`` or ``train/happy/1.jpg``.

    Raises:
        InputError: No picture lies in a folder of a class.
    """
    table = TableBuilder(folder, "expression")
    for path in table.pictures_under(folder):
        found = _class_of(path.relative_to(folder))
        if found is None:
            table.skip(path, "lies in no folder of a class")
        else:
            split, label = found
            table.add(path, label, split=split)
    return table.build()


def read_unlabelled(folder: Path) -> tuple[Table, list[Skipped]]:
    """All pictures under a folder, of which nothing is known.

    Raises:
        InputError: There are none.
    """
    table = TableBuilder(folder)
    for path in table.pictures_under(folder):
        table.add(path)
    return table.build()


def _class_of(inside: Path) -> tuple[str, str] | None:
    """Split, which may be empty, and class."""
    *folders, _ = inside.parts
    split = folders.pop(0) if folders and folders[0] in SPLITS else ""
    return (split, folders[0]) if folders else None


def read_index(folder: Path, index: Path) -> tuple[Table, list[Skipped]]:
    """The table says it all: ``file``, perhaps ``person`` and ``split``; other columns are labels.

    Args:
        folder: That the column ``file`` is relative to; its other pictures are reported.
        index: A CSV file in UTF-8.

    Raises:
        InputError: There is no such table, its header is no good, or no row has a picture.
    """
    lines = _lines(index)
    columns = next(lines, (0, []))[1]
    wrong = _wrong_header(columns)
    if wrong:
        raise InputError(f"{index}: {wrong}")
    table = TableBuilder(folder, *(n for n in columns if n not in ("file", "person", "split")))
    for number, line in lines:
        cell = dict(zip(columns, [*line, *[""] * len(columns)], strict=False))
        file, split = tidy(cell["file"]), cell.get("split", "")
        if not file:
            table.skip(index, f"line {number} names no file")
        elif any(line[len(columns) :]):  # empty ones are what a comma at the end leaves
            reason = f"line {number} has {len(line)} cells, but there are {len(columns)} columns"
            table.skip(folder / file, reason)
        elif split not in (*SPLITS, ""):
            table.skip(folder / file, f"its split {split!r} is none of {', '.join(SPLITS)}")
        else:
            values = [cell[name] for name in table.columns]
            table.add(file, *values, split=split, person=cell.get("person", ""))
    return table.build(folder)


def _lines(index: Path) -> Iterator[tuple[int, list[str]]]:
    """Lines that are not empty, their cells stripped, and their numbers in the file."""
    with opened(index) as file:
        reader = csv.reader(file)
        for line in reader:
            if line:
                yield reader.line_num, [cell.strip() for cell in line]


def _wrong_header(columns: list[str]) -> str:
    if "file" not in columns:
        return "has no column 'file'; give the pictures' names under that header"
    if "" in columns:
        return f"column {columns.index('') + 1} has no name; name it or drop it"
    if len(set(columns)) < len(columns):
        return "two columns have one name; rename one of them"
    return ""
