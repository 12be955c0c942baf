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
from .layout import find, name_of, need, pictures_under
from .table import Row, Table, build, split_by_person

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
    frames, left_out = _frames(pictures)
    label_of, problems = _label_files(labels)
    left_out += problems
    rows = []
    for sequence in sorted(frames.keys() | label_of.keys()):
        used: dict[Path, str] = {}
        if sequence in label_of:
            used, problems = _labelled(pictures / sequence, frames[sequence], label_of[sequence])
            left_out += problems
        unused = len(frames[sequence]) - len(used)
        if unused:
            reason = f"{unused} of its {len(frames[sequence])} frames have no label"
            left_out.append(Skipped(pictures / sequence, reason, False))
        for path, expression in used.items():
            file = path.relative_to(folder).as_posix()
            rows.append(Row(file, (expression,), person=sequence.parts[0]))
    return build(folder, ["expression"], split_by_person(rows), left_out)


def _frames(pictures: Path) -> tuple[dict[Path, list[Path]], list[Skipped]]:
    """Frames by SUBJECT/SEQUENCE."""
    frames: dict[Path, list[Path]] = defaultdict(list)
    found, left_out = pictures_under(pictures)
    for path in found:
        sequence = path.parent.relative_to(pictures)
        if len(sequence.parts) == 2:
            frames[sequence].append(path)
        else:
            left_out.append(Skipped(path, "is not in a folder SUBJECT/SEQUENCE", False))
    return frames, left_out


def _label_files(labels: Path) -> tuple[dict[Path, Path], list[Skipped]]:
    """The label's file by SUBJECT/SEQUENCE."""
    files: dict[Path, Path] = {}
    again = []
    for path in sorted(labels.rglob(f"*{_LABEL}")):
        sequence = path.parent.relative_to(labels)
        if files.setdefault(sequence, path) != path:
            again.append(Skipped(path, "its sequence has another label; that one is used", False))
    return files, again


def _labelled(
    sequence: Path, frames: list[Path], label: Path
) -> tuple[dict[Path, str], list[Skipped]]:
    """Expressions of the peak and of frame 1."""
    try:
        code = label.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        return {}, [Skipped(label, f"cannot be read ({error})", True)]
    expression = name_of(code, EXPRESSIONS)
    if expression is None:
        return {}, [Skipped(label, f"holds the unknown label {code[:20]!r}", False)]
    used, left_out = {}, []
    name = label.name.removesuffix(_LABEL)
    peaks = [path for path in frames if path.stem == name]
    if peaks:
        used[peaks[0]] = expression
    else:
        left_out.append(Skipped(sequence / f"{name}.png", "no such file, but a label for it", True))
    # never merely the first one that is there: if frame 1 is missing, that one is not neutral
    first = [path for path in frames if path.stem.rpartition("_")[2].lstrip("0") == "1"]
    if first:
        used.setdefault(first[0], "neutral")
    else:
        left_out.append(Skipped(sequence, "its frame 1, the neutral one, is missing", True))
    return used, left_out
