"""Whether faces that somebody has marked are covered, and what else is, by the size of both."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..io import images
from ..types import Image
from .arrays import Texts, Values
from .boxes import MarkedPicture, Marks
from .figures import Figure, Missing, Verdict, mean_figures
from .look import change_between, part_of, unchanged_within
from .pairing import Pair

_SIZES_PX = (0, 16, 24, 32, 48, 96, 192)
_LEFT = 0.5  # of the middle of a box unchanged: the face is still there
_CHANGED = 16  # grey levels, more than writing a JPEG anew does
_SPECK_PX, _JOINED_PX = 5, 9
_LEAST_COVER_PX = 12
_FALSE_WARNS = 0.1  # a picture


def face_covered(unchanged: Values) -> Values:
    """Whether a marked face is covered, (F,) 0 or 1: the recall of what finds faces.

    Half or more of the middle of its box has changed by more than 3 grey levels. Range of the mean:
    0 to 1, must be 1. Source: this project.
    """
    return (unchanged <= _LEFT).astype(np.float64)


def false_covers(pictures: Texts, cover_of: Texts) -> Values:
    """How many covers, each of a file (C,), lie where no face is marked, on each of (P,) pictures.

    Regions of 12 px and more that have changed by more than 16 grey levels, touch no box, and whose
    middle lies in no box of twice the size. Range: 0 and up, lower is better. Source: this project.
    """
    covers: Values = (pictures[:, None] == cover_of[None]).sum(1).astype(np.float64)
    return covers


@dataclass(frozen=True)
class Compared:
    """Outputs, compared with the marks.

    Attributes:
        pictures: (P,) files that were compared.
        face_of: (F,) the file of each marked face.
        boxes_xyxy: (F, 4) in pixels.
        covered: (F,) 0 or 1.
        cover_of: (C,) the file of each cover where no face is marked.
        covers_xyxy: (C, 4) in pixels.
        uncompared: How many marked pictures have no output of their size.
    """

    pictures: Texts
    face_of: Texts
    boxes_xyxy: Values
    covered: Values
    cover_of: Texts
    covers_xyxy: Values
    uncompared: int

    def figures(self) -> list[Figure]:
        """Recall and false covers, of all sizes and by size."""
        sizes = size_names(self.boxes_xyxy)
        found = mean_figures(face_covered, "marked faces covered", self.covered, self.face_of,
                             {"face size": sizes}, least=1)  # fmt: skip
        kinds = size_names(self.covers_xyxy)
        by_size = {f"cover size: {kind}": self.cover_of[kinds == kind] for kind in np.unique(kinds)}
        for group, cover_of in {"all": self.cover_of, **by_size}.items():
            counts = false_covers(self.pictures, cover_of)
            (figure,) = mean_figures(false_covers, "false covers a picture", counts, self.pictures,
                                     {})  # fmt: skip
            found.append(replace(figure, group=group))
        return found

    def judged(self) -> tuple[list[Verdict], list[str], tuple[Missing, ...]]:
        """Verdicts, findings, and what is missing."""
        left, pictures = int((self.covered == 0).sum()), len(self.pictures)
        verdicts: list[Verdict] = ["fail"] if left else []
        whole = len(self.covered)
        findings = [
            f"{left} of {whole} marked faces are left as they were."
            if left
            else f"All {whole} marked faces are covered."
        ]
        if len(self.cover_of) > _FALSE_WARNS * pictures:
            verdicts.append("warn")
            where = f"{len(np.unique(self.cover_of))} of {pictures}"
            findings.append(
                f"{len(self.cover_of)} covers lie where no face is marked, in {where} pictures."
            )
        missing = Missing(
            f"{self.uncompared} marked pictures have no output of their size",
            "give whole pictures, as --mode scene makes them, one for each",
        )
        return verdicts, findings, (missing,) if self.uncompared else ()

    def rows(self) -> list[dict[str, object]]:
        """What is wrong where."""
        left = self.covered == 0
        return [
            {"file": str(file), "what": what, "size in px": round(float(size), 1),
             **dict(zip(("left", "top", "right", "bottom"), box.tolist(), strict=True))}
            for what, files, boxes_xyxy in (
                ("face left", self.face_of[left], self.boxes_xyxy[left]),
                ("false cover", self.cover_of, self.covers_xyxy),
            )
            for file, box, size in zip(files, boxes_xyxy, sizes_px(boxes_xyxy), strict=True)
        ]  # fmt: skip


def compare(pairs: Sequence[Pair], marks: Marks, advance: Callable[[], None]) -> Compared:
    """Compare originals and outputs where faces are marked.

    Raises:
        InputError: A picture is of another size than the table says.
    """
    pictures: list[str] = []
    faces: list[tuple[str, Values, float]] = []
    covers: list[tuple[str, Values]] = []
    marked = [pair for pair in pairs if pair.file in marks]
    for pair in marked:
        picture = marks[pair.file]
        if (change := _change(pair, picture)) is not None:
            pictures.append(pair.file)
            for box in picture.boxes_xyxy[~picture.ignored]:
                faces.append((pair.file, box, unchanged_within(change, box)))
            covers += [(pair.file, box) for box in covers_elsewhere(change, picture.boxes_xyxy)]
        advance()
    return Compared(
        np.array(pictures, np.str_),
        np.array([file for file, *_ in faces], np.str_),
        np.array([box for _, box, _ in faces], np.float64).reshape(-1, 4),
        face_covered(np.array([share for *_, share in faces], np.float64)),
        np.array([file for file, _ in covers], np.str_),
        np.array([box for _, box in covers], np.float64).reshape(-1, 4),
        len(marked) - len(pictures),
    )


def _change(pair: Pair, marks: MarkedPicture) -> NDArray[np.int16] | None:
    """See :func:`change_between`; None without an output of the original's size."""
    try:
        sides: list[Image] = [images.read(path).pixels for path in (pair.original, *pair.outputs)]
    except InputError:
        return None  # the families tell of it
    size_wh = sides[0].shape[1::-1]
    if marks.size_wh not in (None, size_wh):
        raise InputError(
            f"{pair.original}: {size_wh[0]}x{size_wh[1]} pixels, in the table of boxes "
            f"{marks.size_wh}; give boxes of the picture as it is shown"
        )
    if len(sides) != 2 or sides[0].shape != sides[1].shape:
        return None
    return change_between(*sides)


