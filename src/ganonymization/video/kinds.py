"""Kinds of videos by their suffixes; nothing here needs FFmpeg."""

from pathlib import PurePath

CONTAINERS = (".mp4", ".m4v", ".mov", ".mkv", ".webm")
"""That are read and written."""

ANIMATIONS = (".gif", ".webp")
"""That are read and written; WebP may be a picture."""

READ_AS_ANIMATIONS = (*ANIMATIONS, ".png", ".apng", ".avif")
"""That are read frame by frame; all but GIF may be pictures."""

READ_ONLY = (
    ".avi", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg", ".vob", ".wmv", ".asf", ".3gp", ".3g2",
    ".flv", ".ogv", ".mxf", ".dv", ".mpe", ".m2v", ".mod", ".tod", ".tp", ".trp", ".qt", ".f4v",
    ".divx", ".rm", ".rmvb", ".lrv", ".insv", ".360", ".mjpg", ".mjpeg", ".h264", ".264", ".h265",
    ".265", ".hevc", ".dav",
)  # fmt: skip
"""That are read, and written as MP4: they hold no exact times, or what nobody plays any more."""

REPORT, STRIP = ".json", ".png"
"""Ends of the names of a video's report and of its strip."""


def is_video(path: PurePath) -> bool:
    """Whether the suffix is one of a video that is read here; WebP may be a picture."""
    return path.suffix.lower() in (*CONTAINERS, *READ_ONLY, ".gif")


def written_as(name: str) -> str:
    """What a file of a folder is called when it is written: ``a.avi`` becomes ``a.avi.mp4``."""
    return name + ".mp4" if PurePath(name).suffix.lower() in READ_ONLY else name
