"""CenterFace on ONNX Runtime.

Xu et al., "CenterFace: joint face detection and alignment using face as point", 2020.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from .. import onnx_session
from ..types import Detection, Image
from .base import DetectorOptions, large_enough, merge

_STRIDE_PX = 4  # of the heat map
MULTIPLE_PX = 32  # the network's input sides
_MAX_SIDE_PX = 1600
_LARGE_PIXELS = (
    300_000  # of an input whose memory is not kept: more than a look at a whole picture takes
)
DEFAULT_MIN_SCORE = 0.2


class CenterFace:
    """Finds faces down to about 12 pixels. May be shared by threads.

    Args:
        options: See :class:`DetectorOptions`; the default threshold is 0.2.

    Raises:
        ModelError: The file is missing or damaged; reinstall the package.
        OptionError: The device does not work here; the message has the remedy.
    """

    def __init__(self, options: DetectorOptions | None = None) -> None:
        self._options = options or DetectorOptions()
        device = self._options.device or "cpu"
        self._session = onnx_session.open_shipped(
            "centerface", self._options.threads, device, any_size=True
        )
        self._giving_back = onnx_session.giving_back(device)

    def __call__(self, image: Image) -> list[Detection]:
        """Every face in an RGB uint8 (H, W, 3) picture, in one look at all of it."""
        longest = self._options.max_side_px or _MAX_SIDE_PX
        shrink = min(1.0, longest / max(image.shape[:2]))
        least = self._options.min_score
        found = self.peaks(image, shrink, DEFAULT_MIN_SCORE if least is None else least)
        return merge(large_enough(found, self._options.min_face_px))

    def peaks(self, image: Image, scale: float, min_score: float) -> list[Detection]:
        """What the network sees in one look, several boxes a face among it.

        Args:
            image: (H, W, 3) uint8 RGB.
            scale: Network's pixels per picture pixel.
            min_score: Fainter peaks are dropped.
        """
        h, w = image.shape[:2]
        size_wh = [max(MULTIPLE_PX, round(s * scale)) for s in (w, h)]
        size_wh = [-(-s // MULTIPLE_PX) * MULTIPLE_PX for s in size_wh]
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        resized = cv2.resize(image, size_wh, interpolation=method)
        # The network was trained on BGR, 0 to 255.
        blob = np.ascontiguousarray(resized[:, :, ::-1].transpose(2, 0, 1)[None], np.float32)
        name = self._session.get_inputs()[0].name
        after = self._giving_back if size_wh[0] * size_wh[1] > _LARGE_PIXELS else None
        heat, log_size, offset, points = self._session.run(None, {name: blob}, after)
        return _decode(
            heat[0, 0], log_size[0], offset[0], points[0], min_score,
            np.array([w / size_wh[0], h / size_wh[1]]),
        )  # fmt: skip


def _decode(
    heat: NDArray[np.float32],
    scale: NDArray[np.float32],
    offset: NDArray[np.float32],
    points: NDArray[np.float32],
    min_score: float,
    image_from_input: NDArray[np.float64],
) -> list[Detection]:
    """Boxes and eyes from the heads' outputs, in picture pixels.

    Args:
        heat: (h, w) scores.
        scale: (2, h, w) log of height and width in strides.
        offset: (2, h, w) of the centre in strides, y first.
        points: (10, h, w) five points, y first, as shares of the box.
        min_score: Cells below hold no face; of the others the local maxima are taken.
        image_from_input: Picture pixels per input pixel, x and y.
    """
    found = []
    peaks = (heat > min_score) & (heat >= cv2.dilate(heat, np.ones((3, 3), np.uint8)))
    for row, column in zip(*np.where(peaks), strict=True):
        height, width = np.exp(scale[:, row, column]) * _STRIDE_PX
        y = (row + offset[0, row, column] + 0.5) * _STRIDE_PX
        x = (column + offset[1, row, column] + 0.5) * _STRIDE_PX
        left, top = x - width / 2, y - height / 2
        corners = np.array([[left, top], [left + width, top + height]]) * image_from_input
        shares = points[:4, row, column].reshape(2, 2)
        eyes = np.stack([left + shares[:, 1] * width, top + shares[:, 0] * height], 1)
        (x0, y0), (x1, y1) = (eyes * image_from_input).tolist()
        left, top, right, bottom = corners.ravel().tolist()
        box = left, top, right, bottom
        found.append(Detection(box, float(heat[row, column]), ((x0, y0), (x1, y1))))
    return found
