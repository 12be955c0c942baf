"""CK+ (Lucey et al. 2010): sequences of frames from a neutral face to the peak of an expression.

    cohn-kanade-images/S005/001/S005_001_00000011.png
    Emotion/S005/001/S005_001_00000011_emotion.txt

327 of the 593 sequences have a label; it is that of the frame it is named after, the last one. Of
such a sequence two frames are used: that one, and frame 1, which is neutral. The published project
used the labelled one alone. People are split by ``split_by_person``.
"""

from collections import defaultdict
from pathlib import Path

from ..types import Skipped
from .layout import find, name_of, need
from .table import Table, TableBuilder, split_by_person

EXPRESSIONS = ("neutral", "anger", "contempt", "disgust", "fear", "happy", "sad", "surprise")
"""By number, from the ReadMe of the data set."""

_IMAGES, _LABELS, _LABEL = "cohn-kanade-images", "Emotion", "_emotion.txt"


def recognises(folder: Path) -> bool:
    """Whether the folder of the frames is there."""
    return find(folder, _IMAGES) is not None


def read(folder: Path) -> tuple[Table, list[Skipped]]:
    """The peak of each labelled sequence, and its first, neutral frame.

    Frames that have no label are reported by sequence, not one by one.

    Raises:
        InputError: A folder is missing, or no frame has a label.
    """
    pictures, labels = need(folder, _IMAGES), need(folder, _LABELS)
    table = TableBuilder(folder, "expression")
    frames, label_of = _frames(table, pictures), _label_files(table, labels)
    for sequence in sorted(frames.keys() | label_of.keys()):
        used: dict[Path, str] = {}
        if sequence in label_of:
            used = _labelled(table, pictures / sequence, frames[sequence], label_of[sequence])
        unused = len(frames[sequence]) - len(used)
        if unused:
            reason = f"{unused} of its {len(frames[sequence])} frames have no label"
            table.skip(pictures / sequence, reason)
        for path, expression in used.items():
            table.add(path, expression, person=sequence.parts[0])
    table.rows = split_by_person(table.rows)
    return table.build()


def _frames(table: TableBuilder, pictures: Path) -> dict[Path, list[Path]]:
    """Frames by SUBJECT/SEQUENCE."""
    frames: dict[Path, list[Path]] = defaultdict(list)
    for path in table.pictures_under(pictures):
        sequence = path.parent.relative_to(pictures)
        if len(sequence.parts) == 2:
            frames[sequence].append(path)
        else:
            table.skip(path, "is not in a folder SUBJECT/SEQUENCE")
    return frames


def _label_files(table: TableBuilder, labels: Path) -> dict[Path, Path]:
    """The label's file by SUBJECT/SEQUENCE."""
    files: dict[Path, Path] = {}
    for path in sorted(labels.rglob(f"*{_LABEL}")):
        if files.setdefault(path.parent.relative_to(labels), path) != path:
            table.skip(path, "its sequence has another label; that one is used")
    return files


def _labelled(
    table: TableBuilder, sequence: Path, frames: list[Path], label: Path
) -> dict[Path, str]:
    """Expressions of the peak and of frame 1."""
    try:
        code = label.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        table.skip(label, f"cannot be read ({error})", True)
        return {}
    expression = name_of(code, EXPRESSIONS)
    if expression is None:
        table.skip(label, f"holds the unknown label {code[:20]!r}")
        return {}
    name = label.name.removesuffix(_LABEL)
    used = {path: expression for path in frames if path.stem == name}
    if not used:
        table.skip(sequence / f"{name}.png", "no such file, but a label for it", True)
    # never merely the first one that is there: if frame 1 is missing, that one is not neutral
    first = [path for path in frames if path.stem.rpartition("_")[2].lstrip("0") == "1"]
    if first:
        used.setdefault(first[0], "neutral")
    else:
        table.skip(sequence, "its frame 1, the neutral one, is missing", True)
    return used
