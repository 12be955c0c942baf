"""The published project's preprocessing: split, crop, head segmentation, landmark maps.

original/              the pictures, split into train, val and test
FaceCrop/              each face in the paper's crop
FaceSegmentation/      the same with everything but the head black
FacialLandmarks478/    that, and its landmark map to the right of it: what train_pix2pix reads
left_out.txt           pictures without a face, or unreadable, with the reason
"""

import queue
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from .. import align, condition, images, registry
from ..detect.base import Detector, DetectorOptions, detect_turned
from ..errors import FaceError, InputError, OptionError, UnreadableError
from ..landmarks.base import Landmarker
from ..locate import find_landmarks
from ..types import Image
from .data import GENERATOR_SIZE_PX, PREPARED_SIZE_PX
from .prepare import prepare_face
from .segment import PersonSegmenter, SelfieSegmentation

SPLITS = ("train", "val", "test")
FOLDERS = ("original", "FaceCrop", "FaceSegmentation", "FacialLandmarks478")
_SEED = 42


@dataclass(frozen=True)
class _Stages:
    """What one thread works with; MediaPipe's networks are not to be shared."""

    detector: Detector
    landmarker: Landmarker
    segmenter: PersonSegmenter


@dataclass(frozen=True)
class PreprocessReport:
    """What became of the pictures.

    Attributes:
        faces: How many were written, by split.
        left_out: Pictures without a face or unreadable, with the reason.
    """

    faces: dict[str, int]
    left_out: list[tuple[Path, str]]


def preprocess(
    source: Path,
    out: Path,
    size_px: int = 512,
    align_faces: bool = True,
    test_size: float = 0.1,
    shuffle: bool = True,
    workers: int = 8,
) -> PreprocessReport:
    """Run all steps of the published preprocessing. The input stays where it is.

    Args:
        source: A folder, read recursively. If it has folders named ``train``, ``val`` or ``test``,
            they are the splits.
        out: Where the four folders go.
        size_px: Side of the crops.
        align_faces: Turn faces upright.
        test_size: Share of the pictures for ``val``, and again for ``test``.
        shuffle: Split at random rather than in the files' order.
        workers: Pictures in work at a time.

    Raises:
        InputError: There is no picture, or no face in any.
        OptionError: A setting makes no sense.
    """
    if not 0 <= test_size < 0.5:
        raise OptionError(f"--test_size {test_size}: give a share from 0 to below 0.5")
    if not 16 <= size_px <= 4096 or workers < 1:
        raise OptionError("--img_size must be 16 to 4096 pixels and --num_workers at least 1")
    if not source.is_dir():
        raise InputError(f"{source}: not a folder; give a folder of face pictures")
    made = {out / name for name in FOLDERS}
    pictures = [
        p for p in images.walk(source) if images.is_picture(p) and not made & set(p.parents)
    ]
    if not pictures:
        raise InputError(f"{source}: holds no pictures; give a folder of face pictures")
    jobs = list(_split(pictures, source, test_size, shuffle))
    stages: queue.Queue[_Stages] = queue.Queue()
    for _ in range(min(workers, len(jobs))):
        stages.put(_load())

    def work(job: tuple[str, Path]) -> int | str:
        split, path = job
        original = out / FOLDERS[0] / split / path.relative_to(source)
        original.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, original)
        with _borrowed(stages) as mine:
            return _write_faces(path, out, original, mine, size_px, align_faces)

    report = PreprocessReport(dict.fromkeys(SPLITS, 0), [])
    with ThreadPoolExecutor(stages.qsize()) as pool:
        for (split, path), result in zip(jobs, pool.map(work, jobs), strict=True):
            if isinstance(result, str):
                report.left_out.append((path, result))
            else:
                report.faces[split] += result
    lines = [f"{path}\t{reason}\n" for path, reason in report.left_out]
    (out / "left_out.txt").write_text("".join(lines), encoding="utf-8", errors="backslashreplace")
    if not sum(report.faces.values()):
        raise InputError(f"{source}: no face was found in {len(pictures)} pictures")
    return report


def _split(
    pictures: list[Path], source: Path, test_size: float, shuffle: bool
) -> Iterator[tuple[str, Path]]:
    """Each picture with its split."""
    tops = [path.relative_to(source).parts[0] for path in pictures]
    if set(tops) & set(SPLITS):
        for top, path in zip(tops, pictures, strict=True):
            yield (top if top in SPLITS else "train", path)
        return
    order = list(range(len(pictures)))
    if shuffle:
        order = np.random.default_rng(_SEED).permutation(len(pictures)).tolist()
    held = round(test_size * len(pictures))
    for place, number in enumerate(order):
        split = "val" if place < held else "test" if place < 2 * held else "train"
        yield split, pictures[number]


def _load() -> _Stages:
    detector = registry.load(registry.DETECTORS, "centerface")(DetectorOptions())
    landmarker = registry.load(registry.LANDMARKERS, "facemesh")()
    return _Stages(detector, landmarker, SelfieSegmentation())


@contextmanager
def _borrowed(stages: "queue.Queue[_Stages]") -> Iterator[_Stages]:
    mine = stages.get()
    try:
        yield mine
    finally:
        stages.put(mine)


def _write_faces(
    path: Path, out: Path, original: Path, stages: _Stages, size_px: int, align_faces: bool
) -> int | str:
    """Write every face of a picture; how many, or why there is none."""
    try:
        image = images.read(path).pixels
        detections = detect_turned(stages.detector, image)
    except UnreadableError as error:
        return str(error)
    written, reason = 0, "no face found"
    for detection in detections:
        try:
            landmarks_px = find_landmarks(image, detection, stages.landmarker)
        except FaceError as error:
            reason = str(error)
            continue
        crop, head, dots = _face(image, landmarks_px, stages.segmenter, size_px, align_faces)
        suffix = f"_{written}.png" if written else ".png"
        name = original.relative_to(out / FOLDERS[0]).with_suffix("")
        for folder, pixels in zip(FOLDERS[1:], (crop, head, np.hstack([head, dots])), strict=True):
            target = out / folder / name.with_name(name.name + suffix)
            images.write(target, images.Picture(np.ascontiguousarray(pixels)))
        written += 1
    return written or reason


def _face(
    image: Image,
    landmarks_px: NDArray[np.float64],
    segmenter: PersonSegmenter,
    size_px: int,
    align_faces: bool,
) -> tuple[Image, Image, Image]:
    """Crop, crop with the head alone, landmark map."""
    crop_from_image = align.generator_crop(landmarks_px, size_px, align.PAPER_CROP_SIDE_EYES)
    if not align_faces:
        middle = (size_px - 1) / 2
        back = align.similarity((middle, middle), size_px, align.angle_of(crop_from_image), size_px)
        crop_from_image = align.compose(back, crop_from_image)
    crop = align.warp(image, crop_from_image, size_px, cv2.BORDER_CONSTANT)
    layers, _ = prepare_face(image, landmarks_px, segmenter)
    layers_from_image = align.generator_crop(landmarks_px, GENERATOR_SIZE_PX)
    layers_from_image[:, 2] += (PREPARED_SIZE_PX - GENERATOR_SIZE_PX) / 2
    crop_from_layers = align.compose(crop_from_image, align.inverse(layers_from_image))
    opacity = align.warp(np.ascontiguousarray(layers[..., 3]), crop_from_layers, size_px)
    head = np.round(crop * (opacity[..., None] / 255.0)).astype(np.uint8)
    points = align.apply(crop_from_image, landmarks_px)
    return crop, head, condition.dots(points, size_px)
