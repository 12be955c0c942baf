"""The table that every data set is read into, and the way there.

A reader adds one row per picture to a :class:`TableBuilder`, which checks the rows against the
files and reports every row without a usable picture and every picture without a row.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..io import images
from ..types import Mask, Skipped
from .layout import pictures_under

SPLITS = ("train", "val", "test")
_FEWEST_TO_SPLIT = 3  # people: one for each split


@dataclass(frozen=True)
class Table:
    """Pictures of a data set and what is known of them.

    Attributes:
        folder: That the files are relative to.
        files: (N,) with forward slashes.
        split: (N,) ``"train"``, ``"val"``, ``"test"``, or empty where there is none.
        person: (N,) who it is, or empty where it is not known.
        labels: By column, (N,) values, empty where they are not known.

    Raises:
        InputError: A column's length differs from that of ``files``, or a split is another word.
    """

    folder: Path
    files: NDArray[np.str_]
    split: NDArray[np.str_]
    person: NDArray[np.str_]
    labels: Mapping[str, NDArray[np.str_]]

    def __post_init__(self) -> None:
        if self.files.ndim != 1:
            raise InputError(f"a table's files must be a list; their shape is {self.files.shape}")
        for name, column in {"split": self.split, "person": self.person, **self.labels}.items():
            if column.shape != self.files.shape:
                raise InputError(
                    f"column {name!r} has shape {column.shape}, but there are "
                    f"{len(self.files)} files; give one value per file"
                )
        unknown = set(self.split.tolist()) - {*SPLITS, ""}
        if unknown:
            raise InputError(f"{sorted(unknown)[0]!r} is no split; use one of {', '.join(SPLITS)}")

    def of(self, chosen: Mask) -> "Table":
        """Those pictures, (N,) bool, alone."""
        labels = {name: column[chosen] for name, column in self.labels.items()}
        return Table(
            self.folder, self.files[chosen], self.split[chosen], self.person[chosen], labels
        )


class Row(NamedTuple):
    """One picture, before anybody has looked whether it exists.

    Its values are those of the label columns; split and person may be empty.
    """

    file: str
    values: tuple[str, ...]
    split: str = ""
    person: str = ""


class TableBuilder:
    """Collects a data set; every row and picture ends in the table or among the skipped.

    ``columns`` name the rows' values. Of a file that is named twice, the first row counts.
    """

    def __init__(self, folder: Path, *columns: str) -> None:
        self.folder, self.columns = folder, columns
        self.rows: list[Row] = []
        self.skipped: list[Skipped] = []

    def add(self, file: Path | str, *values: str, split: str = "", person: str = "") -> None:
        """Add a row; a ``Path`` is made relative to the folder."""
        name = file.relative_to(self.folder).as_posix() if isinstance(file, Path) else file
        self.rows.append(Row(name, values, split, person))

    def skip(self, path: Path, reason: str, unreadable: bool = False) -> None:
        """Report what is not used."""
        self.skipped.append(Skipped(path, reason, unreadable))

    def pictures_under(self, folder: Path) -> list[Path]:
        """All pictures under a folder, in a fixed order; folders not looked into are skipped."""
        pictures, unlisted = pictures_under(folder)
        self.skipped += unlisted
        return pictures

    def build(self, pictures: Path | None = None) -> tuple[Table, list[Skipped]]:
        """Make the table of rows that have a picture; a folder's pictures without one are skipped.

        Raises:
            InputError: No row has a picture; the message gives the first reason.
        """
        mentioned = {item.path for item in self.skipped}
        files: set[str] = set()
        used = []
        for row in self.rows:
            if problem := self._problem(row.file, files):
                self.skipped.append(problem)
            else:
                used.append(row)
            files.add(row.file)
        if pictures is not None:
            mentioned |= {self.folder / file for file in files}
            found, unlisted = pictures_under(pictures)
            self.skipped += [Skipped(p, "has no row", False) for p in found if p not in mentioned]
            self.skipped += unlisted
        if not used:
            first = [f"; the first: {path}: {reason}" for path, reason, _ in self.skipped[:1]]
            raise InputError("".join([f"{self.folder}: no picture of it can be used", *first]))
        file, values, split, person = (
            np.array(cells, np.str_) for cells in zip(*used, strict=True)
        )
        labels = {name: values[:, place] for place, name in enumerate(self.columns)}
        return Table(self.folder, file, split, person, labels), self.skipped

    def _problem(self, file: str, files: set[str]) -> Skipped | None:
        path, parts = self.folder / file, PurePosixPath(file)
        if file in files:
            return Skipped(path, "has another row; the first is used", False)
        if parts.is_absolute() or ".." in parts.parts:
            return Skipped(path, f"lies outside of {self.folder}", False)
        if not images.is_picture(path):
            return Skipped(path, "has not the suffix of a picture that can be read", True)
        if not os.path.isfile(path):  # unlike Path.is_file it never raises, whatever a list names
            return Skipped(path, "no such file", True)
        return None


def split_by_person(rows: Sequence[Row]) -> list[Row]:
    """Give each person to one split: 80 % train, 10 % val, 10 % test, at least one person each.

    People are ranked by the hash of their name: the same people are split alike on every machine,
    and a few missing ones move few others. Fewer than three people are all in train.
    """
    hashes = {
        row.person: sha256(row.person.encode("utf-8", "surrogatepass")).digest() for row in rows
    }
    people = sorted(hashes, key=hashes.__getitem__)
    held_out = max(1, round(len(people) / 10)) if len(people) >= _FEWEST_TO_SPLIT else 0
    split = dict.fromkeys(people, "train")
    split |= dict.fromkeys(people[:held_out], "val")
    split |= dict.fromkeys(people[held_out : 2 * held_out], "test")
    return [row._replace(split=split[row.person]) for row in rows]
