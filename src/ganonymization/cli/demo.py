"""The demo: one portrait, both modes, four seeds."""

from pathlib import Path

import numpy as np

from ..errors import NoFaceError
from ..io import images
from ..pipeline import Anonymizer
from ..types import Image

SEEDS = 4


def astronaut() -> Image:
    """NASA's public-domain portrait of Eileen Collins (1995), (512, 512, 3) uint8 RGB."""
    return images.read(Path(__file__).parent / "astronaut.webp").pixels


def run_demo(picture: Path | None, out: Path, first_seed: int = 1) -> list[Path]:
    """Write a picture before and after, with four seeds in both modes, and a sheet of them.

    Without a picture the astronaut is taken.

    Returns:
        The files, the sheet last.

    Raises:
        UnreadableError: The picture cannot be read.
        NoFaceError: It shows no face.
    """
    image = astronaut() if picture is None else images.read(picture).pixels
    scene = Anonymizer()
    portrait = scene.using(mode="portrait")
    seeds = range(first_seed, first_seed + SEEDS)
    shown = {"before": image}
    results = [scene(image, seed=seed) for seed in seeds]
    if not results[0].faces:
        raise NoFaceError(f"{picture}: no face found; give another picture")
    shown |= {f"scene-{r.seed}": r.image for r in results if r.image is not None}
    for result in (portrait(image, seed=seed) for seed in seeds):
        for i, head in enumerate(result.portraits):
            shown[f"portrait-{result.seed}" + (f"-{i}" if i else "")] = head
    written = []
    for name, pixels in shown.items():
        written.append(out / f"{name}.png")
        images.write(written[-1], images.Picture(pixels))
    heads = [shown[f"portrait-{s}"] for s in seeds if f"portrait-{s}" in shown]
    scenes = [shown[f"scene-{s}"] for s in seeds]
    written.append(out / "sheet.png")
    images.write(
        written[-1], images.Picture(sheet([[image, *scenes], [np.zeros_like(image), *heads]]))
    )
    return written


def sheet(rows: list[list[Image]], height_px: int = 256) -> Image:
    """Pictures side by side in rows, each scaled to one height, on black."""
    from PIL import Image as Pillow

    lines = []
    for row in rows:
        scaled = []
        for pixels in row:
            width = max(1, round(pixels.shape[1] * height_px / pixels.shape[0]))
            small = Pillow.fromarray(pixels).resize((width, height_px), Pillow.Resampling.LANCZOS)
            scaled.append(np.asarray(small))
        lines.append(np.hstack(scaled))
    total = max(line.shape[1] for line in lines)
    padded = [np.pad(line, ((0, 0), (0, total - line.shape[1]), (0, 0))) for line in lines]
    return np.vstack(padded)
