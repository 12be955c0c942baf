"""Where plausibility's limits come from: landmarks of true faces beside the canonical one.

python benchmarks/plausibility.py FOLDER... [--every N]
"""

import argparse
from pathlib import Path

import numpy as np

from ganonymization import FaceError
from ganonymization.detect.base import DetectorOptions, detect_turned
from ganonymization.detect.centerface import CenterFace
from ganonymization.geometry import topology
from ganonymization.io import images
from ganonymization.landmarks.facemesh import FaceMesh
from ganonymization.landmarks.plausibility import _folded_share, _frontal, check_plausible
from ganonymization.landmarks.search import find_landmarks


def main() -> None:
    """Print quantiles of both measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--every", type=int, default=1)
    arguments = parser.parse_args()
    detector, landmarker = CenterFace(DetectorOptions()), FaceMesh()
    canonical = topology.canonical_face().astype(np.float64)
    measured = []
    for folder in arguments.folders:
        paths = [path for path in images.walk(folder) if images.is_picture(path)]
        for path in paths[:: arguments.every]:
            image = images.read(path).pixels
            try:
                points = find_landmarks(image, detect_turned(detector, image)[0], landmarker)
            except (FaceError, IndexError):
                print(f"no landmarks: {path.name}")
                continue
            measured.append((check_plausible(points), _folded_share(_frontal(points), canonical)))
    values = np.array(measured)
    print(f"{len(values)} faces; residual in eye distances and share of folded triangles")
    for q in (0.5, 0.9, 0.99, 1.0):
        residual, folded = np.quantile(values, q, axis=0)
        print(f"  quantile {q:4.2f}: {residual:.3f} {folded:.3f}")


if __name__ == "__main__":
    main()
