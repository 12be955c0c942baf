"""Data sets of faces, each read into one table: CelebA, CK+, AffectNet, FACES, and one's own.

``docs/datasets.md`` shows the layouts. A reader looks at lists and names, never into a picture.
"""

from collections.abc import Callable
from pathlib import Path

from ..errors import InputError
from ..types import Skipped
from . import affectnet, celeba, ckplus, faces
from .folder import INDEX, has_classes, read_classes, read_index
from .table import Table

__all__ = ["KINDS", "Table", "read_dataset"]

# in the order of recognition: what is particular to one data set before what fits any folder
_RECOGNISES: dict[str, Callable[[Path], bool]] = {
    "index": lambda folder: (folder / INDEX).is_file(),
    "celeba": celeba.recognises,
    "ckplus": ckplus.recognises,
    "affectnet": affectnet.recognises,
    "faces": faces.recognises,
    "classes": has_classes,
}
_READ: dict[str, Callable[[Path], tuple[Table, list[Skipped]]]] = {
    "celeba": celeba.read,
    "ckplus": ckplus.read,
    "affectnet": affectnet.read,
    "faces": faces.read,
    "classes": read_classes,
}
KINDS = tuple(_RECOGNISES)


def read_dataset(
    folder: Path, kind: str | None = None, index: Path | None = None
) -> tuple[Table, list[Skipped]]:
    """Read a data set, and say what of it was not used and why.

    Args:
        folder: Of the data set.
        kind: One of ``KINDS``; None recognises it by what lies in the folder.
        index: A table elsewhere than in the folder; the kind is then ``"index"``.

    Raises:
        InputError: The folder is missing, the kind is unknown or cannot be recognised, a part of
            the data set is missing or broken, or no picture can be used.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; check the path")
    if index is not None and kind not in (None, "index"):
        raise InputError(f"{index}: a table does not go with the kind {kind!r}; leave one out")
    kind = "index" if index is not None else kind or _recognise(folder)
    if kind == "index":
        return read_index(folder, index or folder / INDEX)
    if kind not in _READ:
        raise InputError(f"{kind!r} is no kind of data set; use one of {', '.join(KINDS)}")
    return _READ[kind](folder)


def _recognise(folder: Path) -> str:
    for kind, fits in _RECOGNISES.items():
        if fits(folder):
            return kind
    raise InputError(
        f"{folder}: looks like none of {', '.join(KINDS)}; give the kind, or see docs/datasets.md"
    )
