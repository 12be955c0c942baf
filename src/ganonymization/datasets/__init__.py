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

_Read = Callable[[Path], tuple[Table, list[Skipped]]]
# in the order of recognition: what is particular to one data set before what fits any folder
_KINDS: dict[str, tuple[Callable[[Path], bool], _Read]] = {
    "index": (lambda f: (f / INDEX).is_file(), lambda f: read_index(f, f / INDEX)),
    "celeba": (celeba.recognises, celeba.read),
    "ckplus": (ckplus.recognises, ckplus.read),
    "affectnet": (affectnet.recognises, affectnet.read),
    "faces": (faces.recognises, faces.read),
    "classes": (has_classes, read_classes),
}
KINDS = tuple(_KINDS)


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
    if index is not None:
        return read_index(folder, index)
    kind = kind or _recognise(folder)
    if kind not in _KINDS:
        raise InputError(f"{kind!r} is no kind of data set; use one of {', '.join(KINDS)}")
    _, read = _KINDS[kind]
    return read(folder)


def _recognise(folder: Path) -> str:
    for kind, (recognises, _) in _KINDS.items():
        if recognises(folder):
            return kind
    raise InputError(
        f"{folder}: looks like none of {', '.join(KINDS)}; give the kind, or see docs/datasets.md"
    )
