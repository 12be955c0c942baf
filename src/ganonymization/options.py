"""The words that options take, in the library and on the command line."""

import math
from typing import Any, Literal, get_args

from .errors import OptionError

Mode = Literal["scene", "portrait"]
DetectorName = Literal["centerface", "blazeface"]
OnFailure = Literal["solid", "blur", "pixelate", "error"]
OnNoFace = Literal["copy", "skip", "error"]
Privacy = Literal["balanced", "high"]
Engine = Literal["processes", "threads", "ray"]
ExportPrecision = Literal["fp32", "fp16", "int8"]
Device = Literal["cpu", "cuda"]
Sex = Literal["female", "male"]
Layout = Literal["hwc", "chw"]
Color = Literal["rgb", "bgr"]
Skin = Literal["light", "medium", "dark"]


def added_box(text: str) -> tuple[float, float, float, float]:
    """``x,y,w,h`` in pixels of the upright picture as left, top, right, bottom.

    Raises:
        OptionError: It is of another form.
    """
    parts = text.split(",")
    try:
        left, top, width, height = (float(part) for part in parts)
    except ValueError:
        left = top = width = height = math.nan
    if not (width > 0 and height > 0 and all(map(math.isfinite, (left, top, width, height)))):
        raise OptionError(f"the box {text[:40]!r} is not x,y,w,h in pixels, as in 120,80,64,64")
    return left, top, left + width, top + height


def check_choice(value: str | None, choices: Any) -> None:
    """Refuse a word that a ``Literal`` above does not list.

    Raises:
        OptionError: The message lists the words there are.
    """
    if value not in get_args(choices):
        raise OptionError(f"{value!r} is none of {', '.join(get_args(choices))}")
