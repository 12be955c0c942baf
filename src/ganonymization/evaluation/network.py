"""Expressions read by a network that ``ganonymize classify train`` has made."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ..io import images
from ..types import Image
from . import appearance
from .arrays import Texts, Values
from .expression_classifier import Classify
from .observations import PairedObservations

_BATCH = 32

Network = Callable[[Sequence[Image]], Values]
"""From N pictures, (H, W, 3) uint8 RGB, to probabilities (N, classes)."""


def by_network(classes: Sequence[str], network: Network) -> Classify:
    """Ask a network about levelled crops of originals and outputs.

    It must not have learnt from the pictures that are evaluated.
    """

    def read(paths: Texts, landmarks_px: Values) -> Values:
        """(N, classes), NaN where there is no face."""
        found = np.full((len(paths), len(classes)), np.nan)
        there = np.flatnonzero(np.isfinite(landmarks_px[:, 0, 0]))
        for start in range(0, len(there), _BATCH):
            rows = there[start : start + _BATCH]
            pictures = ((i, images.read(Path(paths[i])).pixels) for i in rows)
            found[rows] = network(
                [appearance.face_crop(pixels, landmarks_px[i]) for i, pixels in pictures]
            )
        return found

    def classify(pairs: PairedObservations) -> tuple[list[str], Values, Values]:
        before = read(pairs.original, pairs.before.landmarks_px)
        return list(classes), before, read(pairs.output, pairs.after.landmarks_px)

    return classify
