"""Codecs by the names that people know."""

from functools import cache

import av

from ..errors import OptionError

_ENCODERS = {
    "h264": ("libx264",),
    "h265": ("libx265",),
    "hevc": ("libx265",),
    "av1": ("libsvtav1", "libaom-av1"),
    "vp9": ("libvpx-vp9",),
}
_OTHERS = ("mpeg4", "libvpx", "ffv1", "prores_ks", "libx264rgb", "mjpeg")


def encoder_of(codec: str) -> str:
    """FFmpeg's name of what writes a codec: of ``h264``, ``h265``, ``av1``, ``vp9``, or itself.

    Raises:
        OptionError: There is none here; the message lists what is there.
    """
    for name in _ENCODERS.get(codec.lower(), (codec,)):
        if _is_there(name):
            return name
    known = [name for name, encoders in _ENCODERS.items() if any(map(_is_there, encoders))]
    others = [name for name in _OTHERS if _is_there(name)]
    raise OptionError(
        f"{codec}: no such codec here; there are {', '.join(known)}, and by FFmpeg's names "
        f"{', '.join(others)} and more"
    )


@cache
def _is_there(name: str) -> bool:
    """Whether FFmpeg has an encoder of pictures of that name here."""
    try:
        return bool(av.Codec(name, "w").type == "video")
    except ValueError:  # av.error.UnknownCodecError is one
        return False
