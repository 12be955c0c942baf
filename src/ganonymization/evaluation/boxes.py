"""Faces that somebody has marked, read from a table of boxes."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..io.text import read_json
from ..types import Skipped
from ..video.detections_json import read_boxes
from .arrays import Flags, Values

_FACE = "face"


@dataclass(frozen=True)
class MarkedPicture:
    """The faces on one picture.

    Attributes:
        boxes_xyxy: (F, 4) in pixels.
        ignored: (F,) neither to be covered nor to be left, such as COCO's crowds.
        size_wh: Of the picture by the table, or None where it does not say.
    """

    boxes_xyxy: Values
    ignored: Flags
    size_wh: tuple[int, int] | None = None


Marks = dict[str, MarkedPicture]


def read_marks(path: Path, files: Sequence[str]) -> tuple[Marks, list[Skipped]]:
    """The marked pictures by name, and rows of pictures that are not there.

    Args:
        path: COCO detections, or what ``--export-boxes`` writes, whose frames are the pictures in
            the order of their names.
        files: The pictures, relative to their folder.

    Raises:
        UnreadableError: The table cannot be read.
        InputError: It is of another form, or tells of none of the pictures.
    """
    content = read_json(path)
    if not isinstance(content, dict) or "annotations" not in content:
        return _of_frames(path, files), []
    try:
        marked = _of_coco(content)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not COCO's detections ({error!r})") from error
    known = set(files)
    there = {name: marks for name, marks in marked.items() if name in known}
    if not there:
        raise InputError(f"{path}: none of its file_name is the name of an original")
    reason = f"in {path.name}, but not among the originals"
    return there, [Skipped(Path(name), reason, False) for name in marked if name not in there]


def _of_frames(path: Path, files: Sequence[str]) -> Marks:
    frames = read_boxes(path)
    if len(frames) != len(files):
        raise InputError(
            f"{path}: {len(frames)} frames for {len(files)} pictures; give one for each picture, "
            "in the order of their names, or COCO's detections"
        )
    return {
        file: _marked([(detection.box_xyxy, False) for detection in frame])
        for file, frame in zip(sorted(files), frames, strict=True)
    }


def _of_coco(content: dict[str, Any]) -> Marks:
    """By ``file_name``; of several categories the one named face."""
    names = {each["id"]: each.get("name") for each in content.get("categories", ())}
    used = {each["category_id"] for each in content["annotations"] if "category_id" in each}
    faces = {number for number in used if names.get(number) == _FACE} or used
    if len(faces) > 1:
        raise ValueError(f"several categories, none named {_FACE!r}")
    rows = defaultdict[object, list[tuple[Sequence[float], bool]]](list)
    for each in content["annotations"]:
        if not faces or each["category_id"] in faces:
            left, top, width, height = map(float, each["bbox"])
            if not (width > 0 and height > 0 and np.isfinite([left, top, width, height]).all()):
                raise ValueError(f"bbox {each['bbox']}")
            box = (left, top, left + width, top + height)
            rows[each["image_id"]].append((box, bool(each.get("iscrowd") or each.get("ignore"))))
    marked = {}
    for image in content["images"]:
        size = (int(image["width"]), int(image["height"])) if "width" in image else None
        marked[str(image["file_name"])] = _marked(rows.pop(image["id"], []), size)
    if rows:
        raise ValueError(f"annotations of images that are not listed: {list(rows)[:3]}")
    return marked


def _marked(
    rows: Sequence[tuple[Sequence[float], bool]], size_wh: tuple[int, int] | None = None
) -> MarkedPicture:
    boxes_xyxy = np.array([box for box, _ in rows], np.float64).reshape(-1, 4)
    return MarkedPicture(boxes_xyxy, np.array([ignored for _, ignored in rows], bool), size_wh)
