"""Which output belongs to which original."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..batch.folder import manifest_lines
from ..batch.storage import LocalStorage
from ..errors import InputError
from ..io import images
from ..types import Skipped


@dataclass(frozen=True)
class Pair:
    """An original and what became of it.

    Attributes:
        file: Of the original, relative to its folder.
        original: Its path.
        outputs: Paths of the outputs: one scene, or a portrait for each face; the first is looked
            at. Empty where there is none.
    """

    file: str
    original: Path
    outputs: tuple[Path, ...]


def pair(
    originals: Path, files: Sequence[str], anonymized: Path
) -> tuple[list[Pair], list[Skipped]]:
    """Pair by the manifests of ``ganonymize folder``, else by relative path without its suffix.

    Args:
        originals: Folder.
        files: Those to look at, relative to it.
        anonymized: Folder of the outputs.

    Returns:
        A pair for each file, and the outputs that belong to none.

    Raises:
        InputError: The folder of the outputs has no picture.
    """
    found = [path for path in images.walk(anonymized) if images.is_picture(path)]
    if not found:
        raise InputError(f"{anonymized}: no pictures in it; give the folder of the outputs")
    by_manifest = {
        entry["file"]: [anonymized / output for output in entry["outputs"]]
        for entry in manifest_lines(LocalStorage(anonymized))
        if entry.get("file") and "outputs" in entry
    }
    listed = {path for outputs in by_manifest.values() for path in outputs}
    same = {file: anonymized / file for file in files if file not in by_manifest}
    taken = listed | set(same.values())
    by_stem: dict[str, list[Path]] = defaultdict(list)
    for path in found:
        if path not in taken:
            by_stem[_stem(path.relative_to(anonymized).as_posix())].append(path)
    pairs = []
    for file in files:
        if file in by_manifest:
            outputs = by_manifest[file]
        elif same[file].is_file() and same[file] not in listed:
            outputs = [same[file]]
        else:
            outputs = by_stem.pop(_stem(file), [])  # what it gets is no other original's
        there = tuple(path for path in outputs if path.is_file())
        pairs.append(Pair(file, originals / file, there))
    used = taken | {path for each in pairs for path in each.outputs}
    return pairs, [Skipped(p, "belongs to no original", False) for p in found if p not in used]


def _stem(file: str) -> str:
    return file.rpartition(".")[0]
