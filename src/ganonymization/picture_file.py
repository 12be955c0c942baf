"""A picture file, on disk or in memory: decoded, anonymized, and encoded again."""

import io
from collections.abc import Container, Sequence
from dataclasses import replace
from pathlib import Path

from .alpha import boxes_by_alpha as boxes_by_alpha
from .alpha import without_faces as without_faces
from .errors import NoFaceError
from .io import images
from .options import OnNoFace, check_choice
from .pipeline import Anonymizer
from .result import Result, composed
from .types import Box, Image


def anonymize_file(
    anonymizer: Anonymizer,
    source: Path,
    out: Path,
    *,
    seed: int,
    name: str = "",
    on_no_face: OnNoFace | None = None,
    max_pixels: int = images.DEFAULT_MAX_PIXELS,
    reserved: Container[Path] = (),
    add_boxes: Sequence[Box] = (),
) -> tuple[Result[Image], list[Path]]:
    """Read, anonymize and write one picture.

    Args:
        anonymizer: Its mode decides what is written: the scene, or a portrait for each face, the
            first under ``out``, further ones with ``_1``, ``_2`` before the suffix.
        source: The picture.
        out: The file to write.
        seed: Of the run.
        name: Relative path that the face seeds are drawn from.
        on_no_face: ``copy`` passes the picture on without its metadata, ``skip`` writes nothing,
            ``error`` raises; None copies scenes and skips portraits, since a copy in the place of
            a portrait would show whatever the detector missed.
        max_pixels: Larger pictures are refused.
        reserved: Files that further portraits must not take, for they belong to other pictures.
        add_boxes: Of faces that the detector misses, in pixels of the upright picture.

    Returns:
        The result and the files written.

    Raises:
        UnreadableError: The picture cannot be read.
        NoFaceError: There is no face and ``on_no_face`` is ``"error"``.
        OutputError: The file cannot be written.
    """
    if on_no_face is not None:
        check_choice(on_no_face, OnNoFace)
    images.check_output(source, out)
    picture = images.read(source, max_pixels)
    result, shown = _made(anonymizer, picture, seed, name, on_no_face, add_boxes, str(source))
    return result, images.write_numbered(out, shown, source, reserved)


def _made(
    anonymizer: Anonymizer, picture: images.Picture, seed: int, name: str,
    on_no_face: OnNoFace | None, add_boxes: Sequence[Box], told: str,
) -> tuple[Result[Image], list[images.Picture]]:  # fmt: skip
    """What became of a picture, and what is to be written of it; messages call it ``told``."""
    boxes = [*add_boxes, *boxes_by_alpha(anonymizer, picture)]
    result = anonymizer(picture.pixels, seed=seed, name=name, add_boxes=boxes)
    result = replace(result, dropped=picture.dropped)
    if result.faces:
        return result, composed(picture, result)
    chosen = on_no_face or ("skip" if anonymizer.mode == "portrait" else "copy")
    if chosen == "error":
        raise NoFaceError(f"{told}: no face found", "lower `min_score` or check the picture")
    return result, [picture] if chosen == "copy" else []


def anonymize_bytes(
    anonymizer: Anonymizer,
    content: bytes,
    *,
    seed: int,
    name: str = "",
    max_pixels: int = images.DEFAULT_MAX_PIXELS,
    kind: str | None = None,
    on_no_face: OnNoFace | None = None,
    add_boxes: Sequence[Box] = (),
) -> tuple[Result[Image], list[bytes]]:
    """Anonymize a picture file in memory.

    Args:
        anonymizer: Its mode decides what is made: the scene, or a portrait for each face.
        content: Of the picture file.
        seed: Of the run.
        name: For messages, and for the seeds of the faces.
        max_pixels: Larger pictures are refused.
        kind: Pillow's name of the format to write; None writes the one that was read.
        on_no_face: See :func:`anonymize_file`.
        add_boxes: Likewise.

    Returns:
        The result and the picture files made; of a portrait without a face there are none.

    Raises:
        UnreadableError: The picture cannot be read.
        NoFaceError: There is no face and ``on_no_face`` is ``"error"``.
        OutputError: The format cannot hold it.
    """
    picture = images.decode(io.BytesIO(content), name, max_pixels)
    result, made = _made(anonymizer, picture, seed, name, on_no_face, add_boxes, name)
    return result, [images.encoded(each, kind or picture.kind, name) for each in made]
