"""Faces that somebody has marked, read from a table of boxes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, UnreadableError
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
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnreadableError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON ({error})") from error
    if not isinstance(content, dict) or "annotations" not in content:
        return _of_frames(path, files), []
    try:
        marked = _of_coco(content)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not COCO's detections ({error!r})") from error
    there, strays = {}, []
    for name, marks in marked.items():
        if name in files:
            there[name] = marks
        else:
            strays.append(
                Skipped(Path(name), f"in {path.name}, but not among the originals", False)
            )
    if not there:
        raise InputError(f"{path}: none of its file_name is the name of an original")
    return there, strays


def _of_frames(path: Path, files: Sequence[str]) -> Marks:
    frames = read_boxes(path)
    if len(frames) != len(files):
        raise InputError(
            f"{path}: {len(frames)} frames for {len(files)} pictures; give one for each picture, "
            "in the order of their names, or COCO's detections"
        )
    return {
        file: _marked([detection.box_xyxy for detection in frame])
        for file, frame in zip(sorted(files), frames, strict=True)
    }


def _of_coco(content: dict[str, Any]) -> Marks:
    """By ``file_name``; of several categories the one named face."""
    names = {each["id"]: each.get("name") for each in content.get("categories", ())}
    used = {each["category_id"] for each in content["annotations"] if "category_id" in each}
    faces = {number for number in used if names.get(number) == _FACE} or used
    if len(faces) > 1:
        raise ValueError(f"several categories, none named {_FACE!r}")
    rows: dict[object, list[tuple[list[float], bool]]] = {}
    for each in content["annotations"]:
        if not faces or each["category_id"] in faces:
            left, top, width, height = map(float, each["bbox"])
            if not (width > 0 and height > 0 and np.isfinite([left, top, width, height]).all()):
                raise ValueError(f"bbox {each['bbox']}")
            ignored = bool(each.get("iscrowd") or each.get("ignore"))
            box = [left, top, left + width, top + height]
            rows.setdefault(each["image_id"], []).append((box, ignored))
    marked = {}
    for image in content["images"]:
        own = rows.pop(image["id"], [])
        size = (int(image["width"]), int(image["height"])) if "width" in image else None
        marked[str(image["file_name"])] = _marked(
            [box for box, _ in own], [ignored for _, ignored in own], size
        )
    if rows:
        raise ValueError(f"annotations of images that are not listed: {list(rows)[:3]}")
    return marked


def _marked(
    boxes: Sequence[Sequence[float]],
    ignored: Sequence[bool] | None = None,
    size_wh: tuple[int, int] | None = None,
) -> MarkedPicture:
    values = np.array(boxes, np.float64).reshape(-1, 4)
    crowd = np.zeros(len(values), bool) if ignored is None else np.array(ignored, bool)
    return MarkedPicture(values, crowd, size_wh)
