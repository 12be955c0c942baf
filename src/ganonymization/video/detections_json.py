"""Detections of a video's faces as a JSON file, handed on or taken from elsewhere.

{"frames": [[{"box_xyxy": [x1, y1, x2, y2], "score": 0.9, "track": 0}, ...], ...]}, one list a frame
in the order shown; score and track may be missing.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..io.text import read_json, write_text
from ..types import Detection

_LARGEST = 1e9  # pixels; NaN and infinity are not below it
Frames = list[list[Detection]]


def read_boxes(path: Path) -> Frames:
    """The detections in a file.

    Raises:
        UnreadableError: The file cannot be read.
        InputError: It is of another form; the message names the frame.
    """
    content = read_json(path)
    frames = content.get("frames") if isinstance(content, dict) else None
    if not isinstance(frames, list):
        raise InputError(f'{path}: has no list "frames"', "`export_boxes` shows the form")
    return [
        [_detection(face, f"{path}: frame {number}") for face in _faces(faces, path, number)]
        for number, faces in enumerate(frames)
    ]


def _faces(faces: Any, path: Path, number: int) -> list[Any]:
    if not isinstance(faces, list):
        raise InputError(f"{path}: frame {number}: not a list of faces")
    return faces


def _detection(face: Any, place: str) -> Detection:
    box = face.get("box_xyxy") if isinstance(face, dict) else None
    score = face.get("score", 1.0) if isinstance(face, dict) else None
    numbers = [*box, score] if isinstance(box, list) else []
    if len(numbers) != 5 or not all(_is_number(n) for n in numbers):
        raise InputError(f'{place}: a face needs "box_xyxy" with four numbers')
    x1, y1, x2, y2, sure = (float(n) for n in numbers)
    if x1 >= x2 or y1 >= y2:
        raise InputError(f"{place}: a box needs x1 < x2 and y1 < y2")
    return Detection((x1, y1, x2, y2), sure)


def _is_number(value: Any) -> bool:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return known and abs(value) < _LARGEST


def write_boxes(path: Path, frames: Sequence[Sequence[tuple[int, Detection]]]) -> None:
    """Hand detections on.

    Args:
        path: The file to write.
        frames: For each frame its faces: number of the track, detection.

    Raises:
        OutputError: It cannot be written.
    """
    content = {
        "frames": [
            [
                {
                    "box_xyxy": [round(v, 2) for v in detection.box_xyxy],
                    "score": round(detection.score, 4),
                    "track": track,
                }
                for track, detection in faces
            ]
            for faces in frames
        ]
    }
    write_text(path, json.dumps(content))
