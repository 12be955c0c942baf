"""Where inputs are and outputs go, by what people say, and by what is likely where they do not."""

import os
from pathlib import Path

from ..batch.naming import renamed
from ..errors import InputError, OptionError
from ..video.kinds import ANIMATIONS, READ_AS_ANIMATIONS, is_video, written_as
from ..video.sources import STANDARD_STREAM

BESIDE = "{stem}-anon{suffix}"
"""Of outputs that lie beside their inputs."""


def picture_in(source: str) -> Path | None:
    """A picture's file; None for standard input.

    Raises:
        InputError: It is a video.
    """
    if source == STANDARD_STREAM:
        return None
    if is_video(Path(source)):
        raise InputError(f"{source}: a video; use 'ganonymize video', or name no command")
    return Path(source)


def picture_out(source: Path | None, out: str | None) -> Path | None:
    """Where a picture goes; None for standard output.

    Raises:
        OptionError: A picture from standard input is to go into a folder.
    """
    if out == STANDARD_STREAM or (source is None and out is None):
        return None
    if out is None:
        assert source is not None
        return beside(source, False)
    return into(out, source, False) if is_folder(out) else Path(out)


def video_in(source: str) -> Path | str:
    """A video's file; or standard input, an address, or a camera, which may be a number.

    Raises:
        InputError: It is a picture of a kind that holds no animations.
    """
    from ..io.images import is_picture
    from ..video.sources import camera_of, is_live

    if is_camera(source):
        return camera_of(int(source))
    if source == STANDARD_STREAM or is_live(source):
        return source
    path = Path(source)
    if is_picture(path) and path.suffix.lower() not in READ_AS_ANIMATIONS and path.is_file():
        raise InputError(f"{source}: a picture; use 'ganonymize image', or name no command")
    return path


def is_camera(source: str) -> bool:
    """Whether it is the number of a camera: there is no file of that name."""
    return source.isascii() and source.isdigit() and not Path(source).exists()


def video_out(source: Path | str, out: str | None) -> Path | None:
    """Where a video goes; None for standard output.

    Raises:
        OptionError: What has no name is to go into a folder.
    """
    if out == STANDARD_STREAM or (out is None and not isinstance(source, Path)):
        return None
    file = source if isinstance(source, Path) else None
    if out is None:
        assert file is not None
        return beside(file, True)
    return into(out, file, True) if is_folder(out) else Path(out)


def is_folder(out: str) -> bool:
    """Whether an output is meant to be a folder: it is one, or its name ends as of one."""
    return out.endswith(("/", os.sep)) or Path(out).is_dir()


def into(folder: str, source: Path | None, video: bool) -> Path:
    """A file of a folder for what has that name.

    Raises:
        OptionError: It has no name.
    """
    if source is None:
        raise OptionError(f"{folder}: a folder, and the input has no name; name a file in it")
    return Path(folder) / _written(source.name, video)


def beside(source: Path, video: bool) -> Path:
    """A file beside another."""
    return source.with_name(_written(renamed(source.name, BESIDE), video))


def is_animated(path: Path) -> bool:
    """Whether a file that may be a picture holds several, one after the other."""
    from PIL import Image as Pillow

    if path.suffix.lower() not in READ_AS_ANIMATIONS or path.suffix.lower() == ".gif":
        return False
    try:
        with Pillow.open(path, formats=["WEBP", "PNG", "AVIF"]) as opened:
            return int(getattr(opened, "n_frames", 1)) > 1
    except (OSError, ValueError, SyntaxError):
        return False  # whoever reads it says what is wrong


def _written(name: str, video: bool) -> str:
    """As it can be written: animations of kinds that are read alone become WebP."""
    suffix = Path(name).suffix.lower()
    if video and suffix in READ_AS_ANIMATIONS and suffix not in ANIMATIONS:
        return f"{name}.webp"
    return written_as(name)
