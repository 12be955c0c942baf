"""The words that options take, in the library and on the command line."""

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


def check_choice(value: str | None, choices: Any) -> None:
    """Refuse a word that a ``Literal`` above does not list.

    Raises:
        OptionError: The message lists the words there are.
    """
    if value not in get_args(choices):
        raise OptionError(f"{value!r} is none of {', '.join(get_args(choices))}")
