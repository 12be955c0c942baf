"""What is covered and what is redrawn in group pictures with hand-made boxes.

    python benchmarks/coverage.py SCENES [--model FILE]

SCENES holds pictures and ``boxes.json`` (left, top, width, height of each face).
"""

import argparse
import json
from pathlib import Path

from ganonymization import Anonymizer
from ganonymization.io import images
from ganonymization.synthesize import compositing

SEED = 11


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
            shares.append(compositing.covered_share(box, result.composite_mask))
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
    """Measure one folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenes", type=Path)
    parser.add_argument("--model", default="default")
    arguments = parser.parse_args()
    coverage(arguments.scenes, Anonymizer(model=arguments.model))


if __name__ == "__main__":
    main()
