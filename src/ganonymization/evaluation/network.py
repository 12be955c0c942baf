"""Expressions read by a network that ``ganonymize classify train`` has made."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from ..io import images
from ..types import Image
from . import appearance
from .arrays import Texts, Values
from .expression_classifier import Classify
from .observations import PairedObservations

_BATCH = 32


class PictureClassifier(Protocol):
    """A trained classifier."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        ...

    def __call__(self, pictures: Sequence[Image], /) -> Values:
        """Probabilities (N, classes) of N pictures, (H, W, 3) uint8 RGB."""
        ...


def by_network(network: PictureClassifier) -> Classify:
    """Ask a network about levelled crops of originals and outputs.

    It must not have learnt from the pictures that are evaluated.
    """

    def classify(pairs: PairedObservations) -> tuple[list[str], Values, Values]:
        before = _probabilities(network, pairs.original, pairs.before.landmarks_px)
        after = _probabilities(network, pairs.output, pairs.after.landmarks_px)
        return list(network.classes), before, after

    return classify


def _probabilities(network: PictureClassifier, paths: Texts, landmarks_px: Values) -> Values:
    """(N, classes), NaN where there is no face."""
    found = np.full((len(paths), len(network.classes)), np.nan)
    there = np.flatnonzero(np.isfinite(landmarks_px[:, 0, 0]))
    for start in range(0, len(there), _BATCH):
        rows = there[start : start + _BATCH]
        crops = [
            appearance.face_crop(images.read(Path(paths[i])).pixels, landmarks_px[i]) for i in rows
        ]
        found[rows] = network(crops)
    return found
