"""Replace every face in pictures and videos by nobody's face, and keep the expression.

A picture, whatever it comes in: a path, bytes, a Pillow image, an array, a tensor, or a list of
these. ``result.image`` is of the same kind.

    >>> import ganonymization
    >>> result = ganonymization.anonymize("portrait.jpg", seed=7)
    >>> result
    <Result: 1 of 1 faces redrawn, 512 x 512>
    >>> result.save("out.jpg")
    [PosixPath('out.jpg')]

Many pictures: load the models once.

    >>> from ganonymization import Anonymizer
    >>> anonymizer = Anonymizer(privacy="high")
    >>> [face.outcome for face in anonymizer("portrait.jpg").faces]
    ['synthesized']

OpenCV's order of colours, channels first, heads on black:

    >>> result = anonymizer(picture[..., ::-1], color="bgr")
    >>> result = anonymizer(picture.transpose(2, 0, 1), layout="chw")
    >>> heads = anonymizer.using(mode="portrait")(picture).portraits

Videos and folders, and what the commands report of them:

    >>> ganonymization.anonymize_video("clip.mp4", "out.mp4").frames
    3
    >>> ganonymization.anonymize_folder("photos", "anonymized").counts
    {'done': 1}

Whatever is raised on purpose is a ``GanonymizationError``. The library prints nothing; what it has
to say is told to the ``logging`` logger ``ganonymization``. The commands: ``ganonymize --help``.
"""

import logging
import os
from typing import TYPE_CHECKING, Any

from .errors import (
    FaceError,
    FaceNotRedrawnError,
    GanonymizationError,
    InputError,
    LandmarksError,
    MissingExtraError,
    ModelError,
    NoFaceError,
    OptionError,
    OutputError,
    SynthesisError,
    UnreadableError,
)

if TYPE_CHECKING:
    from .batch.report import FolderReport
    from .client import Client
    from .detect.base import DetectorOptions
    from .pipeline import Anonymizer
    from .result import Result
    from .shortcuts import anonymize, anonymize_folder, anonymize_video
    from .types import Face
    from .video.frames import anonymize_frames
    from .video.report import VideoReport

__version__ = "0.1.0"

# ONNX Runtime tells its makers how it is used, unless it is told not to before its import.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
logging.getLogger(__name__).addHandler(logging.NullHandler())  # silent unless it is asked for

__all__ = [
    "Anonymizer",
    "Client",
    "DetectorOptions",
    "Face",
    "FaceError",
    "FaceNotRedrawnError",
    "FolderReport",
    "GanonymizationError",
    "InputError",
    "LandmarksError",
    "MissingExtraError",
    "ModelError",
    "NoFaceError",
    "OptionError",
    "OutputError",
    "Result",
    "SynthesisError",
    "UnreadableError",
    "VideoReport",
    "anonymize",
    "anonymize_folder",
    "anonymize_frames",
    "anonymize_video",
]

_LAZY = {
    "Anonymizer": "pipeline",
    "Client": "client",
    "DetectorOptions": "detect.base",
    "Face": "types",
    "FolderReport": "batch.report",
    "Result": "result",
    "VideoReport": "video.report",
    "anonymize": "shortcuts",
    "anonymize_folder": "shortcuts",
    "anonymize_frames": "video.frames",
    "anonymize_video": "shortcuts",
}


def __getattr__(name: str) -> Any:
    """Import what is heavy when it is first used."""
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(f".{_LAZY[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """What is lazy, too, so that ``help`` shows it."""
    return sorted({*globals(), *__all__})
