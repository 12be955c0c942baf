"""Where videos come from: files, standard input, addresses and cameras."""

import sys
from pathlib import Path
from typing import Any

import av

from ..errors import UnreadableError

STANDARD_STREAM = "-"
CONTAINERS_READ = (
    "mov,matroska,avi,apng,mpegts,mpeg,mpegvideo,flv,asf,ogg,mxf,nut,ivf,dv,h264,hevc,obu,m4v,mjpeg,"
    "gif,rm,wtv,yuv4mpegpipe"
)
"""What FFmpeg may take a file for. Others are playlists and session descriptions, which name
further files or addresses, or text that it would draw."""

_CAMERAS = {"linux": "v4l2", "darwin": "avfoundation", "win32": "dshow"}
_NUMBERED = "camera:"  # where cameras have no files
_PATIENCE_S = 10.0  # for a stream or camera to answer


def opened(source: Path | str, bounds: dict[str, str]) -> Any:
    """The container behind a file's, stream's or camera's name.

    Args:
        source: See :class:`ganonymization.video.container.Reader`.
        bounds: Options for FFmpeg.

    Raises:
        UnreadableError: There is no such file.
        av.error.FFmpegError, ValueError: It cannot be read.
    """
    told: dict[str, Any] = {"metadata_errors": "replace", "options": bounds}
    if isinstance(source, str) and source != STANDARD_STREAM and not is_live(source):
        source = Path(source)
    if isinstance(source, str) and source != STANDARD_STREAM:
        camera = None if "://" in source else _CAMERAS[sys.platform]
        source = source.removeprefix(_NUMBERED)
        try:
            return av.open(source, format=camera, timeout=_PATIENCE_S, **told)
        except av.error.FileNotFoundError as error:
            if camera is None:
                raise
            there = sorted(str(path) for path in Path("/dev").glob("video*"))
            here = ", ".join(there) or "none"
            raise UnreadableError(f"{source}: no such camera; there is {here}") from error
    told["options"] = bounds | {"format_whitelist": CONTAINERS_READ}
    if source == STANDARD_STREAM:
        return av.open(sys.stdin.buffer, **told)
    assert isinstance(source, Path)
    if not source.is_file():
        raise UnreadableError(f"{source}: no such file; check the path")
    return av.open(f"file:{source.absolute()}", **told)  # a colon in a name is no protocol's


def camera_of(number: int) -> str:
    """The n-th camera of this machine, from 0 on."""
    return f"/dev/video{number}" if sys.platform == "linux" else f"{_NUMBERED}{number}"


def is_live(source: str) -> bool:
    """Whether it has no end of its own: an address or a camera."""
    return "://" in source or source.startswith(("/dev/video", _NUMBERED))
