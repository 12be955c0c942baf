"""HDR10's static metadata: on which display a film was graded, and how bright it gets.

SMPTE ST 2086 and CTA-861.3, annex P.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .decoded import side_data

_NITS = 10_000  # the most that PQ codes
_DYNAMIC = ("DYNAMIC_HDR_PLUS", "DOVI_RPU_BUFFER", "DOVI_METADATA", "DYNAMIC_HDR_VIVID")

Point = tuple[float, float]


@dataclass(frozen=True)
class Display:
    """A display.

    Attributes:
        red: Chromaticity x, y; the other points alike.
        green: See ``red``.
        blue: See ``red``.
        white: See ``red``.
        darkest: In nits.
        brightest: In nits.
    """

    red: Point
    green: Point
    blue: Point
    white: Point
    darkest: float
    brightest: float


@dataclass(frozen=True)
class Mastering:
    """What a film says of its light as a whole.

    Attributes:
        display: That it was graded on, or None.
        light: Nits of the brightest pixel and of the brightest frame on average, or None.
        dynamic: Whether its frames say more, each for itself (HDR10+, Dolby Vision).
    """

    display: Display | None = None
    light: tuple[int, int] | None = None
    dynamic: bool = False

    def options(self, codec: str) -> dict[str, str]:
        """Options of an encoder that write it again, with those which it replaces.

        Args:
            codec: As FFmpeg names it.
        """
        if codec == "libx265":
            told = ["log-level=error"]
            told += [f"master-display={_x265(self.display)}"] if self.display else []
            told += ["max-cll={},{}".format(*self.light)] if self.light else []
            return {"x265-params": ":".join(told)}
        if codec == "libsvtav1":
            told = [f"mastering-display={_svt(self.display)}"] if self.display else []
            told += ["content-light={},{}".format(*self.light)] if self.light else []
            return {"svtav1-params": ":".join(told)} if told else {}
        return {}


def mastering_of(frame: Any) -> Mastering:
    """What a decoded frame carries of its film's light."""
    display = side_data(frame, "MASTERING_DISPLAY_METADATA")
    light = side_data(frame, "CONTENT_LIGHT_LEVEL")
    return Mastering(
        None if display is None else _display(display),
        None if light is None else _light(light),
        any(side_data(frame, name) is not None for name in _DYNAMIC),
    )


def _display(data: bytes) -> Display | None:
    """FFmpeg's AVMasteringDisplayMetadata: ten fractions, and which of them are told."""
    try:
        *parts, has_points, has_light = struct.unpack_from("=22i", data)
        shares = [above / below for above, below in zip(parts[::2], parts[1::2], strict=True)]
    except (struct.error, ZeroDivisionError):
        return None
    points, (darkest, brightest) = shares[:8], shares[8:]
    known = has_points and has_light and all(0 <= share <= 1 for share in points)
    if not known or not 0 <= darkest < brightest <= _NITS:
        return None
    red, green, blue, white = zip(points[::2], points[1::2], strict=True)
    return Display(red, green, blue, white, darkest, brightest)


def _light(data: bytes) -> tuple[int, int] | None:
    """FFmpeg's AVContentLightMetadata: two numbers."""
    pixel, frame = struct.unpack_from("=2I", data) if len(data) >= 8 else (0, 0)
    return (pixel, frame) if 0 < pixel < 2**16 and frame < 2**16 else None


def _x265(display: Display) -> str:
    """Chromaticities in units of 1/50,000, luminance in those of 1/10,000 nit."""
    return _listed(display, lambda x: str(round(50_000 * x)), lambda nits: str(round(1e4 * nits)))


def _svt(display: Display) -> str:
    return _listed(display, lambda x: f"{x:.5f}", lambda nits: f"{nits:.4f}")


def _listed(display: Display, share: Callable[[float], str], light: Callable[[float], str]) -> str:
    points = {"G": display.green, "B": display.blue, "R": display.red, "WP": display.white}
    listed = [f"{name}({share(x)},{share(y)})" for name, (x, y) in points.items()]
    return "".join(listed) + f"L({light(display.brightest)},{light(display.darkest)})"
