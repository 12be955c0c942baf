"""Is a drawn head one of the training faces? The nearest one of each, by a face recogniser.

    python benchmarks/memorisation.py PORTRAITS TRAIN [--seeds 3] [--sheet SHEET.png]

Heads are drawn from the portraits' landmarks. Two pictures of one person lie nearer than 0.6. As a
yardstick, the portraits themselves, which were never trained on, are held against the training
faces too: a generator that memorised would draw heads that lie nearer than those. SHEET shows the
nearest pairs; it holds training pictures and is not to be passed on.
"""

import argparse
from pathlib import Path

import numpy as np

from ganonymization import Anonymizer
from ganonymization.cli.demo import sheet
from ganonymization.evaluation.statistics import distances
from ganonymization.geometry import transforms
from ganonymization.io import images
from ganonymization.recognize.recogniser import DlibRecogniser

from generator import again, features_of, read_sources  # isort: skip

SHOWN = 24


def main() -> None:
    """Print quantiles of the distances, and draw the nearest pairs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("portraits", type=Path)
    parser.add_argument("train", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--limit", type=int, default=0, help="so many training faces")
    parser.add_argument("--sheet", type=Path)
    arguments = parser.parse_args()
    anonymizer = Anonymizer(model=arguments.model, mode="portrait", detector="blazeface")
    recogniser = DlibRecogniser()
    train = read_sources(arguments.train, anonymizer, "all", arguments.limit)
    known = features_of(train, recogniser)
    portraits = read_sources(arguments.portraits, anonymizer, "all", 0)
    unseen = features_of(portraits, recogniser)
    heads, drawn = [], []
    side_eyes = anonymizer._synthesizer.crop_side_eyes
    for source in portraits:
        for seed in range(arguments.seeds):
            result = anonymizer(source.image, seed=seed, name=source.path.name)
            if not result.faces or not result.faces[0].synthesized:
                continue
            head = result.portraits[0]
            crop_from_image = transforms.generator_crop(
                source.landmarks_px, head.shape[0], side_eyes
            )
            points = again(head, transforms.apply(crop_from_image, source.landmarks_px), anonymizer)
            if points is not None:
                heads.append(head)
                drawn.append(recogniser(head, points))
    quantiles = (0, 0.05, 0.25, 0.5, 0.75)
    nearest = []
    for name, features in (("drawn heads", np.array(drawn)), ("unseen portraits", unseen)):
        gaps = distances(features, known)
        nearest.append(gaps.argmin(1))
        least = gaps.min(1)
        values = np.quantile(least, quantiles)
        told = ", ".join(f"{q:.0%} {v:.3f}" for q, v in zip(quantiles, values, strict=True))
        same = float((least < DlibRecogniser.same_person).mean())
        print(f"{name} ({len(least)}), distance to the nearest of {len(known)}: {told}")
        print(f"  nearer than {DlibRecogniser.same_person}: {same:.3f}")
    if arguments.sheet:
        own = np.linalg.norm(np.array(drawn) - known[nearest[0]], axis=1)
        closest = np.argsort(own)[:SHOWN]
        pairs = [[heads[i], train[nearest[0][i]].image] for i in closest]
        rows = [[image for pair in pairs[i : i + 6] for image in pair] for i in range(0, SHOWN, 6)]
        images.write(arguments.sheet, images.Picture(sheet(rows, 160)))


if __name__ == "__main__":
    main()
