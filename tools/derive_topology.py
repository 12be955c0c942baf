"""Derive ``src/ganonymization/geometry/facemesh.npz``: triangles, mirror pairs and a mean face.

The triangle list and the feature contours are read from MediaPipe's edge sets; the mean face is a
Procrustes mean of the landmarks of a folder of face pictures, made left-right symmetric.

    pip install mediapipe==0.10.21
    python tools/derive_topology.py PICTURES_FOLDER
"""

import itertools
import sys
from collections import defaultdict
from pathlib import Path

import mediapipe as mp
import numpy as np
from mediapipe.python.solutions import face_mesh_connections as connections
from PIL import Image
from scipy.optimize import linear_sum_assignment

OUT = Path(__file__).parent.parent / "src" / "ganonymization" / "geometry" / "facemesh.npz"
LEFT_OUTER_EYE, RIGHT_OUTER_EYE = 263, 33  # the person's left is on the right of the picture


def triangles_of(edges: frozenset[tuple[int, int]]) -> np.ndarray:
    """The faces of the tessellation, (T, 3) int16: 3-cliques that are not subdivided."""
    neighbours: dict[int, set[int]] = defaultdict(set)
    for a, b in edges:
        neighbours[a].add(b)
        neighbours[b].add(a)
    cliques = {tuple(sorted((a, b, c))) for a, b in edges for c in neighbours[a] & neighbours[b]}
    subdivided = {tuple(sorted(around)) for around in neighbours.values() if len(around) == 3}
    return np.array(sorted(cliques - subdivided), np.int16)


def similarity_to(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Least-squares similarity (Umeyama 1991) of (N, 3) source onto target, applied to source."""
    a, b = source - source.mean(0), target - target.mean(0)
    u, s, vt = np.linalg.svd(b.T @ a)
    d = np.diag([1, 1, np.sign(np.linalg.det(u @ vt))])
    rotation = u @ d @ vt
    scale = (s * np.diag(d)).sum() / (a**2).sum()
    return scale * a @ rotation.T + target.mean(0)


def landmarks_of(folder: Path) -> np.ndarray:
    """(N, 478, 3) landmarks in pixels of every picture FaceMesh reads."""
    mesh = mp.solutions.face_mesh.FaceMesh(static_image_mode=True, refine_landmarks=True)
    found = []
    for path in sorted(folder.iterdir()):
        if path.suffix not in {".webp", ".jpg", ".png"}:
            continue
        image = np.asarray(Image.open(path).convert("RGB"))
        result = mesh.process(image)
        if result.multi_face_landmarks:
            h, w = image.shape[:2]
            points = result.multi_face_landmarks[0].landmark
            found.append([(p.x * w, p.y * h, p.z * w) for p in points])
    return np.array(found, np.float64)


def mirror_pairs(mean: np.ndarray) -> np.ndarray:
    """Index of each point's left-right twin, (478,) int16, by the cheapest mirrored matching."""
    for _ in range(20):  # each round pairs a more symmetric face
        distance = np.linalg.norm(mean[:, None] - (mean * [-1, 1, 1])[None], axis=2)
        pairs = linear_sum_assignment(distance + distance.T)[1]
        if (pairs[pairs] == np.arange(len(mean))).all():
            break
        mean = (mean + mean[pairs] * [-1, 1, 1]) / 2
    if not (pairs[pairs] == np.arange(len(mean))).all():
        raise SystemExit("the mean face is too asymmetric to pair its points")
    return pairs.astype(np.int16)


def main() -> None:
    """Write the constants and say what they are."""
    landmarks = landmarks_of(Path(sys.argv[1]))
    centre = (landmarks[:, RIGHT_OUTER_EYE] + landmarks[:, LEFT_OUTER_EYE]) / 2
    mean = landmarks[0] - centre[0]
    for _ in range(8):
        aligned = np.array([similarity_to(face, mean) for face in landmarks])
        mean = aligned.mean(0)
        # level, frontal frame: x along the outer eye corners, the mirror plane at x = 0
        x = mean[LEFT_OUTER_EYE] - mean[RIGHT_OUTER_EYE]
        unit = np.linalg.norm(x)
        x = x / unit
        y = mean[152] - mean[10]
        y = y - (y @ x) * x
        y /= np.linalg.norm(y)
        z = np.cross(x, y)
        mean = (mean - (mean[33] + mean[263]) / 2) @ np.stack([x, y, z]).T / unit
    pairs = mirror_pairs(mean)
    mean = (mean + mean[pairs] * [-1, 1, 1]) / 2
    triangles = triangles_of(connections.FACEMESH_TESSELATION)
    np.savez_compressed(
        OUT,
        triangles=triangles,
        mirror=pairs,
        canonical=mean.astype(np.float32),
    )
    print(f"{len(landmarks)} faces, {len(triangles)} triangles -> {OUT}")


def rings() -> None:
    """Print the feature contours as ordered rings, for topology.py."""
    for name in ("FACE_OVAL", "LEFT_EYE", "RIGHT_EYE", "LIPS", "LEFT_EYEBROW", "RIGHT_EYEBROW"):
        edges = list(getattr(connections, f"FACEMESH_{name}"))
        after = defaultdict(list)
        for a, b in edges:
            after[a].append(b)
            after[b].append(a)
        unseen = set(itertools.chain(*edges))
        while unseen:
            ends = [v for v in sorted(unseen) if len(after[v]) == 1]
            chain = [ends[0] if ends else min(unseen)]
            unseen.discard(chain[0])
            while step := [v for v in after[chain[-1]] if v in unseen]:
                chain.append(step[0])
                unseen.discard(step[0])
            print(name, chain)


if __name__ == "__main__":
    rings() if sys.argv[1:] == ["--rings"] else main()
