"""What is taken of a picture file: upright RGB, alpha, and how it was coded; nothing else."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageCms, ImageOps, JpegImagePlugin

from ..errors import UnreadableError
from ..types import Image
from .beside import Beside, further_views
from .icc import of_codes, rebuilt
from .scans import count_scans

_ANIMATED = {"WEBP", "PNG", "AVIF"}
_MOST_SCANS = 100  # of a JPEG; usual progressive ones have about ten
_FULL_SCANS = 20  # alike, of the largest picture that is read
_MOST_PAGES = 100  # of a TIFF that are counted
_STRIP_PIXELS = 1 << 22  # of which copies are made at once


@dataclass(frozen=True)
class Picture:
    """A picture in memory.

    Attributes:
        pixels: (H, W, 3) uint8 RGB, upright.
        alpha: (H, W) uint8 or None.
        grey: The file held one channel; it is written so again.
        icc: Its colour profile, rebuilt from its numbers, or None.
        jpeg: Quantisation tables and subsampling of a JPEG file, to write one of like quality.
        kind: Pillow's name of the format that it was read from.
        dropped: What the file held beside, in words.
    """

    pixels: Image
    alpha: NDArray[np.uint8] | None = None
    grey: bool = False
    icc: bytes | None = None
    jpeg: dict[str, Any] = field(default_factory=dict)
    kind: str = "PNG"
    dropped: tuple[str, ...] = ()


@cache
def know_heif() -> None:
    """Teach Pillow what phones take; not before such a file comes, for the library is large."""
    import pillow_heif

    pillow_heif.register_heif_opener()


def check_kind(path: str, opened: Pillow.Image, max_pixels: int) -> None:
    """Refuse an opened file before its pixels are decoded.

    Raises:
        UnreadableError: Too large, or of several pages or frames.
    """
    width, height = opened.size
    if width * height > max_pixels:
        raise UnreadableError(
            f"{path}: {width} x {height} is more than {max_pixels:,} pixels",
            "shrink it or raise `max_pixels`",
        )
    # A multi-picture JPEG holds the same scene again; only its first picture is kept.
    count = 1 if opened.format == "MPO" else _pictures(opened)
    if count > 1:
        told = f"more than {_MOST_PAGES}" if count > _MOST_PAGES else str(count)
        use = "give it to 'ganonymize video'" if opened.format in _ANIMATED else "give one of them"
        raise UnreadableError(f"{path}: holds {told} pictures; {use}")


def check_scans(path: str, data: bytes, opened: Pillow.Image, max_pixels: int) -> None:
    """Refuse a JPEG that draws its picture again and again, before its pixels are decoded.

    Args:
        path: For messages.
        data: The file.
        opened: The same, opened.
        max_pixels: Of a picture.

    Raises:
        UnreadableError: It has too many scans for its size.
    """
    most = min(_MOST_SCANS, _FULL_SCANS * max_pixels // (opened.width * opened.height))
    if count_scans(data, most + 1) > most:
        raise UnreadableError(
            f"{path}: a JPEG of more than {most} scans", "save it anew, or raise `max_pixels`"
        )


def _pictures(opened: Pillow.Image) -> int:
    """Pages or frames; those of a TIFF only so far, for that takes the square of their number."""
    if opened.format != "TIFF":
        return int(getattr(opened, "n_frames", 1))
    count = 1
    while count <= _MOST_PAGES:
        try:
            opened.seek(count)
        except EOFError:
            break
        count += 1
    opened.seek(0)
    return count


def decoded(opened: Pillow.Image, held: Beside) -> Picture:
    """The first picture of an opened file, upright; auxiliary ones are not read.

    Args:
        opened: The file.
        held: What it holds beside.
    """
    jpeg: dict[str, Any] = {}
    kind = "JPEG" if opened.format == "MPO" else opened.format or "PNG"
    if isinstance(opened, JpegImagePlugin.JpegImageFile) and opened.mode in ("L", "RGB"):
        sampling = JpegImagePlugin.get_sampling(opened)
        jpeg = {"qtables": opened.quantization, "subsampling": max(0, sampling)}
    light = held.high_range
    profile: bytes | None = None if light else opened.info.get("icc_profile")
    icc = rebuilt(profile) if profile else None
    opened.load()
    ImageOps.exif_transpose(opened, in_place=True)
    upright: Pillow.Image = opened
    converts = profile is not None and icc is None  # no standard profile: its colours to sRGB's
    if upright.mode == "CMYK":
        upright, icc, converts = _standard_rgb(upright, profile), None, False
    grey = upright.mode in ("1", "L", "LA", "I", "F") or upright.mode.startswith("I;16")
    if upright.mode in ("I", "F") or upright.mode.startswith("I;16"):
        upright = _eight_bit(upright)
    alpha = None
    if upright.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in upright.info:
        alpha = _array(upright, lambda strip: strip.convert("RGBA").getchannel("A"))
    if converts:
        if alpha is not None:
            upright = upright.convert("RGBA")
        upright = _standard_rgb(upright.convert("L" if grey else "RGB"), profile)
        pixels = _array(upright, lambda strip: strip.convert("RGB"))
    elif alpha is not None:
        pixels = _array(upright, lambda strip: strip.convert("RGBA").convert("RGB"))
    else:
        pixels = _array(upright, lambda strip: strip.convert("RGB"))
    if light is not None:
        pixels = light.standard(pixels.astype(np.uint16) * 257)
    elif held.codes and not profile:
        icc = of_codes(*held.codes)
    return Picture(pixels, alpha, grey, icc, jpeg, kind, _dropped(opened, held))


def _dropped(opened: Pillow.Image, held: Beside) -> tuple[str, ...]:
    """What is worth a word; previews, gain and depth maps go with the metadata."""
    dropped = ["the film of a motion photo"] if held.film else []
    if views := further_views(opened):
        dropped.append(f"{views} further view{'s' * (views > 1)}")
    if held.high_range is not None:
        dropped.append("high dynamic range (tone-mapped)")
    return tuple(dropped)


def _standard_rgb(image: Pillow.Image, icc: bytes | None) -> Pillow.Image:
    """Through the file's own profile where it has a usable one."""
    if icc:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
            target = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError):
            return image.convert("RGB")  # a broken profile: the plain way still shows the picture
    return image.convert("RGB")


