"""The shipped FaceMesh and BlazeFace beside MediaPipe's own, in one run: agreement and time.

    python benchmarks/landmarks.py FOLDER... [--every N] [--rounds 7]

Each face that CenterFace finds is cut as the pipeline cuts it first, and both networks look at that
crop. Times are in turns, ours of one thread unless the row says more; MediaPipe chooses its own.
"""

import argparse
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ganonymization.detect.base import detect_turned
from ganonymization.detect.blazeface import FAR, NEAR, BlazeFaceNetwork
from ganonymization.detect.centerface import CenterFace
from ganonymization.geometry import topology, transforms
from ganonymization.io import images
from ganonymization.landmarks.facemesh import FaceMesh
from ganonymization.types import Image

from processes import machine  # isort: skip

INSTALL = "python -m pip install mediapipe==0.10.21 'numpy<2'"
CROP_PX = 384
CORES = os.cpu_count() or 1
TIMED = 32  # crops of one round
TOGETHER = 8  # crops of one call
MIN_IOU = 0.5

Array = np.ndarray[Any, np.dtype[np.float64]]


class MediaPipe:
    """Its three graphs, each answering as ours does."""

    def __init__(self) -> None:
        if find_spec("mediapipe") is None:
            raise SystemExit(f"error: this compares with MediaPipe, which is missing; {INSTALL}")
        import mediapipe as mp

        solutions = mp.solutions
        self.mesh = solutions.face_mesh.FaceMesh(static_image_mode=True, refine_landmarks=True)
        self.finders = {
            reach.file: solutions.face_detection.FaceDetection(model_selection=model)
            for model, reach in enumerate((NEAR, FAR))
        }

    def landmarks(self, crop: Image) -> Array | None:
        """(478, 3) in pixels of the crop, or none where it sees no face."""
        faces = self.mesh.process(crop).multi_face_landmarks
        if not faces:
            return None
        height, width = crop.shape[:2]
        points = np.array([(p.x, p.y, p.z) for p in faces[0].landmark])
        return np.asarray(points * [width, height, width] - [0.5, 0.5, 0])

    def boxes(self, name: str, image: Image) -> Array:
        """(F, 4) corners as shares of the picture."""
        found = self.finders[name].process(image).detections or ()
        boxes = [d.location_data.relative_bounding_box for d in found]
        corners = [(b.xmin, b.ymin, b.xmin + b.width, b.ymin + b.height) for b in boxes]
        return np.array(corners, np.float64).reshape(-1, 4)


def pictures(folders: Sequence[Path], every: int) -> list[Image]:
    """Every nth picture of the folders."""
    paths = [p for folder in folders for p in images.walk(folder) if images.is_picture(p)]
    return [np.ascontiguousarray(images.read(path).pixels) for path in paths[::every]]


def crops_of(found: Sequence[Image]) -> list[Image]:
    """The first crop of every face."""
    detect, crops = CenterFace(), []
    for image in found:
        for detection in detect_turned(detect, image):
            crop_from_image = transforms.detection_crop(detection, CROP_PX, None, 2.0)
            crops.append(transforms.warp(image, crop_from_image, CROP_PX))
    return crops


def compare_landmarks(theirs: MediaPipe, ours: FaceMesh, crops: Sequence[Image]) -> None:
    """Print how far points lie apart, and which crops only one of both sees a face in."""
    apart, only_ours, only_theirs = [], 0, 0
    for crop in crops:
        (here,), there = ours.many([crop]), theirs.landmarks(crop)
        if here is None or there is None:
            only_ours += here is not None
            only_theirs += there is not None
            continue
        ends = there[[topology.OUTER_EYE_RIGHT, topology.OUTER_EYE_LEFT], :2]
        gaps = np.linalg.norm(here[:, :2] - there[:, :2], axis=1)
        apart.append(gaps / np.linalg.norm(ends[0] - ends[1]))
    by_face = np.array(apart).mean(1) * 100
    quantiles = ", ".join(f"{q:.0%} {np.quantile(by_face, q):.3f}" for q in (0.5, 0.9, 0.99, 1))
    print(f"{len(crops)} crops; a face seen by both in {len(apart)}, by ours alone in {only_ours}, "
          f"by MediaPipe alone in {only_theirs}")  # fmt: skip
    print(f"mean distance of points, % of the outer-eye distance: {by_face.mean():.3f}; "
          f"of faces: {quantiles}")  # fmt: skip


def compare_boxes(theirs: MediaPipe, found: Sequence[Image]) -> None:
    """Print how many boxes agree, and how well."""
    for reach in (NEAR, FAR):
        ours, overlaps, counts = BlazeFaceNetwork(reach, threads=1), [], np.zeros(2, int)
        for image in found:
            here = np.array([face[:2].reshape(4) for face, _ in ours([image])[0]]).reshape(-1, 4)
            there = theirs.boxes(reach.file, image)
            counts += len(here), len(there)
            if len(here) and len(there):
                best = iou(here[:, None], there[None]).max(0)
                overlaps += best[best >= MIN_IOU].tolist()
        print(f"{reach.file}: {counts[0]} boxes, MediaPipe {counts[1]}, of which {len(overlaps)} "
              f"found by both (IoU >= {MIN_IOU}), mean IoU {np.mean(overlaps):.3f}")  # fmt: skip


def iou(a: Array, b: Array) -> Array:
    """Intersection over union of boxes, by broadcasting."""
    low, high = np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:])
    common = np.clip(high - low, 0, None).prod(-1)
    areas = [(box[..., 2:] - box[..., :2]).prod(-1) for box in (a, b)]
    return np.asarray(common / (areas[0] + areas[1] - common))


def time_both(theirs: MediaPipe, ours: FaceMesh, crops: list[Image], rounds: int) -> None:
    """Print milliseconds of a face: median and least of rounds in turns."""
    crops, pool = crops[:TIMED], ThreadPoolExecutor(CORES)
    batches = [crops[i : i + TOGETHER] for i in range(0, len(crops), TOGETHER)]
    ways: dict[str, Callable[[], object]] = {
        "MediaPipe": lambda: [theirs.landmarks(crop) for crop in crops],
        "ours, one at a time": lambda: [ours.many([crop]) for crop in crops],
        f"ours, {TOGETHER} in a call": lambda: [ours.many(batch) for batch in batches],
        f"ours, {CORES} threads": lambda: list(pool.map(ours.many, [[crop] for crop in crops])),
    }
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(rounds + 1):  # the first warms up
        for name, way in ways.items():
            start, busy = time.perf_counter(), time.process_time()
            way()
            wall, busy = time.perf_counter() - start, time.process_time() - busy
            spent[name].append((wall * 1000 / len(crops), busy * 1000 / len(crops)))
    title = "landmarks of a face | median, ms | least, ms | least, ms of processor time"
    print(f"\n| {title} |\n" + "| --- " * 4 + "|")
    for name, times in spent.items():
        wall, busy = np.array(times[1:]).T
        print(f"| {name} | {np.median(wall):.2f} | {wall.min():.2f} | {busy.min():.2f} |")


def main() -> None:
    """Compare, then time."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--every", type=int, default=1, help="take every nth picture")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    theirs, ours = MediaPipe(), FaceMesh()
    print(machine("onnxruntime", "mediapipe", "numpy"))
    found = pictures(arguments.folders, arguments.every)
    crops = crops_of(found)
    compare_landmarks(theirs, ours, crops)
    compare_boxes(theirs, found)
    time_both(theirs, ours, crops, arguments.rounds)


if __name__ == "__main__":
    main()