def covers_elsewhere(change: NDArray[np.int16], boxes_xyxy: Values) -> list[Values]:
    """Boxes (4,) of regions that have changed where no face is marked.

    Args:
        change: (H, W), see :func:`change_between`.
        boxes_xyxy: (F, 4) of all marked faces.
    """
    speck, joined = (np.ones((side, side), np.uint8) for side in (_SPECK_PX, _JOINED_PX))
    changed = cv2.morphologyEx((change > _CHANGED).astype(np.uint8), cv2.MORPH_OPEN, speck)
    changed = cv2.morphologyEx(changed, cv2.MORPH_CLOSE, joined)
    _, region, stats, middles = cv2.connectedComponentsWithStats(changed)
    centre, half = (
        (boxes_xyxy[:, 2:] + boxes_xyxy[:, :2]) / 2,
        boxes_xyxy[:, 2:] - boxes_xyxy[:, :2],
    )
    touched = {
        int(number)
        for (x, y), (w, h) in zip(centre, half / 2, strict=True)
        for number in np.unique(region[part_of(x, y, w, h)])
    }
    found = []
    for number in set(range(1, len(stats))) - touched:
        left, top, width, height, _ = stats[number]
        near = (np.abs(middles[number] - centre) <= half).all(1).any()
        if min(width, height) >= _LEAST_COVER_PX and not near:
            found.append(np.array([left, top, left + width, top + height], np.float64))
    return found


def sizes_px(boxes_xyxy: Values) -> Values:
    """Root of the area of boxes, (N, 4) -> (N,)."""
    sizes: Values = np.sqrt(np.prod(boxes_xyxy[:, 2:] - boxes_xyxy[:, :2], axis=1))
    return sizes


def size_names(boxes_xyxy: Values) -> Texts:
    """Such as ``24 to 32 px`` of each box, (N, 4) -> (N,)."""
    bounds = itertools.pairwise(_SIZES_PX)
    names = np.array([*(f"{low} to {high} px" for low, high in bounds), f"{_SIZES_PX[-1]} px up"])
    found: Texts = names[np.searchsorted(_SIZES_PX, sizes_px(boxes_xyxy), "right") - 1]
    return found
