"""From paths and addresses to folders."""

from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ..errors import OptionError, OutputError
from .address import AddressTree
from .tree import DiskTree, Tree


def open_tree(place: str) -> Tree:
    """The folder that a path or an address names.

    Raises:
        OptionError: The address is of no known kind.
        MissingExtraError: fsspec, or what it needs for that kind, is not installed.
    """
    if place.startswith(
        ("file://", "local://")
    ):  # so that nobody takes it for another folder than its path
        return DiskTree(Path(url2pathname(urlsplit(place).path)))
    return AddressTree(place) if "://" in place else DiskTree(Path(place))


def check_apart(source: Tree, out: Tree) -> None:
    """Refuse folders before any work is done.

    Raises:
        OptionError: The input is no folder.
        OutputError: The output folder is a file, or one folder lies in the other.
    """
    if isinstance(source, DiskTree) and not source.root.is_dir():
        raise OptionError(f"{source}: not a folder; use 'ganonymize image' for a file")
    if _within(source, out) or _within(out, source):
        raise OutputError(f"{out}: one of input and output folder lies in the other; keep apart")
    if isinstance(out, DiskTree) and out.root.exists() and not out.root.is_dir():
        raise OutputError(f"{out}: is a file; give a folder")


def _within(inner: Tree, outer: Tree) -> bool:
    if isinstance(inner, DiskTree) and isinstance(outer, DiskTree):
        a, b = inner.root.resolve(), outer.root.resolve()
        return a == b or b in a.parents
    if isinstance(inner, AddressTree) and isinstance(outer, AddressTree):
        return f"{inner.identity}/".startswith(f"{outer.identity}/")
    return False
