"""How far is the crowd of new faces from that of real pictures? Fréchet distances of features.

    python benchmarks/frechet.py PORTRAITS [--model default] [--model plain] [--mode scene]

PORTRAITS holds pictures of one face each. Features are dlib's recogniser's (128 numbers) and
EfficientNet-Lite1's (ImageNet, the pooled last layer, of a colour crop of the head), both brought
to 32 by the principal components of the originals, for a covariance of more needs thousands of
faces. The distance is that of two Gaussians (Heusel et al., NeurIPS 2017). Halves of the originals
against each other tell what is least.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from expressions import imagenet_network
from numpy.typing import NDArray
from scipy.linalg import sqrtm

from ganonymization import Anonymizer
from ganonymization.geometry import transforms
from ganonymization.io import images
from ganonymization.recognize.recogniser import DlibRecogniser
from ganonymization.types import Image

KEPT, CROP_PX = 32, 240
Array = NDArray[np.float64]


class Looks:
    """EfficientNet-Lite1's features of a head."""

    def __init__(self) -> None:
        self.net = imagenet_network()

    @torch.inference_mode()
    def __call__(self, image: Image, points: Array) -> Array:
        """(1280,) of (H, W, 3) uint8 RGB."""
        crop = transforms.warp(image, transforms.generator_crop(points, CROP_PX), CROP_PX)
        x = torch.from_numpy(crop.astype(np.float32) / 127.5 - 1).permute(2, 0, 1)[None]
        return self.net.extract_features(x).mean((2, 3))[0].numpy().astype(np.float64)


def distance(first: Array, second: Array) -> float:
    """Fréchet distance of two crowds, (N, D) and (M, D)."""
    gap = first.mean(0) - second.mean(0)
    a, b = np.cov(first.T), np.cov(second.T)
    root = np.real(sqrtm(a @ b))
    return float(gap @ gap + np.trace(a + b - 2 * root))


def main() -> None:
    """Print a table, a row for each model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("portraits", type=Path, nargs="+")
    parser.add_argument("--model", action="append")
    parser.add_argument("--mode", default="scene")
    a = parser.parse_args()
    measures = {"recogniser": DlibRecogniser(), "EfficientNet": Looks()}
    finder = Anonymizer(model="plain")

    def seen(image: Image) -> list[Array] | None:
        found = finder.locate(image)
        if not found or found[0].landmarks_px is None:
            return None
        return [np.asarray(each(image, found[0].landmarks_px)) for each in measures.values()]

    paths = [p for folder in a.portraits for p in images.walk(folder) if images.is_picture(p)]
    originals = {path: images.read(path).pixels for path in paths}
    crowds = {"originals": [f for f in map(seen, originals.values()) if f]}
    for model in a.model or ["default", "plain"]:
        anonymizer, crowd = Anonymizer(model=model, mode=a.mode, audit=False), []
        for path, image in originals.items():
            result = anonymizer(image, seed=1, name=path.name)
            for output in result.portraits or (result.image,):
                if output is not None and (features := seen(output)):
                    crowd.append(features)
        crowds[model] = crowd
    print(f"{len(paths)} pictures\n\n| | {' | '.join(measures)} |\n| --- | --- | --- |")
    rows: dict[str, list[float]] = {"half of the originals": []}
    for number in range(len(measures)):
        real = np.stack([f[number] for f in crowds["originals"]])
        mean = real.mean(0)
        _, _, axes = np.linalg.svd(real - mean, full_matrices=False)
        project = axes[:KEPT].T
        rows["half of the originals"].append(distance(real[::2] @ project, real[1::2] @ project))
        for model, crowd in crowds.items():
            if model != "originals":
                drawn = np.stack([f[number] for f in crowd])
                rows.setdefault(model, []).append(distance(real @ project, drawn @ project))
    for model, row in rows.items():
        print(f"| {model} | " + " | ".join(f"{value:.3f}" for value in row) + " |")


if __name__ == "__main__":
    main()
