"""What is taken of a picture file: upright RGB, alpha, and how it was coded; nothing else."""

import io
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

_ANIMATED = {"WEBP", "PNG", "AVIF"}


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
    if getattr(opened, "n_frames", 1) > 1 and opened.format != "MPO":
        raise UnreadableError(
            f"{path}: holds {opened.n_frames} pictures; "  # type: ignore[attr-defined]
            + (
                "give it to 'ganonymize video'"
                if opened.format in _ANIMATED
                else "give one of them"
            )
        )


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
    upright = ImageOps.exif_transpose(opened)
    upright.load()
    converts = profile is not None and icc is None  # no standard profile: its colours to sRGB's
    if upright.mode == "CMYK":
        upright, icc, converts = _standard_rgb(upright, profile), None, False
    grey = upright.mode in ("1", "L", "LA", "I", "F") or upright.mode.startswith("I;16")
    if upright.mode in ("I", "F") or upright.mode.startswith("I;16"):
        upright = _eight_bit(upright)
    alpha = None
    if upright.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in upright.info:
        with_alpha = upright.convert("RGBA")
        alpha = np.array(with_alpha.getchannel("A"))
        upright = with_alpha
    if converts:
        upright = _standard_rgb(upright.convert("L" if grey else "RGB"), profile)
    pixels = np.array(upright.convert("L").convert("RGB") if grey else upright.convert("RGB"))
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
    values = np.asarray(image).astype(np.float64)
    values[~np.isfinite(values)] = 0
    low, high = float(values.min()), float(values.max())
    if image.mode == "F":
        low, high = (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
    else:
        low, high = 0.0, next((2.0**n - 1 for n in (8, 10, 12, 14, 16) if high < 2**n), high)
    scaled = (values - low) / max(high - low, 1e-12) * 255
    return Pillow.fromarray(np.clip(np.round(scaled), 0, 255).astype(np.uint8))
