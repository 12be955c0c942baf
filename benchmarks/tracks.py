"""Whether faces that come, go, jump, roll and hide in a video are covered in every frame.

    python benchmarks/tracks.py [CLIP ...] [--only WORD] [--sheets FOLDER]

Makes clips of heads that portrait mode draws on drawn backgrounds, and treats CLIPs alike. A face
counts in a frame where CenterFace sees it in full resolution; it is covered where 95 % of its box's
ellipse has new pixels. SHEETS gets a sheet of the outputs of every clip, misses framed in red.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
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
    cv2.ellipse(oval, (size // 2, size // 2), (int(0.36 * size), int(0.47 * size)), 0, 0, 360, 1, -1)
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


def clips(heads: Heads) -> dict[str, Clip]:
    """Every kind."""
    rng = np.random.default_rng(4)
    made = {}
    places = [
        None if i % 4 == 2 else (rng.uniform(100, 540), rng.uniform(110, 250), 0) for i in range(16)
    ]
    made["time lapse, 1 frame/s"] = Clip(filmed(heads, places, 190), everywhere=True)
    for beside in (False, True):
        for length in range(1, 8):
            frames = []
            for k, at in enumerate((9, 12, 15)):  # between looks, wherever they fall
                poses = visit(length, at, 26, (120 + 70 * k, 150), 18)
                frames += filmed(heads, poses, 170, beside=beside, seed=k)
            made[f"visits of {length} frames{', another stays' if beside else ''}"] = Clip(frames)
    small = [visit(3, 5, 14, (150, 100), 12), visit(2, 9, 14, (200, 150), 0)]
    frames = [f for poses in small for f in filmed(heads, poses, 120, (320, 240))]
    made["animated GIF"] = Clip([in_palette(frame) for frame in frames], everywhere=True)
    blink = [(200 + 3 * i, 160, 0) if i % 8 in (3, 4, 5) else None for i in range(80)]
    made["on for 3 frames in 8"] = Clip(filmed(heads, blink, 180))
    made["on for 3 frames in 8, another stays"] = Clip(filmed(heads, blink, 180, beside=True))
    wide = (1280, 360)
    walk = [(40 + 25 * i, 170, 0) for i in range(48)]
    made["behind poles, 25 px a frame"] = Clip(filmed(heads, walk, 190, wide, poles=True))
    walk = [(40 + 25 * i, 170, 0) for i in range(48)]
    made["behind poles, smaller"] = Clip(filmed(heads, walk, 120, wide, poles=True))
    shake = [(320 + rng.uniform(-120, 120), 180 + rng.uniform(-40, 40), 0) for _ in range(50)]
    made["shake of 120 px"] = Clip(filmed(heads, shake, 190))
    shake = [(320 + 60 * (-1) ** i, 180, 0) for i in range(40)]
    made["shake of 120 px to and fro"] = Clip(filmed(heads, shake, 150))
    roll = [(320, 180, 25.0 * i) for i in range(44)]
    made["roll of 25 degrees a frame"] = Clip(filmed(heads, roll, 240))
    run = [(-40 + 110 * i, 180, 0) for i in range(13)] + [None] * 6
    made["run of 110 px a frame"] = Clip(filmed(heads, run * 2, 190, wide))
    made["run of 110 px a frame, smaller"] = Clip(filmed(heads, run * 2, 110, wide, beside=True))
    return made


def in_palette(frame: np.ndarray) -> np.ndarray:
    """A frame as a GIF holds it."""
    from PIL import Image as Pillow

    picture = Pillow.fromarray(frame).quantize(method=Pillow.Quantize.MEDIANCUT)
    return np.asarray(picture.convert("RGB"))


def treated(path: Path, length: int = 60) -> dict[str, Clip]:
    """A clip, moved, shaken, rolled, and behind poles."""
    with Reader(path) as reader:
        frames = [timed.image for timed, _ in zip(reader.frames(), range(length), strict=False)]
    height, width = frames[0].shape[:2]
    rng = np.random.default_rng(1)

    def moved(i: int, x: float, roll: float = 0.0, y: float = 0.0) -> np.ndarray:
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), roll, 1)
        matrix[:, 2] += [x, y]
        return cv2.warpAffine(
            frames[i], matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101
        )

    def behind(frame: np.ndarray, i: int) -> np.ndarray:
        frame = frame.copy()
        for left in range(-width, width, POLE_EVERY_PX):
            at = left + 25 * i % POLE_EVERY_PX
            frame[:, max(0, at) : max(0, at + POLE_PX)] = (92, 84, 70)
        return frame

    count, name = range(len(frames)), path.stem
    return {
        f"{name}: poles, 25 px a frame": Clip([behind(frames[i], i) for i in count]),
        f"{name}: shake of 120 px": Clip(
            [moved(i, rng.uniform(-120, 120), 0, rng.uniform(-60, 60)) for i in count]
        ),
        f"{name}: roll of 25 degrees a frame": Clip([moved(i, 0, 25.0 * i) for i in count]),
        f"{name}: run of 110 px a frame": Clip(
            [moved(i, (110 * i) % (width + 220) - width / 2 - 110) for i in count]
        ),
        f"{name}: on for 3 frames in 8": Clip(
            [frames[i] if i % 8 in (3, 4, 5) else np.full_like(frames[i], 90) for i in count]
        ),
    }


def measure(clip: Clip, anonymizer: Anonymizer, sheet: Path | None) -> tuple[int, int, int, float]:
    """Faces seen, of them not covered; of all covers those that are grey; their share of pixels."""
    strong = CenterFace(DetectorOptions(min_score=SCORE, max_side_px=10_000))
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
    anonymizer = Anonymizer(threads=1, detector_options=DetectorOptions(max_side_px=640))
    portrait = anonymizer.using(mode="portrait")
    drawn = [portrait(astronaut(), seed=seed).portraits[0] for seed in range(1, 5)]
    made = clips(lambda i: drawn[i // 100])
    for path in arguments.clips:
        made |= treated(path)
    print("| clip | faces seen | not covered | grey covers | share of pixels covered |")
    print("| --- | --- | --- | --- | --- |")
    for name, clip in made.items():
        if arguments.only in name:
            sheet = None
            if arguments.sheets is not None:
                arguments.sheets.mkdir(parents=True, exist_ok=True)
                sheet = arguments.sheets / f"{name.replace(' ', '-').replace(':', '')}.jpg"
            seen, missed, filled, share = measure(clip, anonymizer, sheet)
            print(f"| {name} | {seen} | {missed} | {filled} | {share:.3f} |", flush=True)


if __name__ == "__main__":
    main()
