"""Two ways through a folder that no command offers; ``peers.py`` runs and times them.

    python benchmarks/habits.py rebuilt IN OUT --model MODEL.ckpt
    python benchmarks/habits.py blur IN OUT

rebuilt: as the published project does, which makes the detector, FaceMesh and the generator anew
for every picture. blur: what our detector alone is good for, each box blurred.
"""

import argparse
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from ganonymization import Anonymizer, DetectorOptions
from ganonymization.detect.base import Detector, detect_turned
from ganonymization.detect.centerface import CenterFace
from ganonymization.io import images
from ganonymization.picture_file import anonymize_file
from ganonymization.surrogate.shape_model import ShapeModel
from ganonymization.synthesize.fill import blur


def rebuilt(paths: Sequence[Path], out: Path, model: str) -> None:
    """One after the other, and nothing is kept but the shape model, which is ours."""
    shape = ShapeModel.load()
    for path in paths:
        anonymizer = Anonymizer(mode="portrait", model=model, privacy=None, shape=shape)
        anonymize_file(anonymizer, path, out / path.name, seed=1)


def blur_faces(detector: Detector, path: Path, out: Path) -> None:
    """Blur each box of a picture."""
    picture = images.read(path)
    pixels = picture.pixels.copy()
    for face in detect_turned(detector, picture.pixels):
        x0, y0, x1, y1 = (max(0, round(v)) for v in face.box_xyxy)
        inside = pixels[y0:y1, x0:x1]
        if inside.size:
            inside[:] = blur(inside.copy())
    images.write(out, replace(picture, pixels=pixels))


def blurred(paths: Sequence[Path], out: Path) -> None:
    """As many at a time as the command ``folder`` takes."""
    detector = CenterFace(DetectorOptions(threads=1))
    with ThreadPoolExecutor((os.cpu_count() or 1) + 1) as pool:
        list(pool.map(lambda path: blur_faces(detector, path, out / path.name), paths))


def main() -> None:
    """Do it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("way", choices=("rebuilt", "blur"))
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", default="default")
    arguments = parser.parse_args()
    paths = [path for path in sorted(arguments.source.iterdir()) if images.is_picture(path)]
    if arguments.way == "blur":
        blurred(paths, arguments.out)
    else:
        rebuilt(paths, arguments.out, arguments.model)


if __name__ == "__main__":
    main()
