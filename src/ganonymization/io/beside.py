"""What a picture file holds beside its pixels and tells nobody through Pillow."""

import re
import struct
from dataclasses import dataclass
from typing import IO, Any

from .high_range import BT2020, HLG, PQ, Range

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
_PNG_HEAD_BYTES = 1 << 16  # in which the codes stand, before the pixels
_MOST_BYTES = 1 << 28  # no picture is larger; a film under a picture's name may be
_FILM = re.compile(rb"ftyp(isom|iso\d|mp4.|avc1|hvc1|qt  |M4V |MSNV|3gp\d)")
_CODES = re.compile(rb"colrnclx(....)|\x00\x00\x00\x04cICP(..)", re.DOTALL)


@dataclass(frozen=True)
class Beside:
    """What a picture file holds beside its pixels.

    Attributes:
        codes: Primaries and transfer of its colours, as ITU-T H.273 counts; None where not told.
        film: Whether a film follows, as in a motion photo.
    """

    codes: tuple[int, int] | None = None
    film: bool = False

    @property
    def high_range(self) -> Range | None:
        """How light is coded, where that is in high dynamic range."""
        if self.codes is None or self.codes[1] not in (PQ, HLG):
            return None
        return Range(self.codes[1], self.codes[0] == BT2020)


def beside(file: IO[bytes]) -> Beside:
    """Look into a file, and leave it at its start.

    Args:
        file: Binary, at its start.
    """
    start = file.read(12)
    data = b""
    if start.startswith(_PNG):
        data = file.read(_PNG_HEAD_BYTES)
    elif start.startswith(_JPEG) or start[4:8] == b"ftyp":
        data = file.read(_MOST_BYTES)
    file.seek(0)
    return Beside(
        None if start.startswith(_JPEG) else _codes(data),
        not start.startswith(_PNG) and _FILM.search(data) is not None,
    )


def _codes(data: bytes) -> tuple[int, int] | None:
    found = _CODES.search(data)
    if found is None:
        return None
    wide, narrow = found.groups()
    return struct.unpack(">HH", wide) if wide else (narrow[0], narrow[1])


def further_views(opened: Any) -> int:
    """How many more views of the scene a multi-picture JPEG holds; previews and maps are none."""
    index = getattr(opened, "mpinfo", None) or {}
    kinds = [entry["Attribute"]["MPType"] for entry in index.get(0xB002, ())]
    return sum(str(kind).startswith("Multi-Frame") for kind in kinds[1:])
