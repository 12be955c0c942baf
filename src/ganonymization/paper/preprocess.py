"""The published project's preprocessing: split, crop, head segmentation, landmark maps.

original/              the pictures, split into train, val and test
FaceCrop/              each face in the paper's crop
FaceSegmentation/      the same with everything but the head black
FacialLandmarks478/    that, and its landmark map to the right of it: what train_pix2pix reads
left_out.txt           pictures without a face, or unreadable, with the reason
"""

import queue
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from .. import registry
from ..detect.base import Detector, DetectorOptions, detect_turned
from ..errors import FaceError, InputError, OptionError, UnreadableError
from ..geometry import conditioning, transforms
from ..io import images
from ..landmarks.base import Landmarker
from ..landmarks.search import find_landmarks
from ..training.layout import GENERATOR_SIZE_PX, PREPARED_SIZE_PX
from ..training.prepare import prepare_face
from ..training.segment import OnnxSegmenter, PersonSegmenter
from ..types import Image, Skipped

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
        left_out: Pictures that gave no face, and faces without landmarks.
    """

    faces: dict[str, int]
    left_out: list[Skipped]


@dataclass(frozen=True)
class _Job:
    """One picture on its way.

    Attributes:
        path: Of the picture.
        split: Where it goes.
        name: Relative to the split's folder.
        stem: Of the pictures made of it.
    """

    path: Path
    split: str
    name: Path
    stem: Path


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
        InputError: There is no picture, no face in any, or output of another call.
        OptionError: A setting makes no sense.
        OutputError: A picture cannot be written.
    """
    if not 0 <= test_size < 0.5:
        raise OptionError(f"--test_size {test_size}: give a share from 0 to below 0.5")
    if not 16 <= size_px <= 4096 or workers < 1:
        raise OptionError("--img_size must be 16 to 4096 pixels and --num_workers at least 1")
    if not source.is_dir():
        raise InputError(f"{source}: not a folder; give a folder of face pictures")
    source, out = source.resolve(), out.resolve()
    made = [out / name for name in FOLDERS]
    for folder in made:
        if folder.is_dir() and any(folder.iterdir()):
            raise InputError(
                f"{folder}: not empty; two splits of the same faces would mix training and test: "
                "remove it or give another --output_dir"
            )
    pictures = [path for path in images.walk(source) if images.is_picture(path)]
    if not pictures:
        raise InputError(f"{source}: holds no pictures; give a folder of face pictures")
    jobs = _jobs(pictures, source, test_size, shuffle)
    stages: queue.Queue[_Stages] = queue.Queue()
    for _ in range(min(workers, len(jobs))):
        stages.put(_load())

    def work(job: _Job) -> tuple[int, list[Skipped]]:
        with _borrowed(stages) as mine:
            return _write_faces(job, out, mine, size_px, align_faces)

    report = PreprocessReport(dict.fromkeys(SPLITS, 0), [])
    with ThreadPoolExecutor(stages.qsize()) as pool:
        for job, (written, left_out) in zip(jobs, pool.map(work, jobs), strict=True):
            report.left_out.extend(left_out)
            report.faces[job.split] += written
    lines = "".join(f"{path}\t{reason}\n" for path, reason, _ in report.left_out)
    told = lines.encode("utf-8", "backslashreplace")
    images.write_whole(out / "left_out.txt", lambda file: file.write(told))
    if not sum(report.faces.values()):
        raise InputError(f"{source}: no face was found in {len(pictures)} pictures")
    return report


def _jobs(pictures: list[Path], source: Path, test_size: float, shuffle: bool) -> list[_Job]:
    """Each picture with its split and a name that no other picture has."""
    named = [(path, *_told(path.relative_to(source))) for path in pictures]
    if not any(split for _, split, _ in named):
        order = list(range(len(pictures)))
        if shuffle:
            order = np.random.default_rng(_SEED).permutation(len(pictures)).tolist()
        held = round(test_size * len(pictures))
        splits = ["val"] * held + ["test"] * held
        splits += ["train"] * (len(pictures) - len(splits))
        chosen = dict(zip(order, splits, strict=True))
        named = [(path, chosen[i], name) for i, (path, _, name) in enumerate(named)]
    stems = Counter((split, name.with_suffix("")) for _, split, name in named)
    jobs = []
    for path, split, name in named:
        alone = stems[split, name.with_suffix("")] == 1
        jobs.append(_Job(path, split or "train", name, name.with_suffix("") if alone else name))
    return jobs


