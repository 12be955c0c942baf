"""Finding and reading the files of a data set."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TextIO

from ..errors import InputError
from ..io import images
from ..io.files import walk
from ..types import Skipped


def face_pictures(folder: Path) -> list[Path]:
    """All pictures under a folder, in a fixed order.

    Raises:
        InputError: It is no folder, or holds none.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: not a folder; give a folder of face pictures")
    pictures = [path for path in walk(folder) if images.is_picture(path)]
    if not pictures:
        raise InputError(f"{folder}: holds no pictures; give a folder of face pictures")
    return pictures


def pictures_under(folder: Path) -> tuple[list[Path], list[Skipped]]:
    """All pictures under a folder, in a fixed order, and the folders that were not looked into.

    Files with other suffixes than those of pictures are passed over.
    """
    pictures, skipped = [], []
    for path in walk(folder):
        if path.is_dir():
            reason = "is a link, which is not followed" if path.is_symlink() else "cannot be listed"
            skipped.append(Skipped(path, f"a folder that {reason}", not path.is_symlink()))
        elif images.is_picture(path):
            pictures.append(path)
    return pictures, skipped


def name_of(code: str, names: Sequence[str]) -> str | None:
    """What a number in a data set's file stands for; None if it is none of them."""
    try:
        number = float(code)
    except ValueError:
        return None
    known = number.is_integer() and 0 <= number < len(names)
    return names[int(number)] if known else None


def find(folder: Path, *names: str) -> Path | None:
    """The first of those names that is in a folder or one folder below it.

    Raises:
        InputError: Several folders below have it; give one of them instead.
    """
    for name in names:
        places = [folder / name] if (folder / name).exists() else sorted(folder.glob(f"*/{name}"))
        if len(places) > 1:
            raise InputError(
                f"{folder}: {name} is in {places[0].parent.name} and in {places[1].parent.name}; "
                "give the folder of one data set"
            )
        if places:
            return places[0]
    return None


def need(folder: Path, *names: str) -> Path:
    """Like ``find``, of what a data set cannot be read without.

    Raises:
        InputError: None of them is there, or several folders below have it.
    """
    found = find(folder, *names)
    if found is None:
        raise InputError(f"{folder}: {' or '.join(names)} is missing; unpack it there")
    return found


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """A list of a data set, as text.

    Raises:
        InputError: It cannot be read; the message says why.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield file
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: cannot be read ({reason}); check the path") from error


def cells(path: Path) -> Iterator[list[str]]:
    """Lines of a list that are not empty, cut at commas (``.csv``) or blanks (all others)."""
    with opened(path) as file:
        lines = csv.reader(file) if path.suffix == ".csv" else (line.split() for line in file)
        yield from (line for line in lines if line)


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file by the names in its first line; cells without a name are dropped."""
    with opened(path) as file:
        rows = csv.DictReader(file)
        return [{name: cell or "" for name, cell in row.items() if name} for row in rows]


def tidy(name: str) -> str:
    """A file's name from a list with forward slashes and without needless parts; may be empty."""
    name = name.strip().replace("\\", "/")
    return PurePosixPath(name).as_posix() if name else ""
