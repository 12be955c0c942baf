"""Do new faces look like people of a picture? Variety, sharpness and tone, beside the originals'.

    python benchmarks/appearance.py PORTRAITS [--model default] [--model plain] [--seeds 4]

PORTRAITS holds pictures of one face each; every second one is used. Scenes, balanced privacy.

Variety: the mean distance by dlib's recogniser between a face drawn with different seeds, of that
between different originals. Sharpness: mean absolute Laplacian within the face's oval, of the
original's. Tone: distance in CIELAB from the jaw to the neck under it, both as they are in the
output; where the original's own is above 12 the neck is no skin, or in shade, and does not count.
"""

import argparse
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ganonymization import Anonymizer
from ganonymization.geometry import topology
from ganonymization.io import images
from ganonymization.recognize.recogniser import DlibRecogniser
from ganonymization.types import Image

JAW, CHIN, BROW = (176, 400, 208, 428), 152, 10
NECK_EYES, PATCH_EYES = 0.45, 0.08  # below the chin; half a side; outer-eye distances
MOST_DELTA = 12.0
Points = NDArray[np.float64]


def sharpness(image: Image, points: Points) -> float:
    """Mean absolute Laplacian of the grey face."""
    oval = np.zeros(image.shape[:2], np.uint8)
    rim = np.round(points[list(topology.FACE_OVAL), :2]).astype(np.int32)
    cv2.fillConvexPoly(oval, cv2.convexHull(rim), (1,))
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return float(np.abs(cv2.Laplacian(grey, cv2.CV_32F))[oval > 0].mean())


def step_to_neck(image: Image, points: Points) -> float:
    """Distance in CIELAB between jaw and neck; infinite where there is no neck in the picture."""
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    eyes = float(np.linalg.norm(points[33, :2] - points[263, :2]))
    down = points[CHIN, :2] - points[BROW, :2]
    neck = points[CHIN, :2] + NECK_EYES * eyes * down / np.linalg.norm(down)
    half = max(1, round(PATCH_EYES * eyes))

    def tone(places: Points) -> NDArray[np.float32]:
        patches = [
            lab[max(0, y - half) : y + half, max(0, x - half) : x + half].reshape(-1, 3)
            for x, y in np.round(places).astype(int)
        ]
        return np.median(np.concatenate(patches), 0) if sum(map(len, patches)) else np.full(3, 1e9)

    gap = float(np.linalg.norm(tone(neck[None]) - tone(points[list(JAW), :2])))
    return gap if gap < 1e3 else np.inf


def main() -> None:
    """Print a table, a column for each model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("portraits", type=Path)
    parser.add_argument("--model", action="append")
    parser.add_argument("--seeds", type=int, default=4)
    a = parser.parse_args()
    paths = [path for path in images.walk(a.portraits) if images.is_picture(path)][::2]
    recogniser, originals = DlibRecogniser(), []
    finder = Anonymizer(model="plain")
    for path in paths:
        image = images.read(path).pixels
        found = finder.locate(image)
        if found and found[0].landmarks_px is not None:
            originals.append((path.name, image, found[0].landmarks_px))
    features = [recogniser(image, points) for _, image, points in originals]
    apart = np.mean([np.linalg.norm(x - y) for x, y in combinations(features, 2)])
    counted = [step_to_neck(image, points) <= MOST_DELTA for _, image, points in originals]
    print(f"{len(originals)} portraits, {sum(counted)} with a neck\n")
    print("| model | variety | sharpness | jaw to neck, median | 95th percentile |")
    print("| --- | --- | --- | --- | --- |")
    steps = [
        step_to_neck(image, p) for (_, image, p), c in zip(originals, counted, strict=True) if c
    ]
    print(f"| originals | 1 | 1 | {np.median(steps):.1f} | {np.percentile(steps, 95):.1f} |")
    for model in a.model or ["default"]:
        anonymizer = Anonymizer(model=model, audit=False)
        gaps, sharp, steps = [], [], []
        for (name, image, points), skin in zip(originals, counted, strict=True):
            drawn = []
            for seed in range(a.seeds):
                output = anonymizer(image, seed=seed, name=name).image
                assert output is not None
                located = finder.locate(output)
                if not located or located[0].landmarks_px is None:
                    continue
                new = located[0].landmarks_px
                drawn.append(recogniser(output, new))
                sharp.append(sharpness(output, new) / sharpness(image, points))
                if skin:
                    steps.append(step_to_neck(output, new))
            gaps += [np.linalg.norm(x - y) for x, y in combinations(drawn, 2)]
        finite = np.array(steps)[np.isfinite(steps)]
        print(
            f"| {model} | {np.mean(gaps) / apart:.2f} | {np.median(sharp):.2f} | "
            f"{np.median(finite):.1f} | {np.percentile(finite, 95):.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
