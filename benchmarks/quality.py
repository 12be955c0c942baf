"""How well the new faces keep geometry and expression, and what is covered in group pictures.

    python benchmarks/quality.py PORTRAITS [--scenes FOLDER] [--model FILE] [--every N]

PORTRAITS is a folder of pictures with one face each. SCENES holds pictures and ``boxes.json`` with
hand-made boxes (left, top, width, height). Landmarks are found again in the finished output, by the
way a new picture would go; a face that was filled counts as not found. Distances are in outer-eye
distances of the face (its pose removed), averaged over the 468 surface points.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganonymization import Anonymizer, FaceError, align, composite, images
from ganonymization.detect.base import detect_turned
from ganonymization.locate import find_landmarks
from ganonymization.types import Detection, Image

SEED = 11
MOUTH, EYES = (13, 14), ((159, 145), (386, 374))


def eyes_px(landmarks_px: NDArray[np.float64]) -> float:
    """The outer-eye distance, told from the whole pose."""
    return (
        1 / align.scale_of(align.generator_crop(landmarks_px, 1000)) * 1000 / align.CROP_SIDE_EYES
    )


def openings(landmarks_px: NDArray[np.float64]) -> tuple[float, float]:
    """Mouth and mean eye opening, in outer-eye distances."""
    unit = eyes_px(landmarks_px)

    def gap(a: int, b: int) -> float:
        return float(np.linalg.norm(landmarks_px[a, :2] - landmarks_px[b, :2])) / unit

    return gap(*MOUTH), (gap(*EYES[0]) + gap(*EYES[1])) / 2


def upright(landmarks_px: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Where a level portrait of this size shows the landmarks."""
    return align.apply(align.generator_crop(landmarks_px, size), landmarks_px)


def again(image: Image, expected: NDArray[np.float64], anonymizer: Anonymizer):
    """Landmarks found in an output near where they were asked for, or None."""
    low, high = expected[:, :2].min(0), expected[:, :2].max(0)
    detection = Detection((*low.tolist(), *high.tolist()), 1.0)
    try:
        return find_landmarks(image, detection, anonymizer._landmarker)
    except FaceError:
        return None


def interval(values: list[float]) -> str:
    """Mean with a 95 % interval by bootstrap over pictures."""
    data = np.array(values)
    rng = np.random.default_rng(0)
    means = data[rng.integers(0, len(data), (2000, len(data)))].mean(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{data.mean():.4f} [{low:.4f}, {high:.4f}]"


def measure(paths: list[Path], anonymizer: Anonymizer) -> None:
    """Print the table of one mode."""
    found, errors, before, after, no_face, reasons = [], [], [], [], 0, {}
    for path in paths:
        image = images.read(path).pixels
        detections = detect_turned(anonymizer._detector, image)
        if not detections:
            no_face += 1
            continue
        try:
            points = find_landmarks(image, detections[0], anonymizer._landmarker)
        except FaceError:
            points = None
        result = anonymizer(image, seed=SEED, name=path.name)
        if points is None or not result.faces[0].synthesized:
            found.append(0.0)
            reasons[path.name] = result.faces[0].outcome
            continue
        if result.image is None:
            output, expected = result.portraits[0], upright(points, 512)
        else:
            output, expected = result.image, points
        seen = again(output, expected, anonymizer)
        found.append(float(seen is not None))
        if seen is None:
            reasons[path.name] = "not found again"
            continue
        gap = np.linalg.norm(seen[:468, :2] - expected[:468, :2], axis=1).mean()
        errors.append(float(gap) / eyes_px(expected))
        before.append(openings(expected))
        after.append(openings(seen))
    a, b = np.array(before), np.array(after)
    print(f"  pictures {len(paths)}, without a detected face {no_face}")
    print(f"  landmarks found again     {interval(found)}")
    print(f"  mean landmark error       {interval(errors)}")
    print(f"  mouth opening, r          {np.corrcoef(a[:, 0], b[:, 0])[0, 1]:.3f}")
    print(f"  eye opening, r            {np.corrcoef(a[:, 1], b[:, 1])[0, 1]:.3f}")
    for name, reason in reasons.items():
        print(f"    {name}: {reason}")


def coverage(folder: Path, anonymizer: Anonymizer) -> None:
    """Print how many of the marked faces are covered and how many synthesized."""
    boxes = json.loads((folder / "boxes.json").read_text())
    marked = covered = synthesized = 0
    for path in sorted(folder.glob("*.jpg")):
        result = anonymizer(images.read(path).pixels, seed=SEED, name=path.name)
        shares = []
        for left, top, width, height in boxes.get(path.name, []):
            box = (left, top, left + width, top + height)
            marked += 1
            shares.append(composite.covered_share(box, result.composite_mask))
            covered += shares[-1] > 0.95
            x, y = left + width / 2, top + height / 2
            synthesized += any(
                f.synthesized and f.box_xyxy[0] < x < f.box_xyxy[2]
                and f.box_xyxy[1] < y < f.box_xyxy[3] for f in result.faces
            )  # fmt: skip
        drawn = sum(f.synthesized for f in result.faces)
        least = f", least covered {min(shares):.2f}" if shares else ""
        print(f"  {path.name}: {len(result.faces)} found, {drawn} synthesized{least}")
    print(f"  marked faces {marked}, covered {covered}, synthesized {synthesized}")


def main() -> None:
    """Measure both modes and, if asked, coverage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("portraits", type=Path)
    parser.add_argument("--scenes", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--every", type=int, default=1, help="take every n-th picture")
    arguments = parser.parse_args()
    anonymizer = Anonymizer(model=arguments.model)
    paths = [p for p in images.walk(arguments.portraits) if images.is_picture(p)]
    for mode in ("scene", "portrait"):
        print(f"{mode}, {arguments.portraits.name}")
        measure(paths[:: arguments.every], anonymizer.in_mode(mode))
    if arguments.scenes:
        print(f"coverage, {arguments.scenes.name}")
        coverage(arguments.scenes, anonymizer)


if __name__ == "__main__":
    main()
