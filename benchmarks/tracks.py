"""Whether faces that come, go, jump, roll and hide in a video are covered in every frame.

    python benchmarks/tracks.py [CLIP ...] [--only WORD] [--sheets FOLDER]

Makes clips of heads that portrait mode draws on drawn backgrounds, and treats CLIPs alike. A face
counts in a frame where CenterFace sees it in full resolution; it is covered where 95 % of its box's
ellipse has new pixels. SHEETS gets a sheet of the outputs of every clip, misses framed in red.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from ganonymization import Anonymizer
from ganonymization.cli.demo import astronaut
from ganonymization.detect.base import DetectorOptions
from ganonymization.detect.centerface import CenterFace
from ganonymization.io import images
from ganonymization.io.images import Picture
from ganonymization.synthesize.compositing import covered_share
from ganonymization.video.container import Reader
from ganonymization.video.frames import anonymize_frames

SCORE, COVERED = 0.3, 0.95
POLE_PX, POLE_EVERY_PX = 60, 150
THUMBNAIL_PX, COLUMNS = 240, 8
Pose = tuple[float, float, float]  # centre and roll (degrees) of a head
Heads = Callable[[int], np.ndarray]  # the head in a frame, (S, S, 3)


@dataclass
class Clip:
    """Frames, and whether all of each is looked at, as slow videos and animations are."""

    frames: list[np.ndarray]
    everywhere: bool = False


def background(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """Smooth waves and some boxes, (H, W, 3) float."""
    y, x = np.mgrid[:height, :width]
    waves = 20 * np.sin(x / 37) + 15 * np.cos(y / 23)
    room = np.array([118.0, 112, 104]) + waves[..., None]
    for _ in range(14):
        left, top = rng.integers(0, width), rng.integers(0, height)
        room[top : top + rng.integers(20, 90), left : left + rng.integers(20, 90)] = (
            rng.integers(40, 220, 3)
        )  # fmt: skip
    return room


def pasted(frame: np.ndarray, head: np.ndarray, pose: Pose, side_px: float) -> None:
    """Lay a head over a frame, within an oval."""
    x, y, roll = pose
    size = head.shape[0]
    matrix = cv2.getRotationMatrix2D((size / 2, size / 2), roll, side_px / size)
    matrix[:, 2] += [x - size / 2, y - size / 2]
    oval = np.zeros((size, size), np.float32)
    cv2.ellipse(
        oval, (size // 2, size // 2), (int(0.36 * size), int(0.47 * size)), 0, 0, 360, 1, -1
    )
    oval = cv2.GaussianBlur(oval, (0, 0), size / 60)
    size_wh = frame.shape[1::-1]
    shape = {"flags": cv2.INTER_AREA if side_px < size else cv2.INTER_LINEAR}
    small = cv2.GaussianBlur(head, (0, 0), max(0.01, 0.4 * size / side_px))
    share = cv2.warpAffine(oval, matrix, size_wh)[..., None]
    frame[:] = share * cv2.warpAffine(small, matrix, size_wh, **shape) + (1 - share) * frame


def filmed(
    heads: Heads,
    poses: list[Pose | None],
    side_px: float,
    size_wh: tuple[int, int] = (640, 360),
    beside: bool = False,
    poles: bool = False,
    seed: int = 0,
) -> list[np.ndarray]:
    """A head at each pose, (H, W, 3) uint8; ``beside``: another one is there all the time."""
    rng = np.random.default_rng(seed)
    room, frames = background(rng, *size_wh), []
    for i, pose in enumerate(poses):
        frame = room.copy()
        if beside:
            pasted(frame, heads(200 + i), (size_wh[0] - 70 - 0.5 * i, 250, 0), 150)
        if pose is not None:
            pasted(frame, heads(i), pose, side_px)
        for left in range(60, size_wh[0], POLE_EVERY_PX) if poles else ():
            frame[:, left : left + POLE_PX] = (92, 84, 70)
        frames.append((frame + rng.normal(0, 2, frame.shape)).clip(0, 255).astype(np.uint8))
    return frames


def visit(length: int, at: int, frames: int, xy: tuple[float, float], step: float) -> list:
    """Poses of who is there for so many frames."""
    inside = range(at, at + length)
    return [(xy[0] + step * (i - at), xy[1], 0) if i in inside else None for i in range(frames)]


def clips(heads: Heads) -> dict[str, Callable[[], Clip]]:
    """Every kind, made when it is asked for."""
    rng = np.random.default_rng(4)
    lapse = [
        None if i % 4 == 2 else (rng.uniform(100, 540), rng.uniform(110, 250), 0) for i in range(16)
    ]
    shake = [(320 + rng.uniform(-120, 120), 180 + rng.uniform(-40, 40), 0) for _ in range(40)]
    to_and_fro = [(320 + 60 * (-1) ** i, 180, 0) for i in range(24)]
    walk = [(40 + 25 * i, 170, 0) for i in range(48)]
    run = [(-40 + 110 * i, 180, 0) for i in range(13)] + [None] * 6
    roll = [(320, 180, 25.0 * i) for i in range(32)]
    blink = [(200 + 3 * i, 160, 0) if i % 8 in (3, 4, 5) else None for i in range(48)]
    wide = (1280, 360)

    def film(*args: object, **options: object) -> Callable[[], Clip]:
        return lambda: Clip(filmed(heads, *args, **options))

    made = {
        "time lapse, 1 frame/s": lambda: Clip(filmed(heads, lapse, 190), everywhere=True),
        "animated GIF": lambda: Clip(animated(heads), everywhere=True),
        "on for 3 frames in 8": film(blink, 180),
        "on for 3 frames in 8, another stays": film(blink, 180, beside=True),
        "behind poles, 25 px a frame": film(walk, 190, wide, poles=True),
        "behind poles, 25 px a frame, smaller": film(walk, 120, wide, poles=True),
        "shake of 120 px": film(shake, 190),
        "shake of 120 px to and fro": film(to_and_fro, 150),
        "roll of 25 degrees a frame": film(roll, 240),
        "run of 110 px a frame": film(run * 2, 190, wide),
        "run of 110 px a frame, smaller, another stays": film(run * 2, 110, wide, beside=True),
    }
    for length in range(1, 8):
        for beside in (False, True):
            name = f"visits of {length} frames{', another stays' if beside else ''}"
            made[name] = partial(visits, heads, length, beside)
    return made


def visits(heads: Heads, length: int, beside: bool) -> Clip:
    """Three, each after a cut, at different distances from the regular looks."""
    frames = []
    for k, at in enumerate((9, 12, 15)):
        poses = visit(length, at, 26, (120 + 70 * k, 150), 18)
        frames += filmed(heads, poses, 170, beside=beside, seed=k)
    return Clip(frames)


def animated(heads: Heads) -> list[np.ndarray]:
    """Two visits in a small picture, as a GIF holds them."""
    small = [visit(3, 5, 14, (150, 100), 12), visit(2, 9, 14, (200, 150), 0)]
    return [in_palette(f) for poses in small for f in filmed(heads, poses, 120, (320, 240))]


def in_palette(frame: np.ndarray) -> np.ndarray:
    """A frame as a GIF holds it."""
    from PIL import Image as Pillow

    picture = Pillow.fromarray(frame).quantize(method=Pillow.Quantize.MEDIANCUT)
    return np.asarray(picture.convert("RGB"))


def treated(path: Path, length: int = 40) -> dict[str, Callable[[], Clip]]:
    """A clip, moved, shaken, rolled, and behind poles."""
    with Reader(path) as reader:
        frames = [timed.image for timed, _ in zip(reader.frames(), range(length), strict=False)]
    height, width = frames[0].shape[:2]
    rng = np.random.default_rng(1)

    shake = rng.uniform(-1, 1, (length, 2)) * [120, 60]

    def moved(i: int, x: float, y: float = 0.0, roll: float = 0.0) -> np.ndarray:
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), roll, 1)
        matrix[:, 2] += [x, y]
        return cv2.warpAffine(frames[i], matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101)

    def behind(frame: np.ndarray, i: int) -> np.ndarray:
        frame = frame.copy()
        for left in range(-width, width, POLE_EVERY_PX):
            at = left + 25 * i % POLE_EVERY_PX
            frame[:, max(0, at) : max(0, at + POLE_PX)] = (92, 84, 70)
        return frame

    count, name = range(len(frames)), path.stem

    def film(frame: Callable[[int], np.ndarray]) -> Callable[[], Clip]:
        return lambda: Clip([frame(i) for i in count])

    return {
        f"{name}: poles, 25 px a frame": film(lambda i: behind(frames[i], i)),
        f"{name}: shake of 120 px": film(lambda i: moved(i, *shake[i])),
        f"{name}: roll of 25 degrees a frame": film(lambda i: moved(i, 0, 0, 25.0 * i)),
        f"{name}: run of 110 px a frame": film(
            lambda i: moved(i, (110 * i) % (width + 220) - width / 2 - 110)
        ),
        f"{name}: on for 3 frames in 8": film(
            lambda i: frames[i] if i % 8 in (3, 4, 5) else np.full_like(frames[i], 90)
        ),
    }


def measure(clip: Clip, anonymizer: Anonymizer, sheet: Path | None) -> tuple[int, int, int, float]:
    """Faces seen, of them not covered; of all covers those that are grey; their share of pixels."""
    strong = CenterFace(DetectorOptions(min_score=SCORE, max_side_px=10_000, threads=1))
    numbered = ((frame, i) for i, frame in enumerate(clip.frames))
    made = list(anonymize_frames(anonymizer, numbered, 1, "a", everywhere=clip.everywhere))
    seen = missed = filled = 0
    shares, shown = [], []
    for image, frame in zip(clip.frames, made, strict=True):
        mask, picture = frame.result.composite_mask, frame.result.image.copy()
        filled += sum(not face.synthesized for face in frame.result.faces)
        shares.append(mask.mean())
        for detection in strong(image):
            seen += 1
            if covered_share(detection.box_xyxy, mask) < COVERED:
                missed += 1
                left, top, right, bottom = (round(v) for v in detection.box_xyxy)
                cv2.rectangle(picture, (left, top), (right, bottom), (255, 0, 0), 6)
        shown.append(picture)
    if sheet is not None:
        images.write(sheet, Picture(contact_sheet(shown)))
    return seen, missed, filled, float(np.mean(shares))


def contact_sheet(frames: list[np.ndarray]) -> np.ndarray:
    """All frames in rows."""
    height = round(THUMBNAIL_PX * frames[0].shape[0] / frames[0].shape[1])
    small = [cv2.resize(f, (THUMBNAIL_PX, height), interpolation=cv2.INTER_AREA) for f in frames]
    small += [np.zeros_like(small[0])] * (-len(small) % COLUMNS)
    rows = [np.hstack(small[i : i + COLUMNS]) for i in range(0, len(small), COLUMNS)]
    return np.vstack(rows)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--sheets", type=Path)
    arguments = parser.parse_args()
    anonymizer = Anonymizer(threads=1, detector_options=DetectorOptions(max_side_px=640, threads=1))
    portrait = anonymizer.using(mode="portrait")
    drawn = [portrait(astronaut(), seed=seed).portraits[0] for seed in range(1, 5)]
    made = clips(lambda i: drawn[i // 100])
    for path in arguments.clips:
        made |= treated(path)
    print("| clip | faces seen | not covered | grey covers | share of pixels covered |")
    print("| --- | --- | --- | --- | --- |")
    for name, make in made.items():
        if arguments.only in name:
            sheet = None
            if arguments.sheets is not None:
                arguments.sheets.mkdir(parents=True, exist_ok=True)
                sheet = arguments.sheets / f"{name.replace(' ', '-').replace(':', '')}.jpg"
            seen, missed, filled, share = measure(make(), anonymizer, sheet)
            print(f"| {name} | {seen} | {missed} | {filled} | {share:.3f} |", flush=True)


if __name__ == "__main__":
    main()
