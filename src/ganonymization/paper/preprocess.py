"""The published project's preprocessing: split, crop, head segmentation, landmark maps.

original/              the pictures, split into train, val and test
FaceCrop/              each face in the paper's crop
FaceSegmentation/      the same with everything but the head black
FacialLandmarks478/    that, and its landmark map to the right of it: what train_pix2pix reads
left_out.txt           pictures without a face, or unreadable, with the reason
"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..datasets.layout import face_pictures
from ..datasets.table import SPLITS
from ..errors import FaceError, InputError, OptionError, UnreadableError
from ..geometry import conditioning, transforms
from ..io import images
from ..io.files import write_bytes
from ..io.text import write_text
from ..landmarks.face_finder import FaceFinder
from ..training.prepare import prepare_face, prepared_from_image
from ..training.segment import OnnxSegmenter, PersonSegmenter
from ..types import Image, Skipped, Values

FOLDERS = ("original", "FaceCrop", "FaceSegmentation", "FacialLandmarks478")
_SEED = 42


@dataclass(frozen=True)
class PreprocessReport:
    """How many faces were written, by split, and what gave none."""

    faces: dict[str, int]
    skipped: list[Skipped]


@dataclass(frozen=True)
class _Job:
    """A picture, its split, its name in there, and the stem of what is made of it."""

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
    source, out = source.resolve(), out.resolve()
    pictures = face_pictures(source)
    for folder in (out / name for name in FOLDERS):
        if folder.is_dir() and any(folder.iterdir()):
            raise InputError(
                f"{folder}: not empty; two splits of the same faces would mix training and test: "
                "remove it or give another --output_dir"
            )
    jobs = _jobs(pictures, source, test_size, shuffle)
    finder, segmenter = FaceFinder(), OnnxSegmenter()

    def work(job: _Job) -> tuple[int, list[Skipped]]:
        return _write_faces(job, out, finder, segmenter, size_px, align_faces)

    report = PreprocessReport(dict.fromkeys(SPLITS, 0), [])
    with ThreadPoolExecutor(min(workers, len(jobs))) as pool:
        for job, (written, skipped) in zip(jobs, pool.map(work, jobs), strict=True):
            report.skipped.extend(skipped)
            report.faces[job.split] += written
    lines = [f"{path}\t{reason}\n" for path, reason, _ in report.skipped]
    write_text(out / "left_out.txt", "".join(lines))
    if not sum(report.faces.values()):
        raise InputError(f"{source}: no face was found in {len(pictures)} pictures")
    return report


def _jobs(pictures: list[Path], source: Path, test_size: float, shuffle: bool) -> list[_Job]:
    """Each picture with its split and a name that no other picture has."""
    named = [(path, *_split_of(path.relative_to(source))) for path in pictures]
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


def _split_of(name: Path) -> tuple[str, Path]:
    """The split that a path starts with, or nothing, and the rest of it."""
    first, *rest = name.parts
    return (first, Path(*rest)) if first in SPLITS and rest else ("", name)


def _write_faces(
    job: _Job, out: Path, finder: FaceFinder, segmenter: PersonSegmenter, size_px: int, align: bool
) -> tuple[int, list[Skipped]]:
    """Write every face of a picture; how many, and what was skipped."""
    try:
        data = job.path.read_bytes()
        image = images.read(job.path).pixels
    except (OSError, UnreadableError) as error:
        return 0, [Skipped(job.path, str(error), unreadable=True)]
    write_bytes(out / FOLDERS[0] / job.split / job.name, data)
    written, skipped = 0, []
    for landmarks_px in finder.each(image):
        if isinstance(landmarks_px, FaceError):
            skipped.append(Skipped(job.path, str(landmarks_px), unreadable=False))
            continue
        crop, head, dots = _face(image, landmarks_px, segmenter, size_px, align)
        # A further face takes the whole file name: a_1.jpg may be a picture of its own.
        stem = job.stem if not written else job.name.with_name(f"{job.name.name}_{written}")
        target = Path(job.split) / stem.with_name(stem.name + ".png")
        for folder, pixels in zip(FOLDERS[1:], (crop, head, np.hstack([head, dots])), strict=True):
            images.write(out / folder / target, images.Picture(np.ascontiguousarray(pixels)))
        written += 1
    return written, skipped


def _face(
    image: Image, landmarks_px: Values, segmenter: PersonSegmenter, size_px: int, align_faces: bool
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
    image_from_layers = transforms.inverse(prepared_from_image(landmarks_px))
    crop_from_layers = transforms.compose(crop_from_image, image_from_layers)
    opacity = transforms.warp(np.ascontiguousarray(layers[..., 3]), crop_from_layers, size_px)
    head = np.round(crop * (opacity[..., None] / 255.0)).astype(np.uint8)
    points = transforms.apply(crop_from_image, landmarks_px)
    return crop, head, conditioning.dots(points, size_px)
