"""Small files that are slow or large to decode."""

import struct
import zlib


def pages(count):
    """A TIFF of one grey pixel's worth of tags, and behind it a chain of others."""
    tags = [(256, 16), (257, 16), (258, 8), (259, 1), (262, 1), (277, 1), (278, 16), (279, 256)]
    end = 8 + 2 + 12 * (len(tags) + 1) + 4
    entries = sorted([*tags, (273, end)])
    first = struct.pack("<H", len(entries)) + b"".join(
        struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries
    )
    behind = end + 256
    page = struct.pack("<H", 3) + b"".join(
        struct.pack("<HHII", tag, 4, 1, 8) for tag in (256, 257, 273)
    )
    step = len(page) + 4
    nexts = [behind + step * (i + 1) for i in range(count - 1)] + [0]
    chain = b"".join(page + struct.pack("<I", place) for place in nexts)
    return b"II*\0" + struct.pack("<I", 8) + first + struct.pack("<I", behind) + bytes(256) + chain


def scans(side_px, count):
    """A grey progressive JPEG of so many scans, each of which touches every block."""
    blocks = ((side_px + 7) // 8) ** 2
    head = b"\xff\xd8" + _segment(0xDB, b"\0" + bytes([1] * 64))
    size = struct.pack(">BHHB", 8, side_px, side_px, 1) + bytes([1, 0x11, 0])
    head += _segment(0xC2, size) + _segment(0xC4, bytes([0x00, 1, *[0] * 15, 0]))
    head += _segment(0xC4, bytes([0x10, 1, 1, *[0] * 14, 0xE0, 0x00]))
    head += _segment(0xDA, bytes([1, 1, 0x00, 0, 0, 0x00])) + bytes(blocks // 8)
    head += bytes([(1 << (8 - blocks % 8)) - 1]) if blocks % 8 else b""
    return (
        head
        + count * (_segment(0xDA, bytes([1, 1, 0x00, 1, 63, 0x00])) + _empty(blocks))
        + (b"\xff\xd9")
    )


def _empty(blocks):
    """Entropy-coded runs of blocks without a coefficient."""
    bits = ""
    while blocks >= 16384:
        run = min(blocks, 32767)
        bits += "0" + format(run - 16384, "014b")
        blocks -= run
    bits += "10" * blocks
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")


def deep_png(side_px):
    """A black grey PNG of 16 bits."""
    row = b"\0" + bytes(side_px * 2)
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(row) for _ in range(side_px)) + packer.flush()
    size = struct.pack(">IIBBBBB", side_px, side_px, 16, 0, 0, 0, 0)
    parts = ((b"IHDR", size), (b"IDAT", packed), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


def _segment(marker, data):
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data
