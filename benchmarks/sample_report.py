"""A report that may be shown: its originals are heads that our own generator drew whole.

    python benchmarks/sample_report.py PREPARED INDEX --work FOLDER --docs docs

Each of 60 nobodies is drawn with five expressions, whose landmarks come from labelled AI-generated
faces (PREPARED, and the data set's INDEX: file and expression). These heads are then
anonymized in portrait mode, and evaluated like anybody's pictures.
"""

import argparse
import csv
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

from ganonymization.geometry import transforms
from ganonymization.geometry.wall import GeneratorInput
from ganonymization.io import images
from ganonymization.io.images import Picture
from ganonymization.surrogate.shape_model import ShapeModel
from ganonymization.synthesize.load import load
from ganonymization.training import layout
from ganonymization.types import Image
from ganonymization.weights import resolve

PEOPLE = 60
EXPRESSIONS = ("neutral", "happiness", "sadness", "anger", "surprise")


def labelled_faces(prepared: Path, index: Path) -> dict[str, np.ndarray]:
    """By expression, landmarks (N, 478, 3)."""
    with index.open() as file:
        told = {row["file"]: row["expression"] for row in csv.DictReader(file)}
    files = (prepared / "files.txt").read_text().splitlines()
    landmarks = layout.load(prepared, "landmarks.npy").astype(np.float64)
    labels = np.array([told.get(file, "") for file in files])
    return {name: landmarks[labels == name] for name in EXPRESSIONS}


def on_background(head: Image, seed: int) -> Image:
    """The head before a drawn gradient, for its own background is black."""
    rng = np.random.default_rng(seed)
    upper, lower = rng.uniform(60, 220, (2, 3))
    share = np.linspace(0, 1, head.shape[0])[:, None, None]
    wall = upper * (1 - share) + lower * share
    opacity = np.clip(head.max(-1, keepdims=True) / 24.0, 0, 1)
    return np.round(head * opacity + wall * (1 - opacity)).astype(np.uint8)


def draw_originals(prepared: Path, index: Path, out: Path) -> Path:
    """Heads of nobodies, and a table that tells who and what they show."""
    faces, model, synthesizer = labelled_faces(prepared, index), ShapeModel.load(), load(
        resolve("default"), 0
    )  # fmt: skip
    rng = np.random.default_rng(0)
    rows = []
    for who in range(PEOPLE):
        for expression in EXPRESSIONS:
            driving = rng.choice(faces[expression])
            shape = model.surrogate(driving, seed=1000 + who)
            crop_from_face = transforms.generator_crop(shape, synthesizer.size_px)
            landmarks_px = transforms.apply(crop_from_face, shape)
            head = synthesizer(
                GeneratorInput.portrait(synthesizer.size_px, landmarks_px, 1000 + who)
            )
            name = f"nobody-{who:02d}-{expression}.webp"
            images.write(out / name, Picture(on_background(head, who * 7 + len(rows))))
            rows.append([name, f"nobody-{who:02d}", expression])
    table = out.parent / "people.csv"
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([["file", "person", "expression"], *rows])
    return table


def main() -> None:
    """Draw, evaluate, and copy the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prepared", type=Path)
    parser.add_argument("index", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--docs", type=Path)
    arguments = parser.parse_args()
    originals = arguments.work / "heads"
    table = draw_originals(arguments.prepared, arguments.index, originals)
    report = arguments.work / "report"
    words = ["evaluate", originals, "--people", table, "--mode", "portrait", "--detector",
             "blazeface", "--with-originals", "-o", report]  # fmt: skip
    subprocess.run([sys.executable, "-m", "ganonymization", *words], check=False)
    if arguments.docs:
        for name in ("report.html", "metrics.json"):
            (arguments.docs / "sample-report").mkdir(exist_ok=True)
            shutil.copyfile(report / name, arguments.docs / "sample-report" / name)


if __name__ == "__main__":
    main()
