"""Replace every face in a picture by nobody's face, and keep the expression.

from ganonymization import Anonymizer
anonymizer = Anonymizer()
result = anonymizer(image)  # RGB uint8 (H, W, 3)
"""

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
    from .detect.base import DetectorOptions
    from .pipeline import Anonymizer
    from .types import Face, Result
    from .video.frames import anonymize_frames

__version__ = "0.1.0"

# ONNX Runtime tells its makers how it is used, unless it is told not to before its import.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__all__ = [
    "Anonymizer",
    "DetectorOptions",
    "Face",
    "FaceError",
    "FaceNotRedrawnError",
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
    "anonymize_frames",
]

_LAZY = {
    "Anonymizer": "pipeline",
    "DetectorOptions": "detect.base",
    "Face": "types",
    "Result": "types",
    "anonymize_frames": "video.frames",
}


def __getattr__(name: str) -> Any:
    """Import what is heavy when it is first used."""
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(f".{_LAZY[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
