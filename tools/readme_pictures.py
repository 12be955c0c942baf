"""Make the pictures of the README: ``docs/images/astronaut.jpg`` and ``docs/images/heads.jpg``.

    python tools/readme_pictures.py PORTRAITS

The astronaut is shown before and after with four seeds. The heads are drawn whole by the generator,
each beside the mesh condition it was drawn from; the conditions are those of the portraits in the
folder, of which no pixel is shown.
"""

import argparse
from pathlib import Path

import numpy as np

from ganonymization import Anonymizer, FaceError, align, condition, images
from ganonymization.demo import astronaut, sheet
from ganonymization.detect.base import detect_turned
from ganonymization.images import Picture
from ganonymization.locate import find_landmarks

OUT = Path(__file__).parent.parent / "docs" / "images"
SEEDS = (1, 2, 3, 4)
PAIRS_PER_ROW, ROWS = 6, 4


def astronaut_row(anonymizer: Anonymizer) -> Picture:
    """Before, then four seeds, cut to head and shoulders."""
    shown = [astronaut(), *(anonymizer(astronaut(), seed=s).image for s in SEEDS)]
    return Picture(sheet([[image[:320, 66:386] for image in shown]], 320))


def heads(anonymizer: Anonymizer, folder: Path) -> Picture:
    """Conditions and heads in pairs, evenly picked from the folder in order, first seed each."""
    pairs = []
    paths = [path for path in images.walk(folder) if images.is_picture(path)]
    for path in paths[:: max(1, len(paths) // (PAIRS_PER_ROW * ROWS))]:
        image = images.read(path).pixels
        found = detect_turned(anonymizer._detector, image)
        try:
            points = find_landmarks(image, found[0], anonymizer._landmarker)
        except (FaceError, IndexError):
            continue
        mesh = condition.mesh(align.apply(align.generator_crop(points, 256), points), 256)
        (head, *_) = anonymizer(image, seed=1, name=path.name).portraits
        pairs.append(np.hstack([mesh, head[::2, ::2]]))
    pairs = pairs[: PAIRS_PER_ROW * ROWS]
    rows = [pairs[i : i + PAIRS_PER_ROW] for i in range(0, len(pairs), PAIRS_PER_ROW)]
    return Picture(sheet(rows, 144))


def main() -> None:
    """Write both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("portraits", type=Path)
    parser.add_argument("--model", default="default")
    arguments = parser.parse_args()
    anonymizer = Anonymizer(model=arguments.model)
    images.write(OUT / "astronaut.jpg", astronaut_row(anonymizer))
    images.write(OUT / "heads.jpg", heads(anonymizer.in_mode("portrait"), arguments.portraits))


if __name__ == "__main__":
    main()
