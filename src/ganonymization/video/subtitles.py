"""Subtitles on their way into another container: copied where it can hold them, else recoded."""

from fractions import Fraction
from typing import Any

from .copying import Copied, Track, can_hold

_TEXT = {"ass", "ssa", "subrip", "srt", "mov_text", "webvtt", "text"}
_ANEW = {"webm": "webvtt", "matroska": "subrip"}  # by container; elsewhere MP4's own
_REFUSED = {"webm": _TEXT - {"webvtt"}}  # FFmpeg says that it can, and then does not


class RecodedSubtitles(Track):
    """Text is decoded and coded anew; its times stay.

    Args:
        source: The stream that the packets come from.
        container: To be written.
    """

    def __init__(self, source: Any, container: Any) -> None:
        self.stream = container.add_stream(_ANEW.get(container.format.name, "mov_text"))
        source.codec_context.open(strict=False)
        self.stream.codec_context.subtitle_header = source.codec_context.subtitle_header
        self.stream.codec_context.time_base = Fraction(1, 1000)
        self._source = source

    def packets(self, packet: Any) -> list[Any]:
        """What becomes of a packet."""
        said = self._source.decode2(packet)
        if said is None:
            return []
        coded = self.stream.codec_context.encode_subtitle(said)
        coded.stream = self.stream
        coded.pts = coded.dts = packet.pts
        coded.duration, coded.time_base = packet.duration, packet.time_base
        return [coded]


def taken_over(source: Any, container: Any) -> Track | None:
    """How subtitles go into a container; None where it cannot hold them, as pictures of letters."""
    if source.codec_context is None:
        return None
    codec = source.codec_context.name
    if can_hold(container, codec, _REFUSED):
        return Copied(source, container)
    return RecodedSubtitles(source, container) if codec in _TEXT else None
