"""A picture file, on disk or in memory: decoded, anonymized, and encoded again."""

import io
import itertools
from collections.abc import Container, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .errors import NoFaceError
from .io import images
from .options import OnNoFace, check_choice
from .pipeline import Anonymizer
from .types import Box, Image, Mask, Result


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
) -> tuple[Result, list[Path]]:
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
    boxes = [*add_boxes, *boxes_by_alpha(anonymizer, picture)]
    result = anonymizer(picture.pixels, seed=seed, name=name, add_boxes=boxes)
    result = replace(result, dropped=picture.dropped)
    shown = composed(picture, result)
    if not result.faces:
        chosen = on_no_face or ("skip" if anonymizer.mode == "portrait" else "copy")
        if chosen == "error":
            raise NoFaceError(f"{source}: no face found", "lower `min_score` or check the picture")
        shown = [picture] if chosen == "copy" else []
    numbered = (out.with_stem(f"{out.stem}_{i}") for i in itertools.count(1))
    free = (path for path in numbered if path not in reserved and not path.is_symlink())
    written = list(itertools.islice(itertools.chain([out], free), len(shown)))
    for path in written:  # all before the first is written
        images.check_output(source, path)
    for path, each in zip(written, shown, strict=True):
        images.write(path, each)
    return result, written


def anonymize_bytes(
    anonymizer: Anonymizer,
    content: bytes,
    *,
    seed: int,
    name: str = "",
    max_pixels: int = images.DEFAULT_MAX_PIXELS,
    kind: str | None = None,
) -> tuple[Result, list[bytes]]:
    """Anonymize a picture file in memory.

    Args:
        anonymizer: Its mode decides what is made: the scene, or a portrait for each face.
        content: Of the picture file.
        seed: Of the run.
        name: For messages, and for the seeds of the faces.
        max_pixels: Larger pictures are refused.
        kind: Pillow's name of the format to write; None writes the one that was read.

    Returns:
        The result and the picture files made; of a portrait without a face there are none.

    Raises:
        UnreadableError: The picture cannot be read.
        OutputError: The format cannot hold it.
    """
    picture = images.decode(io.BytesIO(content), name, max_pixels)
    boxes = boxes_by_alpha(anonymizer, picture)
    result = anonymizer(picture.pixels, seed=seed, name=name, add_boxes=boxes)
    result = replace(result, dropped=picture.dropped)
    made = composed(picture, result)
    return result, [images.encoded(each, kind or picture.kind, name) for each in made]


def boxes_by_alpha(anonymizer: Anonymizer, picture: images.Picture) -> list[Box]:
    """Boxes of faces as alpha shows them, for one may be drawn in it over a plain colour.

    Looked at are the picture over white and over black, and alpha itself, both ways.
    """
    alpha = picture.alpha
    if alpha is None or alpha.min() == alpha.max():
        return []
    own = alpha[..., None].astype(np.uint16)
    found = anonymizer.detect(_over(picture.pixels, own, 0))  # each look takes much memory
    found += anonymizer.detect(_over(picture.pixels, own, 255))
    for grey in (alpha, 255 - alpha):
        found += anonymizer.detect(np.repeat(grey[..., None], 3, 2))
    return [detection.box_xyxy for detection in found]


def _over(pixels: Image, alpha: NDArray[np.uint16], behind: int) -> Image:
    """Pixels over a plain grey, by (H, W, 1) alpha."""
    return ((pixels * alpha + behind * (255 - alpha)) // 255).astype(np.uint8)


def composed(picture: images.Picture, result: Result) -> list[images.Picture]:
    """What became of a picture: the scene, or a portrait of each face."""
    if result.image is None:
        return [images.Picture(head, grey=picture.grey) for head in result.portraits]
    return [without_faces(picture, result.image, result.composite_mask)]


def without_faces(picture: images.Picture, pixels: Image, composite_mask: Mask) -> images.Picture:
    """New pixels, opaque where faces were: alpha may show the outline of a face, or all of it."""
    alpha = picture.alpha
    if alpha is not None:
        alpha = np.where(composite_mask, np.uint8(255), alpha)
    return replace(picture, pixels=pixels, alpha=alpha)
