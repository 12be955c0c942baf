"""Pictures on disk: read upright and as RGB, written completely or not at all, without metadata.

What is kept of a file beside its pixels: alpha, the ICC profile, greyness, and a JPEG's
quantisation tables. What is dropped: EXIF with GPS and its thumbnail (which still shows the face),
XMP, comments, text chunks, further frames of a multi-picture JPEG.
"""

import io
import itertools
from collections.abc import Callable, Container, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from ..errors import GanonymizationError, InputError, OutputError, UnreadableError
from .beside import beside
from .decoding import Picture as Picture
from .decoding import check_kind, check_scans, decoded, know_heif
from .files import atomic_path
from .files import walk as walk

WRITERS = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG", ".mpo": "JPEG",
    ".jif": "JPEG", ".pjpeg": "JPEG", ".pjp": "JPEG", ".jps": "JPEG", ".insp": "JPEG",
    ".png": "PNG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP", ".dib": "BMP",
    ".avif": "AVIF", ".heic": "HEIF", ".heif": "HEIF", ".hif": "HEIF",
}  # fmt: skip
"""Suffixes of pictures that are read and written, and Pillow's names of their formats."""

_READERS = sorted(set(WRITERS.values()) - {"HEIF"})  # no others: EPS, say, would run a program
DEFAULT_MAX_PIXELS = 120_000_000
_WITH_ALPHA = {"PNG", "WEBP", "TIFF", "AVIF", "HEIF"}
_JPEG_QUALITY = 95


def is_picture(path: Path) -> bool:
    """Whether the suffix is one of a picture that is read and written here."""
    return path.suffix.lower() in WRITERS


def begins_picture(head: bytes) -> bool:
    """Whether a file that begins so is a picture, rather than a video.

    Args:
        head: The first 12 bytes.
    """
    still = (b"avif", b"heic", b"heix", b"mif1", b"heif")
    return (
        head.startswith((b"\xff\xd8\xff", b"\x89PNG", b"II*\0", b"MM\0*", b"BM"))
        or head[8:12] == b"WEBP"
        or (head[4:8] == b"ftyp" and head[8:12] in still)
    )


def kind_of(path: Path) -> str:
    """Pillow's name of the format that a suffix stands for.

    Raises:
        OutputError: It stands for none that is written.
    """
    if path.suffix.lower() not in WRITERS:
        raise OutputError(
            f"{path}: pictures cannot be written as {path.suffix or 'a file without suffix'!r}; "
            f"use one of {', '.join(WRITERS)}"
        )
    return WRITERS[path.suffix.lower()]


