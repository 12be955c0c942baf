"""Speed, steadiness and coverage of anonymized videos, beside ``deface``.

    python benchmarks/video.py CLIP ... [--speed] [--memory-minutes 10]

Prints one table. Without --speed only what does not depend on an idle machine is measured. Ours
and deface run as whole processes, one after the other, twice in turns; the better time counts.
--memory-minutes compares the peak memory of the clip with that of the clip looped for so long.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from ganonymization import Anonymizer
from ganonymization.detect.base import DetectorOptions
from ganonymization.detect.centerface import CenterFace
from ganonymization.geometry import topology
from ganonymization.landmarks.search import find_landmarks
from ganonymization.surrogate.eye_mouth_opening import EYES, MOUTH
from ganonymization.surrogate.shape_model import Posed
from ganonymization.video.container import Reader, Timed
from ganonymization.video.frames import anonymize_frames
from ganonymization.video.pictures import Coding
from ganonymization.video.writer import Writer

from processes import OURS, better, run  # isort: skip

SCORE = 0.3
LEAST_PX = 48


def speed(clip: Path, frames: int) -> dict[str, float]:
    """Frames a second of whole processes."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.mp4"
        ours = [*OURS, "video", str(clip), str(out), "--seed", "1"]
        theirs = [str(Path(sys.executable).parent / "deface"), str(clip), "-o", str(out)]
        for name, words in (("ours", ours), ("deface", theirs)):
            best = better(*(run(words, out) for _ in range(2)))
            found[f"{name}, frames/s"] = frames / best.seconds
    found["ratio"] = found["ours, frames/s"] / found["deface, frames/s"]
    return found


def peak_memory_mb(clip: Path) -> float:
    """Of a whole process, in megabytes."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.mp4"
        return run([*OURS, "video", str(clip), str(out)], out).peak_mb


def looped(clip: Path, minutes: float, out: Path) -> None:
    """The clip again and again."""
    with Reader(clip) as reader:
        size_wh = reader.size_wh()
        images = [timed.image for timed in reader.frames()]
        step = round(1 / (reader.rate * reader.time_base))
        total = round(60 * minutes * float(reader.rate))
        with Writer(out, [Coding(reader, size_wh, "libx264", 23)], sound=False) as writer:
            for i in range(total):
                writer.write(Timed(images[i % len(images)], i * step))


def memory(clip: Path, minutes: float) -> dict[str, float]:
    """Peaks of the clip, and of the clip looped."""
    with tempfile.TemporaryDirectory() as folder:
        long = Path(folder) / "long.mp4"
        looped(clip, minutes, long)
        found = {"peak memory, MB": peak_memory_mb(clip)}
        found[f"the same looped for {minutes:g} min"] = peak_memory_mb(long)
    return found


def quality(clip: Path, seed: int = 1) -> dict[str, float]:
    """Coverage, openings, jitter and flicker of one clip."""
    anonymizer = Anonymizer(threads=1)
    strong = CenterFace(DetectorOptions(min_score=SCORE, max_side_px=10_000))
    with Reader(clip) as reader:
        images = [timed.image for timed in reader.frames()]
    numbered = ((image, i) for i, image in enumerate(images))
    made = list(anonymize_frames(anonymizer, numbered, seed, clip.name))
    seen = missed = 0
    before, after = [], []
    faces = drawn = 0
    for image, frame in zip(images, made, strict=True):
        for detection in strong(image):
            seen += 1
            missed += not covers(frame.result.composite_mask, detection.box_xyxy)
        large = [f for f in frame.result.faces if f.box_xyxy[3] - f.box_xyxy[1] >= LEAST_PX]
        faces += len(large)
        drawn += sum(face.synthesized for face in large)
        before.append(landmarks(image, anonymizer))
        after.append(landmarks(frame.result.image, anonymizer))
    both = [i for i in range(len(images)) if before[i] is not None and after[i] is not None]
    a, b = (Posed.of(np.stack([x[i] for i in both])).frontal for x in (before, after))
    return {
        "frames": len(images),
        "faces a strong detector sees": seen,
        "of them not covered": missed,
        "synthesized": drawn / max(faces, 1),
        "mouth, r": correlation(MOUTH.openness(a[:, :468]), MOUTH.openness(b[:, :468])),
        "eyes, r": correlation(*(np.mean([e.openness(x[:, :468]) for e in EYES], 0)
                                 for x in (a, b))),
        "jitter of landmarks by the original's": jitter(b) / jitter(a),
        "flicker by the original's": flicker([f.result.image for f in made], after)
        / flicker(images, before),
    }  # fmt: skip


def covers(mask: np.ndarray, box: tuple[float, float, float, float]) -> bool:
    """Whether the middle ellipse of a box lies in the mask, 95 % of it."""
    left, top, right, bottom = box
    y, x = np.ogrid[: mask.shape[0], : mask.shape[1]]
    u = (x - (left + right) / 2) / ((right - left) / 2)
    v = (y - (top + bottom) / 2) / ((bottom - top) / 2)
    inside = u**2 + v**2 <= 1
    return not inside.any() or float(mask[inside].mean()) >= 0.95


def landmarks(image: np.ndarray, anonymizer: Anonymizer) -> np.ndarray | None:
    """Of the largest face, found anew."""
    try:
        return find_landmarks(image, anonymizer.detect(image)[0], anonymizer.landmarks)
    except Exception:  # no face in this frame
        return None


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's."""
    return float(np.corrcoef(a, b)[0, 1])


def jitter(frontal: np.ndarray) -> float:
    """Mean second difference in time of the landmarks, pose removed, in outer-eye distances."""
    return float(np.linalg.norm(np.diff(frontal[..., :2], 2, axis=0), axis=-1).mean())


def flicker(images: list[np.ndarray], points: list[np.ndarray | None]) -> float:
    """Mean absolute difference of neighbouring faces, laid over each other by their landmarks."""
    gaps, last = [], None
    oval = list(topology.FACE_OVAL)
    for image, found in zip(images, points, strict=True):
        if found is None:
            last = None
            continue
        if last is not None:
            there, _ = cv2.estimateAffinePartial2D(
                np.ascontiguousarray(last[1][:468, :2]), np.ascontiguousarray(found[:468, :2])
            )
            moved = cv2.warpAffine(last[0], there, image.shape[1::-1], flags=cv2.INTER_LINEAR)
            inside = np.zeros(image.shape[:2], np.uint8)
            cv2.fillConvexPoly(inside, np.round(found[oval, :2]).astype(np.int32), 1)
            change = np.abs(image.astype(np.int16) - moved).mean(-1)
            gaps.append(float(change[inside > 0].mean()))
        last = image, found
    return float(np.mean(gaps))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--memory-minutes", type=float)
    arguments = parser.parse_args()
    rows = {}
    for clip in arguments.clips:
        rows[clip.name] = quality(clip)
        if arguments.speed:
            rows[clip.name] |= speed(clip, int(rows[clip.name]["frames"]))
        if arguments.memory_minutes:
            rows[clip.name] |= memory(clip, arguments.memory_minutes)
        print(clip.name, {k: round(v, 3) for k, v in rows[clip.name].items()}, flush=True)
    names = list(next(iter(rows.values())))
    print("\n| | " + " | ".join(rows) + " |\n| --- " * 1 + "| --- " * len(rows) + "|")
    for name in names:
        cells = " | ".join(f"{row[name]:.3g}" for row in rows.values())
        print(f"| {name} | {cells} |")


if __name__ == "__main__":
    main()
