"""Decoded frames as they are meant to be seen: colours, orientation, size."""

from collections.abc import Callable
from typing import Any, TypeVar

import av
import cv2
import numpy as np
from av.video.reformatter import Colorspace, VideoReformatter
from numpy.typing import NDArray

from ..types import Image

Pixel = TypeVar("Pixel", np.uint8, np.uint16)

_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
_BT601 = (5, 6)  # BT.470BG and SMPTE 170M, as H.273 counts
_BT709 = 1
_BT2020 = (9, 10)
_HD_ROWS = 576  # more rows are coded by BT.709, unless the file says otherwise
_BEHIND = 255  # what shows through transparent pixels


def decoder_of(stream: Any) -> Callable[[Any], list[Any]]:
    """What decodes a stream's packets. FFmpeg's own forgets what is transparent in VP8 and VP9."""
    library = _ALPHA_DECODERS.get(stream.codec_context.name)
    if library is None or stream.metadata.get("alpha_mode") != "1":
        return lambda packet: list(packet.decode())
    context: Any = av.CodecContext.create(library, "r")
    context.extradata = stream.codec_context.extradata
    context.options = stream.codec_context.options
    return lambda packet: list(context.decode(packet if packet.size else None))


class Turn:
    """One of the eight orientations: perhaps transposed, then perhaps mirrored.

    Args:
        matrix: FFmpeg's display matrix, nine 32-bit integers in bytes, or None for none. A stored
            pixel (x, y) is shown at (a x + c y, b x + d y); the nearest orientation is taken.
    """

    def __init__(self, matrix: bytes | None) -> None:
        self._transposed = self._mirrored = self._upside_down = False
        if matrix is None or len(matrix) < 36:
            return
        a, b, _, c, d = (int(value) for value in np.frombuffer(matrix, np.int32, 5))
        self._transposed = abs(b) + abs(c) > abs(a) + abs(d)
        to_x, to_y = (c, b) if self._transposed else (a, d)
        self._mirrored, self._upside_down = to_x < 0, to_y < 0

    @property
    def swaps_sides(self) -> bool:
        """Whether width becomes height."""
        return self._transposed

    def __call__(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Pixels, (H, W, C), as they are shown."""
        turned = pixels.swapaxes(0, 1) if self._transposed else pixels
        turned = turned[:, ::-1] if self._mirrored else turned
        return np.ascontiguousarray(turned[::-1] if self._upside_down else turned)


def side_data(frame: Any, name: str) -> bytes | None:
    """What a decoded frame carries beside its pixels, by PyAV's name of the kind.

    PyAV gives none of it where one kind is newer than it knows, as EXIF in Motion JPEG.
    """
    try:
        held = frame.side_data.get(name)
    except ValueError:
        return None
    return None if held is None else bytes(held)


def turn_of(frame: Any) -> Turn:
    """How a decoded frame is to be turned, by what the file or the frame itself says."""
    matrix = side_data(frame, "DISPLAYMATRIX")
    if matrix is None and frame.rotation:  # told even where PyAV gives no matrix
        angle = np.radians(frame.rotation)
        cos, sin = (round(65536 * float(part)) for part in (np.cos(angle), np.sin(angle)))
        matrix = np.array([cos, -sin, 0, sin, cos, 0, 0, 0, 1 << 30], np.int32).tobytes()
    return Turn(matrix)


def has_alpha(frame: Any) -> bool:
    """Whether pixels of a decoded frame may be transparent."""
    return any(component.is_alpha for component in frame.format.components)


def rgb(frame: Any, reformatter: VideoReformatter) -> Image:
    """A decoded frame as (H, W, 3) uint8 RGB, not yet turned; transparent pixels become white."""
    colours = colourspace(frame.colorspace, frame.height)
    kind = "rgba" if has_alpha(frame) else "rgb24"
    shown = reformatter.reformat(frame, format=kind, src_colorspace=colours, dst_colorspace=colours)
    pixels = shown.to_ndarray()
    if kind == "rgba":
        alpha = pixels[..., 3:].astype(np.uint16)
        mixed = (pixels[..., :3] * alpha + _BEHIND * (255 - alpha) + 127) // 255
        pixels = mixed.astype(np.uint8)
    return np.asarray(pixels, np.uint8)


def fitted(image: NDArray[Pixel], size_wh: tuple[int, int]) -> NDArray[Pixel]:
    """A picture of another size, whole within this one; black lies around it."""
    height, width = image.shape[:2]
    if (width, height) == size_wh:
        return image
    scale = min(size_wh[0] / width, size_wh[1] / height)
    inner = max(1, round(width * scale)), max(1, round(height * scale))
    small: Any = cv2.resize(
        image, inner, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    )
    whole = np.zeros((size_wh[1], size_wh[0], 3), image.dtype)
    left, top = (size_wh[0] - inner[0]) // 2, (size_wh[1] - inner[1]) // 2
    whole[top : top + inner[1], left : left + inner[0]] = small
    return whole


def colourspace(told: Any, rows: int) -> Colorspace:
    """How colours are coded, by what a file says or else by its size."""
    code = None if told is None else int(told)
    if code in _BT601:
        return Colorspace.ITU601
    if code in _BT2020:
        return Colorspace.BT2020
    if code == _BT709:
        return Colorspace.ITU709
    return Colorspace.ITU709 if rows > _HD_ROWS else Colorspace.ITU601
