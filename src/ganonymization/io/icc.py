"""Colour profiles, rebuilt from their numbers: a profile is a file that may hold anything.

What is kept of a profile is what says how three colours (or grey) look: primaries, white and tone
curves. Names, pictures, notes and whatever else lies in it are dropped (ICC.1:2022, sections 7-10).
"""

import struct

import numpy as np

_HEADER_BYTES, _MOST_TAGS, _MOST_STEPS = 128, 100, 4096
_CURVES = {b"RGB ": (b"rTRC", b"gTRC", b"bTRC"), b"GRAY": (b"kTRC",)}
_NUMBERS = {b"RGB ": (b"rXYZ", b"gXYZ", b"bXYZ"), b"GRAY": ()}
_PARAMETERS = (1, 3, 4, 5, 7)  # of a parametric curve, by its kind
_D50 = struct.pack(">3i", 63190, 65536, 54061)
_WHITE = b"XYZ \0\0\0\0" + _D50


def rebuilt(profile: bytes) -> bytes | None:
    """A profile with the same colours and nothing else; None where it is of another kind.

    Args:
        profile: As a picture file holds it.
    """
    try:
        return _rebuilt(profile)
    except (struct.error, IndexError, ValueError, KeyError):
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
    version = 4 if profile[8] >= 4 else 2
    tags[b"desc"], tags[b"cprt"] = _text(version, b"desc"), _text(version, b"text")
    return _file(version, space, tags)


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
    """A tone curve: parameters, or steps none of which goes down."""
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
    if (np.diff(steps.astype(int)) < 0).any():
        raise ValueError("no such curve")
    return b"curv" + bytes(4) + struct.pack(">I", count) + steps.tobytes()


def _text(version: int, kind: bytes) -> bytes:
    """Texts that every profile must have, here without a word."""
    if version == 4:
        return b"mluc" + bytes(4) + struct.pack(">II2s2sII", 1, 12, b"en", b"US", 2, 28) + b"\0-"
    if kind == b"text":
        return b"text" + bytes(4) + b"-\0"
    return b"desc" + bytes(4) + struct.pack(">I", 2) + b"-\0" + bytes(78)


def _file(version: int, space: bytes, tags: dict[bytes, bytes]) -> bytes:
    place = _HEADER_BYTES + 4 + 12 * len(tags)
    table, content = struct.pack(">I", len(tags)), b""
    for name, tag in tags.items():
        table += struct.pack(">4sII", name, place + len(content), len(tag))
        content += tag + bytes(-len(tag) % 4)
    size = place + len(content)
    header = struct.pack(
        ">I4xI4s4s4s12x4s28x12s48x", size, (version << 24) + (0x30 << 16), b"mntr", space, b"XYZ ",
        b"acsp", _D50,
    )  # fmt: skip
    return header + table + content
