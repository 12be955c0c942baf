"""Pictures as people hand them over, read as RGB and given back in their own kind."""

import io
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageOps

from .errors import InputError, OptionError
from .io import images
from .io.beside import Beside
from .io.decoding import decoded
from .options import Color, Layout, check_choice
from .result import Result, composed
from .types import Face, Image, Mask

_CHANNELS = (1, 2, 3, 4)
_BLUISH = 12.0  # levels of 255
_DEPTHS = (8, 10, 12, 14, 16)


@dataclass(frozen=True)
class Given:
    """A picture that was handed over.

    Attributes:
        picture: As it was read.
        back: Makes what was handed over of a picture: of the whole one, where the mask is, or of a
            head, without mask.
        name: Of its file, or empty.
        source: Its file, or None.
        may_be_bgr: Nobody but the caller knows the order of its colours.
    """

    picture: images.Picture
    back: Callable[[images.Picture, Mask | None], Any]
    name: str = ""
    source: Path | None = None
    may_be_bgr: bool = False

    def result(self, found: Result[Image]) -> Result[Any]:
        """What was found, in the kind that was handed over."""
        shown = composed(self.picture, found)
        mask = None if found.image is None else found.composite_mask
        made = tuple(self.back(each, mask) for each in shown)
        return replace(
            found, image=None if mask is None else made[0],
            portraits=made if mask is None else (), dropped=self.picture.dropped,
            pictures=tuple(shown), source=self.source,
        )  # fmt: skip


def several(picture: Any) -> Sequence[Any] | None:
    """The pictures of a list, a tuple, or a batch of four axes; None of a single picture."""
    if isinstance(picture, list | tuple):
        return picture
    return list(picture) if getattr(picture, "ndim", 0) == 4 else None


def names_of(pictures: Sequence[Any]) -> list[str]:
    """A name for each picture of a list, so that nobody gets one face twice: of files their own."""
    names = [Path(each).name if isinstance(each, str | Path) else str(i)
             for i, each in enumerate(pictures)]  # fmt: skip
    times = Counter(names)
    return [
        os.fspath(each) if isinstance(each, str | Path) and times[name] > 1 else name
        for each, name in zip(pictures, names, strict=True)
    ]


def is_bluish(image: Image, faces: Sequence[Face]) -> bool:
    """Whether faces are clearly bluer than red, which skin is in no usual light."""
    excess = []
    for face in faces:
        left, top, right, bottom = (max(0, round(edge)) for edge in face.box_xyxy)
        red, _, blue = image[top:bottom, left:right].reshape(-1, 3).mean(0)
        excess.append(blue - red)
    return bool(excess) and min(excess) > _BLUISH


def taken(picture: Any, layout: Layout = "hwc", color: Color = "rgb") -> Given:
    """Read what was handed over; it is not changed.

    Args:
        picture: A path; the bytes of a picture file; a Pillow image; an array or a torch tensor,
            (H, W), (H, W, 1) grey, (H, W, 2) with alpha, (H, W, 3) or (H, W, 4), uint8, uint16, or
            floating-point from 0 to 1.
        layout: ``"chw"`` of arrays whose channels come first.
        color: ``"bgr"`` of arrays as OpenCV has them.

    Raises:
        InputError: It is none of these.
        OptionError: An unknown word, or one for arrays with something else.
        UnreadableError: The file cannot be read.
    """
    check_choice(layout, Layout)
    check_choice(color, Color)
    is_tensor = hasattr(picture, "detach") and hasattr(picture, "cpu")
    if isinstance(picture, np.ndarray) or is_tensor:
        return _of_tensor(picture, layout, color) if is_tensor else _of_array(
            picture, layout, color
        )  # fmt: skip
    if (layout, color) != ("hwc", "rgb"):
        raise OptionError(f"{layout}, {color}: `layout` and `color` are for arrays; leave them out")
    if isinstance(picture, str | os.PathLike):
        path = Path(picture)
        return Given(images.read(path), lambda made, _: made.pixels, path.name, path)
    if isinstance(picture, bytes | bytearray | memoryview):
        return _of_bytes(bytes(picture))
    if isinstance(picture, Pillow.Image):
        upright = ImageOps.exif_transpose(picture)
        return Given(decoded(upright, Beside()), lambda made, _: images.for_pillow(made))
    raise InputError(
        f"a picture must be a path, bytes, a Pillow image, an array or a tensor; "
        f"this is {type(picture).__name__}: convert it"
    )


def _of_bytes(content: bytes) -> Given:
    picture = images.decode(io.BytesIO(content), "the picture")
    return Given(picture, lambda made, _: images.encoded(made, picture.kind, "the picture"))