def _told(name: Path) -> tuple[str, Path]:
    """The split that a path starts with, or nothing, and the rest of it."""
    first, *rest = name.parts
    return (first, Path(*rest)) if first in SPLITS and rest else ("", name)


def _load() -> _Stages:
    detector = registry.load(registry.DETECTORS, "centerface")(DetectorOptions())
    landmarker = registry.load(registry.LANDMARKERS, "facemesh")()
    return _Stages(detector, landmarker, OnnxSegmenter())


@contextmanager
def _borrowed(stages: "queue.Queue[_Stages]") -> Iterator[_Stages]:
    mine = stages.get()
    try:
        yield mine
    finally:
        stages.put(mine)


def _write_faces(
    job: _Job, out: Path, stages: _Stages, size_px: int, align_faces: bool
) -> tuple[int, list[Skipped]]:
    """Write every face of a picture; how many, and what was left out.

    Raises:
        OutputError: A picture cannot be written.
    """
    try:
        data = job.path.read_bytes()
        image = images.read(job.path).pixels
    except (OSError, UnreadableError) as error:
        return 0, [Skipped(job.path, str(error), unreadable=True)]
    images.write_whole(out / FOLDERS[0] / job.split / job.name, lambda file: file.write(data))
    detections = detect_turned(stages.detector, image)
    if not detections:
        return 0, [Skipped(job.path, "no face found", unreadable=False)]
    written, left_out = 0, []
    for detection in detections:
        try:
            landmarks_px = find_landmarks(image, detection, stages.landmarker)
        except FaceError as error:
            left_out.append(Skipped(job.path, str(error), unreadable=False))
            continue
        crop, head, dots = _face(image, landmarks_px, stages.segmenter, size_px, align_faces)
        # A further face takes the whole file name: a_1.jpg may be a picture of its own.
        stem = job.stem if not written else job.name.with_name(f"{job.name.name}_{written}")
        target = Path(job.split) / stem.with_name(stem.name + ".png")
        for folder, pixels in zip(FOLDERS[1:], (crop, head, np.hstack([head, dots])), strict=True):
            images.write(out / folder / target, images.Picture(np.ascontiguousarray(pixels)))
        written += 1
    return written, left_out


def _face(
    image: Image,
    landmarks_px: NDArray[np.float64],
    segmenter: PersonSegmenter,
    size_px: int,
    align_faces: bool,
) -> tuple[Image, Image, Image]:
    """Crop, crop with the head alone, landmark map."""
    crop_from_image = transforms.generator_crop(
        landmarks_px, size_px, transforms.PAPER_CROP_SIDE_EYES
    )
    if not align_faces:
        middle = (size_px - 1) / 2
        back = transforms.similarity(
            (middle, middle), size_px, transforms.angle_of(crop_from_image), size_px
        )
        crop_from_image = transforms.compose(back, crop_from_image)
    crop = transforms.warp(image, crop_from_image, size_px, cv2.BORDER_CONSTANT)
    layers, _ = prepare_face(image, landmarks_px, segmenter)
    layers_from_image = transforms.generator_crop(landmarks_px, GENERATOR_SIZE_PX)
    layers_from_image[:, 2] += (PREPARED_SIZE_PX - GENERATOR_SIZE_PX) / 2
    crop_from_layers = transforms.compose(crop_from_image, transforms.inverse(layers_from_image))
    opacity = transforms.warp(np.ascontiguousarray(layers[..., 3]), crop_from_layers, size_px)
    head = np.round(crop * (opacity[..., None] / 255.0)).astype(np.uint8)
    points = transforms.apply(crop_from_image, landmarks_px)
    return crop, head, conditioning.dots(points, size_px)