def content_of(path: Path) -> bytes:
    """What a file holds.

    Raises:
        UnreadableError: It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableError(f"{path}: cannot be read ({error.strerror})") from error


def read(path: Path, max_pixels: int = DEFAULT_MAX_PIXELS) -> Picture:
    """Read a picture upright, as RGB.

    Args:
        path: JPEG, PNG, WebP, TIFF, BMP, AVIF or HEIC; 8 or 16 bit, grey, palette, alpha or CMYK.
        max_pixels: Larger pictures are refused before they are decoded.

    Raises:
        UnreadableError: Missing, a folder, empty, truncated, no picture, animated, too large, or a
            JPEG of too many scans.
    """
    try:
        if path.is_dir():
            raise UnreadableError(f"{path}: a folder, not a picture; use 'ganonymize folder'")
        if path.stat().st_size == 0:
            raise UnreadableError(f"{path}: the file is empty; copy it anew")
        with path.open("rb") as file:
            return decode(file, str(path), max_pixels)
    except FileNotFoundError as error:
        raise UnreadableError(f"{path}: no such file; check the path") from error
    except OSError as error:
        raise UnreadableError(f"{path}: damaged or unreadable ({error}); copy it anew") from error


def decode(
    file: IO[bytes],
    name: str,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    admit: Callable[[int, int], None] = lambda width, height: None,
) -> Picture:
    """As :func:`read`, from an open file.

    Args:
        file: Binary, at its start.
        name: For messages.
        max_pixels: Larger pictures are refused before they are decoded.
        admit: Called with width and height before pixels are decoded; an InputError refuses them.

    Raises:
        UnreadableError: Truncated, no picture, animated, too large, or a JPEG of too many scans.
    """
    try:
        formats, held = _READERS, beside(file)
        if file.read(12)[4:8] == b"ftyp":
            know_heif()
            formats = [*_READERS, "HEIF"]
        file.seek(0)
        with Pillow.open(file, formats=formats) as opened:
            check_kind(name, opened, max_pixels)
            if opened.format in ("JPEG", "MPO"):
                start = file.tell()
                file.seek(0)
                check_scans(name, file.read(), opened, max_pixels)
                file.seek(start)
            admit(*opened.size)
            return decoded(opened, held)
    except InputError:
        raise
    except UnidentifiedImageError as error:
        raise UnreadableError(
            f"{name}: not a picture that can be read; give a JPEG, PNG, WebP, TIFF, BMP, AVIF or "
            "HEIC, and a video or GIF to 'ganonymize video'"
        ) from error
    except Pillow.DecompressionBombError as error:
        raise UnreadableError(f"{name}: too many pixels; shrink it first") from error
    except MemoryError as error:
        raise UnreadableError(f"{name}: needs too much memory; shrink it first") from error
    except Exception as error:  # decoders raise anything on files that were made to break them
        reason = " ".join(str(error).split())  # in one line
        raise UnreadableError(f"{name}: damaged or unreadable ({reason}); copy it anew") from error


def check_output(source: Path | None, out: Path) -> None:
    """Refuse an output name before any work is done.

    Raises:
        OutputError: It is the input, a folder, or has a suffix that cannot be written.
    """
    try:
        is_folder = out.is_dir()
        is_input = source is not None and out.exists() and source.exists() and out.samefile(source)
    except OSError as error:
        raise OutputError(f"{out}: cannot be used ({error.strerror}); choose another") from error
    if is_folder:
        raise OutputError(f"{out}: is a folder; give the name of a file in it")
    if is_input:
        raise OutputError(f"{out}: is the input; give another name, the original is never replaced")
    kind_of(out)


def write(path: Path, picture: Picture) -> None:
    """Write a picture; under its name there is a whole file or nothing new.

    Args:
        path: Its suffix decides the format; missing folders are made.
        picture: What to write.

    Raises:
        OutputError: The folder cannot be made or written, or the suffix is unknown.
    """
    kind = kind_of(path)
    write_whole(path, lambda file: encode(file, picture, kind))


def write_numbered(
    out: Path,
    pictures: Sequence[Picture],
    source: Path | None = None,
    reserved: Container[Path] = (),
) -> list[Path]:
    """Write pictures, the first under its name, further ones with ``_1``, ``_2`` before the suffix.

    Args:
        out: The file to write.
        pictures: What to write.
        source: A file that is not replaced.
        reserved: Files that further pictures must not take.

    Raises:
        OutputError: A file is the source, or cannot be written.
    """
    written = numbered(out, len(pictures), reserved)
    for path in written:  # all before the first is written
        check_output(source, path)
    for path, picture in zip(written, pictures, strict=True):
        write(path, picture)
    return written


def numbered(out: Path, count: int, reserved: Container[Path] = ()) -> list[Path]:
    """Names of so many pictures, as :func:`write_numbered` gives them."""
    further = (out.with_stem(f"{out.stem}_{i}") for i in itertools.count(1))
    free = (path for path in further if path not in reserved and not path.is_symlink())
    return list(itertools.islice(itertools.chain([out], free), count))


def encode(file: IO[bytes], picture: Picture, kind: str) -> None:
    """Write a picture without metadata to an open file.

    Args:
        file: Binary.
        picture: What to write.
        kind: Pillow's name of a format in ``WRITERS``.
    """
    if kind == "HEIF":
        know_heif()
    image, options = _encodable(picture, kind)
    image.save(file, kind, **options)


def encoded(picture: Picture, kind: str, name: str) -> bytes:
    """A picture file in memory, without metadata.

    Args:
        picture: What to write.
        kind: Pillow's name of a format in ``WRITERS``.
        name: For messages.

    Raises:
        OutputError: The format cannot hold it, as where it is too large.
    """
    file = io.BytesIO()
    try:
        encode(file, picture, kind)
    except Exception as error:  # encoders raise their own
        raise OutputError(f"{name}: cannot be written as {kind} ({error})") from error
    return file.getvalue()


def for_pillow(picture: Picture) -> Pillow.Image:
    """A picture for Pillow, in mode L, LA, RGB or RGBA, with its colour profile."""
    image = Pillow.fromarray(np.ascontiguousarray(picture.pixels))
    if picture.grey:
        image = image.convert("L")
    if picture.alpha is not None:
        image = image.convert("LA" if picture.grey else "RGBA")
        image.putalpha(Pillow.fromarray(picture.alpha))
    if picture.icc:
        image.info["icc_profile"] = picture.icc
    return image


def _encodable(picture: Picture, kind: str) -> tuple[Pillow.Image, dict[str, Any]]:
    image = for_pillow(picture if kind in _WITH_ALPHA else replace(picture, alpha=None))
    if picture.grey and kind in ("WEBP", "AVIF", "HEIF") and image.mode == "LA":
        image = image.convert("RGBA")
    options: dict[str, Any] = {"icc_profile": picture.icc} if picture.icc else {}
    if kind == "JPEG":
        options |= picture.jpeg or {"quality": _JPEG_QUALITY, "subsampling": 0}
    elif kind in ("WEBP", "AVIF", "HEIF"):
        options["quality"] = 90
        if kind == "WEBP":
            options["method"] = 2  # 4 % larger than the usual 4, in half the time
    elif kind == "PNG":
        options["compress_level"] = 3  # a tenth larger than the usual 6, in less than half the time
    elif kind == "TIFF":
        options["compression"] = "tiff_deflate"
    return image, options


def write_whole(path: Path, fill: Any) -> None:
    """Call ``fill(file)`` with a temporary file that replaces ``path`` when it is whole.

    Raises:
        OutputError: It cannot be written, or ``fill`` raised what is no error of ours.
    """
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        try:
            fill(file)
        except (GanonymizationError, OSError):
            raise
        except Exception as error:
            raise OutputError(f"{path}: cannot be written ({error})") from error
