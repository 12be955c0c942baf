"""An animation of heads that a clip's surrogate landmarks drive, for the README.

    python tools/talking_heads.py CLIP docs/images/video.webp [--seconds 4]

Shows the surrogate mesh and portraits of three seeds; nothing of the clip is in it.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from ganonymization import Anonymizer, anonymize_frames
from ganonymization.video.container import Reader
from ganonymization.video.live import LiveAnonymizer

SEEDS = (5, 8, 21)
SIDE_PX = 192
EVERY = 2  # frames


def small(image: np.ndarray) -> np.ndarray:
    """A square of the animation."""
    return np.asarray(Pillow.fromarray(image).resize((SIDE_PX, SIDE_PX), Pillow.Resampling.LANCZOS))


def main() -> None:
    """Draw and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seconds", type=float, default=4.0)
    arguments = parser.parse_args()
    with Reader(arguments.clip) as reader:
        count = round(arguments.seconds * float(reader.rate))
        images = [timed.image for timed, _ in zip(reader.frames(), range(count), strict=False)]
        rate = float(reader.rate)
    anonymizer = Anonymizer(mode="portrait", threads=1)
    live = LiveAnonymizer(anonymizer, SEEDS[0])
    columns = [[live.mesh(image) for image in images]]
    for seed in SEEDS:
        numbered = ((image, i) for i, image in enumerate(images))
        made = anonymize_frames(anonymizer, numbered, seed)
        columns.append([frame.result.portraits[0] for frame in made])
    frames = [
        Pillow.fromarray(np.hstack([small(column[i]) for column in columns]))
        for i in range(0, len(images), EVERY)
    ]
    frames[0].save(
        arguments.out, save_all=True, append_images=frames[1:], loop=0, quality=75,
        duration=round(1000 * EVERY / rate),
    )  # fmt: skip
    print(f"{arguments.out}: {len(frames)} frames, {arguments.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
