"""A video's sound on its way into another container: copied where it can be, else coded anew."""

from typing import Any

import av

from .copying import Copied, Track, can_hold
from .sound_headers import bare, clean_header

_ANEW = {"webm": "libopus"}  # by container; elsewhere AAC
_REFUSED = {"mov": ("libopus", "opus", "flac")}  # FFmpeg says that it can, and then does not
_USUAL_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}


class CopiedSound(Copied):
    """The sound in the packets goes on as it is, and nothing that hangs on them.

    Args:
        source: The stream that they come from.
        container: To be written.
        header: For the decoder.
    """

    def __init__(self, source: Any, container: Any, header: bytes) -> None:
        super().__init__(source, container)
        if header:
            self.stream.codec_context.extradata = header

    def packets(self, packet: Any) -> list[Any]:
        """What becomes of a packet."""
        plain = bare(packet)
        return [] if plain is None else super().packets(plain)


class RecodedSound(Track):
    """Sound is decoded and coded anew.

    Args:
        source: The stream that the packets come from.
        container: To be written.
    """

    def __init__(self, source: Any, container: Any) -> None:
        codec = _ANEW.get(container.format.name, "aac")
        # Opus knows few rates; 48 kHz is one that every codec here takes
        rate = source.rate if codec == "aac" else 48_000
        self.stream = container.add_stream(codec, rate=rate)
        # PCM often tells a number of channels and not which
        told = source.layout
        unknown = "channels" in told.name
        usual = _USUAL_LAYOUTS.get(told.nb_channels, "mono")
        self.stream.layout = usual if unknown else told.name
        self._resampler: Any = None

    def packets(self, packet: Any) -> list[Any]:
        """What becomes of a packet."""
        return [coded for frame in packet.decode() for coded in self._coded(frame)]

    def rest(self) -> list[Any]:
        """What is left at the end."""
        left = [] if self._resampler is None else self._coded(None)
        return [*left, *self.stream.encode(None)]

    def _coded(self, frame: Any) -> list[Any]:
        if self._resampler is None:
            context = self.stream.codec_context
            context.open(strict=False)
            self._resampler = av.AudioResampler(
                context.format, context.layout, context.rate, frame_size=context.frame_size or None
            )
        resampled = self._resampler.resample(frame)
        return [packet for each in resampled for packet in self.stream.encode(each)]


def taken_over(source: Any, container: Any) -> CopiedSound | RecodedSound | None:
    """How a stream of sound goes into a container; None where FFmpeg does not know its kind."""
    if source.codec_context is None:
        return None
    codec = source.codec_context.name
    header = clean_header(codec, source.codec_context.extradata)
    if header is not None and can_hold(container, codec, _REFUSED):
        return CopiedSound(source, container, header)
    return RecodedSound(source, container)
