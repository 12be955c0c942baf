"""People whose faces are known sums of a shape, an expression and noise."""

import numpy as np

from ganonymization.datasets.people import People
from ganonymization.geometry import topology
from ganonymization.surrogate.eye_mouth_opening import MOUTH

SURFACE = topology.SURFACE_COUNT


def simulated(count: int = 90, pictures: int = 4, noise: float = 0.004, seed: int = 0) -> People:
    """Faces in pixels; of each person two are neutral, the others smile or raise the brows."""
    rng = np.random.default_rng(seed)
    face = topology.canonical_face().astype(float)
    brows = sorted({i for brow in topology.BROWS for i in brow})
    landmarks, person, expression = [], [], []
    for who in range(count):
        waves = np.sin(face[:, [1, 0, 1]] * rng.uniform(2, 4, 3) + rng.uniform(0, 6, 3))
        shape = face + 0.02 * waves
        for which in range(pictures):
            points = shape.copy()
            label = "neutral"
            if which >= 2 and rng.random() < 0.5:
                label = "surprise"
                points[brows, 1] -= 0.08 * rng.uniform(0.7, 1.3)
            elif which >= 2:
                label = "happiness"
                opened = MOUTH.opened(points[:SURFACE], np.float64(rng.uniform(0.2, 0.4)))
                points = np.concatenate([opened, points[SURFACE:]])
            points += rng.normal(0, noise, points.shape)
            landmarks.append(points * rng.uniform(60, 140) + rng.uniform(0, 200, 3))
            person.append(f"p{who:03d}")
            expression.append(label)
    files = np.array([f"{i}.png" for i in range(len(person))])
    return People(files, np.array(landmarks), np.array(person), np.array(expression))
