"""Make what the service's page shows and offers to try: two pictures of what comes back, a video.

    python tools/page_pictures.py [--out src/ganonymization/serve/page]

scene.webp     the sample, its face redrawn
portrait.webp  the new head alone
sample.mp4     the sample as somebody who sways before a camera

All of it is made from the public-domain portrait that the package brings.
"""

import argparse
import math
from pathlib import Path

import av
import cv2
import numpy as np
from PIL import Image as Pillow

from ganonymization import Anonymizer
from ganonymization.cli.demo import astronaut
from ganonymization.types import Image

OUT = Path(__file__).parent.parent / "src" / "ganonymization" / "serve" / "page"
SCENE_SEED, PORTRAIT_SEED = 4, 9
SMALL_PX = 160
SHOWN = np.s_[0:270, 90:360]  # rows and columns of the scene
VIDEO_PX, RATE, SECONDS, ZOOM = 320, 10, 7, 1.25
CRF = "30"


def small(image: Image, path: Path) -> None:
    """Write a square picture as a thumbnail."""
    shown = Pillow.fromarray(image).resize((SMALL_PX, SMALL_PX), Pillow.Resampling.LANCZOS)
    shown.save(path, quality=72, method=6)


def swaying() -> list[Image]:
    """The portrait, moving a little."""
    frames = []
    for i in range(SECONDS * RATE):
        turn = 2 * math.pi * i / (SECONDS * RATE)
        shift = np.array([
            [ZOOM, 0, 12 * math.sin(2 * turn) - 88], [0, ZOOM, 6 * math.cos(2 * turn) - 8]
        ])  # fmt: skip
        frames.append(cv2.warpAffine(
            astronaut(), shift, (VIDEO_PX, VIDEO_PX), flags=cv2.INTER_AREA,
            borderMode=cv2.BORDER_REPLICATE,
        ))  # fmt: skip
    return frames


def write_video(path: Path, frames: list[Image]) -> None:
    """A small MP4 that begins to play before it is all there."""
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width = stream.height = VIDEO_PX
        stream.pix_fmt, stream.options = "yuv420p", {"crf": CRF, "preset": "veryslow"}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def main() -> None:
    """Write all three."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    out = parser.parse_args().out
    anonymizer = Anonymizer()
    scene = anonymizer(astronaut(), seed=SCENE_SEED).image
    assert scene is not None
    small(scene[SHOWN], out / "scene.webp")
    head = anonymizer.using(mode="portrait")(astronaut(), seed=PORTRAIT_SEED).portraits[0]
    small(head, out / "portrait.webp")
    write_video(out / "sample.mp4", swaying())
    for name in ("scene.webp", "portrait.webp", "sample.mp4"):
        print(f"{name}: {(out / name).stat().st_size / 1000:.1f} kB")


if __name__ == "__main__":
    main()
