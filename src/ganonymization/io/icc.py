"""Colour profiles, rebuilt from their numbers: a profile is a file that may hold anything.

What is kept of a profile is what says how three colours (or grey) look: primaries, white and the
few parameters of tone curves; curves in steps, which could hold a message, only where they are a
standard one. Names, pictures, notes and whatever else lies in it are dropped (ICC.1:2022, sections
7-10).
"""

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_HEADER_BYTES, _MOST_TAGS, _MOST_STEPS = 128, 100, 4096
_CURVES = {b"RGB ": (b"rTRC", b"gTRC", b"bTRC"), b"GRAY": (b"kTRC",)}
_NUMBERS = {b"RGB ": (b"rXYZ", b"gXYZ", b"bXYZ"), b"GRAY": ()}
_PARAMETERS = (1, 3, 4, 5, 7)  # of a parametric curve, by its kind
_D50 = struct.pack(">3i", 63190, 65536, 54061)
_WHITE = b"XYZ \0\0\0\0" + _D50


_COLORANTS = {
    1: ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410)),
    9: ((0.67348, 0.27904, -0.00194), (0.16566, 0.67534, 0.02998), (0.12505, 0.04561, 0.79684)),
    12: ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)),
}
"""XYZ of red, green and blue, as seen under D50, by codes of primaries: BT.709, BT.2020, P3."""
_SRGB = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_BT709 = (1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081)
_TONES = {1: _BT709, 6: _BT709, 14: _BT709, 15: _BT709, 4: (2.2,), 5: (2.8,), 8: (1.0,)}
"""Parameters of curves by codes of transfer; of others sRGB's."""
_STEPPED = (_SRGB, _BT709, (1.0,), (1.8,), (2.0,), (2.2,), (2.4,), (2.6,))
"""Curves that are known in steps, too."""
_STANDARD = {0, 1, 2, 6, 13, 14, 15}  # of BT.709's primaries nobody tells these from sRGB


def of_codes(primaries: int, transfer: int) -> bytes | None:
    """A profile for colours that are told by codes; None for those of sRGB, and unknown ones.

    Args:
        primaries: As ITU-T H.273 counts.
        transfer: Alike; not one of high dynamic range.
    """
    if primaries not in _COLORANTS or (primaries == 1 and transfer in _STANDARD):
        return None
    tone = _TONES.get(transfer, _SRGB)
    tags = {b"wtpt": _WHITE}
    for name, numbers in zip(_NUMBERS[b"RGB "], _COLORANTS[primaries], strict=True):
        tags[name] = b"XYZ " + bytes(4) + _fixed(numbers)
    tags |= dict.fromkeys(_CURVES[b"RGB "], _parametric(tone))
    return _file(b"RGB ", tags)


def _parametric(tone: tuple[float, ...]) -> bytes:
    """A tone curve of one exponent, or of five parameters as sRGB's."""
    kind = struct.pack(">H2x", 0 if len(tone) == 1 else 3)
    return b"para" + bytes(4) + kind + _fixed(tone)


def _fixed(numbers: Sequence[float]) -> bytes:
    """Numbers in units of 1/65,536."""
    return struct.pack(f">{len(numbers)}i", *(round(65536 * number) for number in numbers))


def rebuilt(profile: bytes) -> bytes | None:
    """A profile with the same colours and nothing else; None where it is no standard one.

    Args:
        profile: As a picture file holds it.
    """
    try:
        return _rebuilt(profile)
    except (struct.error, LookupError, ValueError, StopIteration):
        return None


def _rebuilt(profile: bytes) -> bytes | None:
    space = profile[16:20]
    if profile[36:40] != b"acsp" or profile[20:24] != b"XYZ " or space not in _CURVES:
        return None
    held = _tags(profile)
    tags = {b"wtpt": _WHITE}
    for name in _NUMBERS[space]:
        tags[name] = _numbers(held[name], b"XYZ ", 3)
    for name in _CURVES[space]:
        tags[name] = _curve(held[name])
    if b"chad" in held:
        tags[b"chad"] = _numbers(held[b"chad"], b"sf32", 9)
    return _file(space, tags)


def _tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, _HEADER_BYTES)
    if count > _MOST_TAGS:
        raise ValueError("too many tags")
    found = {}
    for number in range(count):
        name, start, length = struct.unpack_from(">4sII", profile, _HEADER_BYTES + 4 + 12 * number)
        found[name] = profile[start : start + length]
    return found


def _numbers(tag: bytes, kind: bytes, count: int) -> bytes:
    """An array of fixed-point numbers, none of which is larger than colours need."""
    values = struct.unpack_from(f">4s4x{count}i", tag)
    if values[0] != kind or max(abs(value) for value in values[1:]) > 4 * 65536:
        raise ValueError("no such numbers")
    return kind + bytes(4) + struct.pack(f">{count}i", *values[1:])


def _curve(tag: bytes) -> bytes:
    """A tone curve: parameters, or those of the standard curve that steps follow."""
    kind, count, function = tag[:4], *struct.unpack_from(">4xI", tag, 4), tag[8:10]
    if kind == b"para":
        number = int.from_bytes(function)
        values = struct.unpack_from(f">{_PARAMETERS[number]}i", tag, 12)
        if max(abs(value) for value in values) > 16 * 65536:
            raise ValueError("no such curve")
        return b"para" + bytes(4) + struct.pack(f">H2x{len(values)}i", number, *values)
    if kind != b"curv" or count > _MOST_STEPS:
        raise ValueError("no such curve")
    steps = np.frombuffer(tag, ">u2", count, 12)
    if count < 2:  # the identity, or an exponent
        return b"curv" + bytes(4) + struct.pack(">I", count) + steps.tobytes()
    return _parametric(next(tone for tone in _STEPPED if _follows(steps / 65535, tone)))


def _follows(steps: NDArray[np.float64], tone: tuple[float, ...]) -> bool:
    """Whether a curve in steps is a standard one, to half a level of 8 bit."""
    at = np.linspace(0, 1, len(steps))
    exponent, slope, offset, dark_slope, dark_until = (*tone, 1, 0, 0, -1)[:5]
    curve = np.where(at < dark_until, dark_slope * at, (slope * at + offset) ** exponent)
    return bool(np.abs(steps - curve).max() < 0.5 / 255)


_MUTE = b"mluc" + bytes(4) + struct.pack(">II2s2sII", 1, 12, b"en", b"US", 2, 28) + b"\0-"
"""A text that every profile must have, here without a word."""


def _file(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A whole profile of version 4."""
    tags = tags | {b"desc": _MUTE, b"cprt": _MUTE}
    place = _HEADER_BYTES + 4 + 12 * len(tags)
    table, content = struct.pack(">I", len(tags)), b""
    for name, tag in tags.items():
        table += struct.pack(">4sII", name, place + len(content), len(tag))
        content += tag + bytes(-len(tag) % 4)
    size = place + len(content)
    header = struct.pack(
        ">I4xI4s4s4s12x4s28x12s48x", size, 0x04300000, b"mntr", space, b"XYZ ",
        b"acsp", _D50,
    )  # fmt: skip
    return header + table + content
