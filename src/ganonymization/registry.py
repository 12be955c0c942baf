"""Names of exchangeable stages; what a name stands for is imported on first use."""

from importlib import import_module
from typing import Any

from .errors import OptionError

DETECTORS = {
    "centerface": "ganonymization.detect.finder:Finder",
    "blazeface": "ganonymization.detect.blazeface:BlazeFace",
}
LANDMARKERS = {"facemesh": "ganonymization.landmarks.facemesh:FaceMesh"}
SYNTHESIZERS = {"file": "ganonymization.synthesize.load:load"}
FILLS = {
    "solid": "ganonymization.synthesize.fill:solid",
    "blur": "ganonymization.synthesize.fill:blur",
    "pixelate": "ganonymization.synthesize.fill:pixelate",
}


def load(table: dict[str, str], name: str) -> Any:
    """What ``name`` stands for in one of the tables above.

    Raises:
        OptionError: The table has no such name; the message lists those it has.
    """
    if name not in table:
        raise OptionError(f"{name!r} is not known here; choose one of {', '.join(table)}")
    module, _, attribute = table[name].partition(":")
    return getattr(import_module(module), attribute)