def _of_tensor(tensor: Any, layout: Layout, color: Color) -> Given:
    """Of torch's; what is given back lies on the same device."""
    import torch

    there = tensor.detach().cpu()
    if there.dtype == torch.bfloat16:  # which NumPy does not know
        there = there.float()
    given = _of_array(there.numpy(), layout, color)

    def back(made: images.Picture, mask: Mask | None) -> Any:
        new = torch.from_numpy(np.ascontiguousarray(given.back(made, mask)))
        return new.to(device=tensor.device, dtype=tensor.dtype)

    return replace(given, back=back)


def _of_array(array: NDArray[Any], layout: Layout, color: Color) -> Given:
    channels = _channels_last(array, layout)
    count = channels.shape[2]
    if count == 3 and array.dtype == np.uint8 and (layout, color) == ("hwc", "rgb"):
        picture = images.Picture(np.ascontiguousarray(array))  # the usual one, without a copy
        return Given(picture, lambda made, _: made.pixels, may_be_bgr=True)
    high = _highest(channels)
    eight = channels
    if channels.dtype != np.uint8:
        eight = np.clip(np.round(channels.astype(np.float64) * (255 / high)), 0, 255)
        eight = eight.astype(np.uint8)
    step = -1 if color == "bgr" else 1
    grey = count < 3
    colours = np.repeat(eight[..., :1], 3, 2) if grey else eight[..., :3][..., ::step]
    alpha = eight[..., -1] if count in (2, 4) else None
    picture = images.Picture(np.ascontiguousarray(colours), alpha, grey)

    def back(made: images.Picture, mask: Mask | None) -> NDArray[Any]:
        pixels = made.pixels[..., ::step]
        if grey:
            pixels = np.asarray(Pillow.fromarray(made.pixels).convert("L"))[..., None]
        if count in (2, 4):
            opaque = np.full(pixels.shape[:2], 255, np.uint8) if made.alpha is None else made.alpha
            pixels = np.concatenate([pixels, opaque[..., None]], 2)
        new = _in_depth(pixels, channels.dtype, high)
        if mask is not None:  # elsewhere the very values that were given
            new = np.where(mask[..., None], new, channels)
        new = np.moveaxis(new, 2, 0) if layout == "chw" and array.ndim == 3 else new
        return np.ascontiguousarray(new[..., 0] if array.ndim == 2 else new)

    return Given(picture, back, may_be_bgr=color == "rgb" and not grey)


def _in_depth(pixels: Image, dtype: np.dtype[Any], high: float) -> NDArray[Any]:
    """Eight bits in another depth."""
    if dtype == np.uint8:
        return pixels
    scaled = pixels * (high / 255)
    return (scaled if dtype.kind == "f" else np.round(scaled)).astype(dtype)


def _channels_last(array: NDArray[Any], layout: Layout) -> NDArray[Any]:
    """A view of shape (H, W, 1 to 4).

    Raises:
        InputError: It has another shape, or no pixels.
    """
    shaped = array
    if array.ndim == 3 and layout == "chw":
        shaped = np.moveaxis(array, 0, 2)
    elif array.ndim == 2:
        shaped = array[..., None]
    if shaped.ndim != 3 or shaped.shape[2] not in _CHANNELS or 0 in shaped.shape:
        first = array.ndim == 3 and layout == "hwc" and array.shape[0] in _CHANNELS
        remedy = "give `layout` chw" if first else "convert it"
        raise InputError(
            f"a picture must be of shape (H, W), (H, W, 3) or (H, W, 4); this is {array.shape}",
            remedy,
        )
    return shaped


def _highest(array: NDArray[Any]) -> float:
    """What stands for white: of integers the end of the smallest usual depth that holds them all.

    Raises:
        InputError: Of another type than uint8, uint16 and floating-point numbers from 0 to 1.
    """
    if array.dtype == np.uint8:
        return 255.0
    if array.dtype == np.uint16:
        largest = int(array.max())
        return next(2.0**bits - 1 for bits in _DEPTHS if largest < 2**bits)
    if array.dtype.kind != "f":
        raise InputError(
            f"a picture must be uint8, uint16 or floating-point; this is {array.dtype}: convert it"
        )
    low, high = float(array.min()), float(array.max())
    if not (low >= 0 and high <= 1):  # which NaN is not, either
        raise InputError(
            f"a picture of floating-point numbers must lie between 0 and 1; this one reaches from "
            f"{low:g} to {high:g}: scale it, as by / 255"
        )
    return 1.0