def _eight_bit(image: Pillow.Image) -> Pillow.Image:
    """Deep grey to 8 bit.

    Integers are scaled from the smallest usual depth that holds the largest, for cameras store 10,
    12 or 14 bits in 16; floating-point values from 0 to 1, or else from their own range.
    """
    ends = [_ends(_finite(strip)) for strip in _strips(image)]
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    if image.mode == "F":
        low, high = (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
    else:
        low, high = 0.0, next((2.0**n - 1 for n in (8, 10, 12, 14, 16) if high < 2**n), high)

    def scaled(strip: Pillow.Image) -> NDArray[Any]:
        values = (_finite(strip) - low) / max(high - low, 1e-12) * 255
        return np.clip(np.round(values), 0, 255).astype(np.uint8)

    return Pillow.fromarray(_array(image, scaled))


def _strips(image: Pillow.Image) -> Iterator[Pillow.Image]:
    """It from top to bottom; a copy of the whole, as Pillow makes several, takes much memory."""
    rows = max(1, _STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(top + rows, image.height)))


def _array(
    image: Pillow.Image, convert: Callable[[Pillow.Image], Pillow.Image | NDArray[Any]]
) -> NDArray[np.uint8]:
    """What becomes of a picture's strips, (H, W) or (H, W, 3) uint8."""
    made, top = np.empty((0,), np.uint8), 0
    for strip in _strips(image):
        part = np.asarray(convert(strip))
        if not top:
            made = np.empty((image.height, *part.shape[1:]), np.uint8)
        made[top : top + len(part)] = part
        top += len(part)
    return made


def _finite(strip: Pillow.Image) -> NDArray[np.float64]:
    finite = np.asarray(strip).astype(np.float64)
    finite[~np.isfinite(finite)] = 0
    return finite


def _ends(values: NDArray[np.float64]) -> tuple[float, float]:
    return float(values.min()), float(values.max())
