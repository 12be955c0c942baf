"""Which files of a folder are anonymized, and what their outputs are called."""

import hashlib
import string
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from . import images
from .errors import OptionError, OutputError

PLAIN = "{stem}{suffix}"
_FIELDS = {"stem", "suffix"}


@dataclass(frozen=True)
class Planned:
    """A file of the input folder.

    Attributes:
        path: Where it is.
        name: Relative to the input folder, with forward slashes.
        out: Relative to the output folder.
    """

    path: Path
    name: str
    out: str


def planned(source: Path, naming: str = PLAIN) -> list[Planned]:
    """Every file of a folder, in order.

    Args:
        source: Read recursively.
        naming: Of outputs, with ``{stem}`` and ``{suffix}``.

    Raises:
        OptionError: ``naming`` is no such pattern.
    """
    check_naming(naming)
    names = ((path, path.relative_to(source).as_posix()) for path in images.walk(source))
    return [Planned(path, name, renamed(name, naming)) for path, name in names]


def in_shard(name: str, shard: tuple[int, int]) -> bool:
    """Whether a file is in the i-th of n shares, ``(i, n)`` from 1 on, whatever else there is."""
    return _share(name, shard[1]) == shard[0]


def check_naming(naming: str) -> None:
    """Refuse a pattern that gives no names, or one name to many files.

    Raises:
        OptionError: What is wrong with it.
    """
    try:
        fields = {field for _, field, *_ in string.Formatter().parse(naming) if field is not None}
    except ValueError as error:
        raise OptionError(f"--name {naming}: {error}") from error
    if not fields <= _FIELDS:
        raise OptionError(f"--name {naming}: only {{stem}} and {{suffix}} are known")
    if "stem" not in fields or not naming.endswith("{suffix}") or "/" in naming:
        raise OptionError(f"--name {naming}: give {{stem}} in it, {{suffix}} at its end, and no /")


def renamed(name: str, naming: str) -> str:
    """A file's output, relative to the output folder."""
    path = PurePosixPath(name)
    if path.name.startswith(".") or not path.stem:
        return name
    return path.with_name(naming.format(stem=path.stem, suffix=path.suffix)).as_posix()


def check_clashes(names: Iterable[tuple[str, str]], out: Path) -> None:
    """Refuse outputs that would be one file, as where the disk does not tell a from A.

    Args:
        names: Of an input, and of an output relative to the output folder.
        out: The output folder.

    Raises:
        OutputError: Names two such inputs.
    """
    seen: dict[str, str] = {}
    fold = str if _tells_case(out) else str.casefold
    for name, output in names:
        other = seen.setdefault(fold(output), name)
        if other != name:
            raise OutputError(
                f"{name} and {other} would both be written as {out / output}; "
                "rename one, or write to a disk that tells them apart"
            )


def _share(name: str, count: int) -> int:
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") % count + 1


def _tells_case(folder: Path) -> bool:
    """Whether two names that differ in case alone are two files there."""
    while not folder.is_dir():
        folder = folder.parent
    try:
        with tempfile.NamedTemporaryFile(prefix=".case-a", dir=folder) as file:
            return not Path(file.name.replace(".case-a", ".case-A")).exists()
    except OSError:  # read-only: the run itself will say so
        return True
