"""Which files of a folder are anonymized, and what their outputs are called."""

import hashlib
import hmac
import re
import string
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from ..errors import OptionError, OutputError
from ..video.kinds import written_as
from .address import Storage

PLAIN = "{stem}{suffix}"
_HIDDEN_DIGITS = 24
_FIELDS = {"stem", "suffix"}
_NUMBERED = re.compile(r"(.*[^/])_\d+(\.[^./]*)?")


@dataclass(frozen=True)
class Planned:
    """A file of the input folder, and its output relative to the output folder.

    ``taken`` are outputs of other files that are named as this one's further heads would be.
    """

    name: str
    out: str
    taken: frozenset[str] = frozenset()


def planned(names: Iterable[str], naming: str = PLAIN) -> list[Planned]:
    """What each file's output is called; names are relative to the input folder.

    Raises:
        OptionError: ``naming`` is no such pattern.
    """
    check_naming(naming)
    outs = {name: written_as(renamed(name, naming)) for name in names}
    taken = defaultdict[str, set[str]](set)
    for out in outs.values():
        if numbered := _NUMBERED.fullmatch(out):
            taken["".join(numbered.groups())].add(out)
    return [Planned(name, out, frozenset(taken.get(out, ()))) for name, out in outs.items()]


def hidden(names: Iterable[str], key: bytes) -> list[Planned]:
    """The same, but outputs are called what nobody without the key can trace to an input.

    They lie in one folder, and in the order of their names, so that times tell nothing, either.

    Args:
        names: Relative to the input folder.
        key: Of the output folder's secret.
    """
    made = [Planned(name, written_as(_untraceable(name, key))) for name in names]
    return sorted(made, key=lambda file: file.out)


def _untraceable(name: str, key: bytes) -> str:
    message = b"name of an output\0" + name.encode("utf-8", "surrogateescape")
    digest = hmac.new(key, message, hashlib.sha256).hexdigest()
    return digest[:_HIDDEN_DIGITS] + PurePosixPath(name).suffix.lower()


def in_shard(name: str, shard: tuple[int, int]) -> bool:
    """Whether a file is in the i-th of n shares, ``(i, n)`` from 1 on, whatever else there is."""
    i, n = shard
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") % n + 1 == i


def leads_out(name: str) -> bool:
    """Whether a name leads out of its folder; disks have none such, but stores take any name."""
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts


def check_naming(naming: str) -> None:
    """Refuse a pattern that gives no names, or one name to many files.

    Raises:
        OptionError: What is wrong with it.
    """
    remedy = "give `name` with {stem} in it, {suffix} at its end, and no /"
    try:
        fields = {field for _, field, *_ in string.Formatter().parse(naming) if field is not None}
    except ValueError as error:
        raise OptionError(f"{naming}: {error}", remedy) from error
    if not fields <= _FIELDS:
        raise OptionError(f"{naming}: only {{stem}} and {{suffix}} are known", remedy)
    if "stem" not in fields or not naming.endswith("{suffix}") or "/" in naming:
        raise OptionError(f"{naming!r} is no pattern of names", remedy)


def renamed(name: str, naming: str) -> str:
    """A file's output, relative to the output folder."""
    path = PurePosixPath(name)
    if path.name.startswith(".") or not path.stem:
        return name
    return path.with_name(naming.format(stem=path.stem, suffix=path.suffix)).as_posix()


def check_clashes(names: Iterable[tuple[str, str]], out: Storage) -> None:
    """Refuse outputs that would be one file, as where the disk does not tell a from A.

    Args:
        names: Of an input, and of an output relative to the output folder.
        out: The output folder.

    Raises:
        OutputError: Names two such inputs.
    """
    inputs: dict[str, str] = {}
    fold = str if out.tells_case() else str.casefold
    for name, output in names:
        other = inputs.setdefault(fold(output), name)
        if other != name:
            raise OutputError(
                f"{name} and {other} would both be written as {out}/{output}; "
                "rename one, or write to a disk that tells them apart"
            )
