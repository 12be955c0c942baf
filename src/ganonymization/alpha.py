"""Faces that alpha shows: one may be drawn in it over a plain colour."""

from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .io.images import Picture
from .types import Box, Detection, Image, Mask


class Detects(Protocol):
    """Finds faces; an anonymizer does."""

    def detect(self, image: Image) -> list[Detection]:
        """Faces in a picture, (H, W, 3) uint8 RGB; largest first."""
        ...


def boxes_by_alpha(finder: Detects, picture: Picture) -> list[Box]:
    """Boxes of faces as alpha shows them.

    Looked at are the picture over white and over black, and alpha itself, both ways.
    """
    alpha = picture.alpha
    if alpha is None or alpha.min() == alpha.max():
        return []
    own = alpha[..., None].astype(np.uint16)
    found = finder.detect(_over(picture.pixels, own, 0))  # each look takes much memory
    found += finder.detect(_over(picture.pixels, own, 255))
    for grey in (alpha, 255 - alpha):
        found += finder.detect(np.repeat(grey[..., None], 3, 2))
    return [detection.box_xyxy for detection in found]


def _over(pixels: Image, alpha: NDArray[np.uint16], behind: int) -> Image:
    """Pixels over a plain grey, by (H, W, 1) alpha."""
    return ((pixels * alpha + behind * (255 - alpha)) // 255).astype(np.uint8)


def without_faces(picture: Picture, pixels: Image, composite_mask: Mask) -> Picture:
    """New pixels, opaque where faces were: alpha may show the outline of a face, or all of it."""
    alpha = picture.alpha
    if alpha is not None:
        alpha = np.where(composite_mask, np.uint8(255), alpha)
    return replace(picture, pixels=pixels, alpha=alpha)
