"""Make the pictures of README and docs with the shipped generator, or another.

    python tools/pictures.py PORTRAITS PREPARED [--model FILE]

docs/images/astronaut.jpg    the public-domain portrait before and after with four seeds
docs/images/seeds.jpg        24 mesh conditions, each beside three heads drawn from it
docs/images/poses.jpg        the most pronounced openings and poses of a prepared folder
docs/images/expressions.jpg  the seven expressions that are read, as they are read most clearly in a
                             folder prepared for the refiner: a column each, four people

Heads are drawn whole by the generator. The conditions are surrogates of the portraits' and of the
prepared faces' landmarks; of the faces themselves no pixel is shown.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganonymization import Anonymizer, FaceError
from ganonymization.cli.demo import astronaut, sheet
from ganonymization.detect.base import detect_turned
from ganonymization.geometry import conditioning, transforms
from ganonymization.geometry.wall import GeneratorInput
from ganonymization.io import images
from ganonymization.io.images import Picture
from ganonymization.landmarks.search import find_landmarks
from ganonymization.surrogate.expression_reading import coarse
from ganonymization.types import Image

OUT = Path(__file__).parent.parent / "docs" / "images"
HEADS, TRIED = 24, 4
Asked = tuple[NDArray[np.float64], NDArray[np.float32]]  # landmarks in crop pixels, reading


def astronaut_row(anonymizer: Anonymizer) -> Picture:
    """Before, then four seeds, cut to head and shoulders."""
    shown = [astronaut(), *(anonymizer(astronaut(), seed=s).image for s in (1, 2, 3, 4))]
    return Picture(sheet([[image[:320, 66:386] for image in shown]], 320))


def geometry(anonymizer: Anonymizer, folder: Path) -> list[Asked]:
    """What is asked for by 24 faces, evenly picked from a folder in order."""
    found = []
    paths = [path for path in images.walk(folder) if images.is_picture(path)]
    for path in paths[:: max(1, len(paths) // HEADS)]:
        image = images.read(path).pixels
        boxes = detect_turned(anonymizer._detector, image)
        try:
            points = find_landmarks(image, boxes[0], anonymizer.landmarks)
        except (FaceError, IndexError):
            continue
        found.append((in_crop(points), anonymizer.read_expression(image, points)))
    return found[:HEADS]


def in_crop(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Landmarks in pixels of the generator's crop at 256 px."""
    return transforms.apply(transforms.generator_crop(points, 256), points)


def drawn(anonymizer: Anonymizer, asked: Asked, seeds: tuple[int, ...]) -> list[Image]:
    """The mesh of the first seed's surrogate, then a head for each seed's."""
    points, reading = asked
    surrogates = [anonymizer.surrogate(points, seed, None, reading) for seed in seeds]
    inputs = [
        GeneratorInput.portrait(256, s, seed, reading)
        for s, seed in zip(surrogates, seeds, strict=True)
    ]
    return [conditioning.mesh(surrogates[0], 256), *map(anonymizer._synthesizer, inputs)]


def clearest(prepared: Path) -> list[list[Asked]]:
    """The faces of each expression that are read most clearly, a list each."""
    points = np.load(prepared / "landmarks.npy").astype(np.float64)
    readings = np.load(prepared / "readings.npy")
    turned = np.abs(points[:, 234, 2] - points[:, 454, 2])
    frontal = turned < np.median(turned)
    best = [np.argsort(-shares * frontal)[:TRIED] for shares in readings.T]
    return [[(in_crop(points[i]), coarse(readings[i])) for i in row] for row in best]


def extremes(prepared: Path) -> list[Asked]:
    """Faces far out in mouth, eyes, brows and turn, four of each kind, in crop pixels."""
    p = np.load(prepared / "landmarks.npy").astype(np.float64)
    unit = np.linalg.norm(p[:, 33] - p[:, 263], axis=1)

    def gap(a: int, b: int) -> NDArray[np.float64]:
        return np.linalg.norm(p[:, a] - p[:, b], axis=1) / unit

    left, right = gap(159, 145), gap(386, 374)
    measures = [
        gap(13, 14),  # open mouth
        gap(61, 291),  # smile
        -gap(61, 291) - gap(13, 14),  # pursed lips
        -(left + right),  # closed eyes
        np.abs(left - right),  # wink
        gap(105, 159) + gap(334, 386),  # raised brows
        (p[:, 234, 2] - p[:, 454, 2]) / unit,  # turned one way
        (p[:, 454, 2] - p[:, 234, 2]) / unit,  # and the other
    ]
    chosen = [np.argsort(-measure)[3 : 3 + 8 * TRIED : 8] for measure in measures]
    readings = np.load(prepared / "readings.npy")
    return [(in_crop(p[i]), coarse(readings[i])) for row in chosen for i in row]


def in_rows(groups: list[list[Image]], count: int) -> list[list[Image]]:
    """So many groups of pictures beside each other in every row."""
    starts = range(0, len(groups), count)
    return [[image for group in groups[i : i + count] for image in group] for i in starts]


def main() -> None:
    """Write all four."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("portraits", type=Path)
    parser.add_argument("prepared", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    anonymizer = Anonymizer(model=arguments.model)
    images.write(arguments.out / "astronaut.jpg", astronaut_row(anonymizer))
    faces = geometry(anonymizer, arguments.portraits)
    triples = [
        drawn(anonymizer, asked, (100 + i, 200 + i, 300 + i)) for i, asked in enumerate(faces)
    ]
    rows = in_rows(triples, 3)
    images.write(arguments.out / "seeds.jpg", Picture(sheet(rows, 144)))
    vivid = [drawn(anonymizer, asked, (i,)) for i, asked in enumerate(extremes(arguments.prepared))]
    rows = in_rows(vivid, TRIED)
    images.write(arguments.out / "poses.jpg", Picture(sheet(rows, 144)))
    columns = [
        [drawn(anonymizer, asked, (10 * number + i,)) for i, asked in enumerate(row)]
        for number, row in enumerate(clearest(arguments.prepared))
    ]
    rows = [[column[i][1] for column in columns] for i in range(TRIED)]
    images.write(arguments.out / "expressions.jpg", Picture(sheet(rows, 200)))


if __name__ == "__main__":
    main()
