"""What a sound track's packets and header may hold beside the sound: names, places, pictures.

A Vorbis header holds comments, among them cover pictures (`METADATA_BLOCK_PICTURE`), FLAC's the
same as blocks, and Matroska takes both over as they are. So headers are built anew from what
decoders need, and what cannot be is coded anew.
"""

import struct
from typing import Any

import av

_PLAIN_BYTES = 64  # of headers that hold numbers alone, as AAC's and ALAC's
_VORBIS_SETUP_BYTES = 16_384  # libvorbis' codebooks take half of that
_FLAC_STREAMINFO_BYTES = 34
_OPUS_HEAD_BYTES = 19
_NO_COMMENTS = b"\x03vorbis" + struct.pack("<II", 0, 0) + b"\x01"
_TRIMMED = "skip_samples"  # of all side data the one that sound needs
_TAGS = (b"ID3", b"TAG", b"APETAGEX")  # that taggers put between the packets of MP3


def clean_header(codec: str, header: bytes | None) -> bytes | None:
    """A decoder's header with nothing else in it.

    Args:
        codec: As FFmpeg names it.
        header: As the container keeps it ("extradata"), or None.

    Returns:
        The header to write, perhaps empty; None where the sound must be coded anew.
    """
    if not header:
        return b""
    kind = codec.removeprefix("lib")
    if kind == "vorbis":
        return _vorbis(header)
    if kind == "flac":
        start = 8 if header.startswith(b"fLaC") else 0
        return header[start : start + _FLAC_STREAMINFO_BYTES]
    if kind == "opus":
        mapped = len(header) > _OPUS_HEAD_BYTES and header[18] != 0
        return header[: _OPUS_HEAD_BYTES + (2 + header[9] if mapped else 0)]
    return header if len(header) <= _PLAIN_BYTES else None


def _vorbis(header: bytes) -> bytes | None:
    """Its three packets in Xiph's lacing, the comments emptied.

    https://xiph.org/vorbis/doc/Vorbis_I_spec.html, sections 4.2 and 5
    """
    try:
        if header[0] == 0 and header[1] == 30:  # 16-bit lengths, as some containers keep them
            packets, place = [], 0
            for _ in range(3):
                (size,) = struct.unpack_from(">H", header, place)
                packets.append(header[place + 2 : place + 2 + size])
                place += 2 + size
        else:
            packets = _laced(header)
    except (IndexError, struct.error):
        return None
    first, _, setup = packets
    if not (first.startswith(b"\x01vorbis") and setup.startswith(b"\x05vorbis")):
        return None
    if len(first) != 30 or len(setup) > _VORBIS_SETUP_BYTES:
        return None
    lengths = bytes([2, len(first), len(_NO_COMMENTS)])
    return lengths + first + _NO_COMMENTS + setup


def _laced(header: bytes) -> list[bytes]:
    """Three packets behind two lengths, each a sum of bytes that 255 goes on."""
    place, lengths = 1, list[int]()
    for _ in range(2):
        length = 0
        while header[place] == 255:
            length, place = length + 255, place + 1
        lengths.append(length + header[place])
        place += 1
    middle, last = place + lengths[0], place + sum(lengths)
    return [header[place:middle], header[middle:last], header[last:]]


def bare(packet: Any) -> Any | None:
    """A packet of sound without what containers and taggers hang on it; None for a tag."""
    content = bytes(packet)
    if content.startswith(_TAGS):
        return None
    copy: Any = av.Packet(content)
    copy.pts, copy.dts, copy.duration = packet.pts, packet.dts, packet.duration
    copy.time_base, copy.is_keyframe = packet.time_base, packet.is_keyframe
    if packet.has_sidedata(_TRIMMED):
        copy.set_sidedata(packet.get_sidedata(_TRIMMED))
    return copy
