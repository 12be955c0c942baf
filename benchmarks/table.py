"""Ours beside ``deface`` on the same pictures, folders and videos, in one run.

    python benchmarks/table.py [--faces FOLDER] [--scenes FOLDER] [--video CLIP ...] [--count 300]
                              [--turns 2]

Whole processes with their start, one after the other, in turns; the better time counts. Faces are
JPEG files. A
row's *covered* is the share of faces that CenterFace sees in the inputs in full resolution (0.3)
and that look otherwise in the output. Without folders the demo's portrait is copied.
Prints Markdown, with the machine and the versions under it.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from ganonymization.cli.demo import astronaut
from ganonymization.detect.base import DetectorOptions
from ganonymization.detect.centerface import CenterFace
from ganonymization.io import images
from ganonymization.video.container import Reader

from processes import OURS, Run, better, machine, run  # isort: skip

SCORE, CHANGED_LEVELS = 0.3, 6.0
PACKAGES = ("onnxruntime", "opencv-python-headless", "av", "deface")
DEFACE = str(Path(sys.executable).parent / "deface")


def ours(what: str, source: Path, scratch: Path, *options: str) -> Run:
    """``ganonymize image``, ``folder`` or ``video``."""
    out = scratch / f"ours{source.suffix}"
    shutil.rmtree(out) if out.is_dir() else out.unlink(missing_ok=True)
    return run([*OURS, what, str(source), str(out), "--seed", "1", *options], out)


def deface(what: str, source: Path, scratch: Path) -> Run:
    """The peer, on a copy where it writes beside its input."""
    if what != "folder":
        out = scratch / f"deface{source.suffix}"
        return run([DEFACE, str(source), "-o", str(out)], out)
    out = scratch / "deface"
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(source, out)
    return run([DEFACE, str(out)], out)


def both(what: str, source: Path, scratch: Path, count: int, *options: str) -> tuple[Run, Run]:
    """Ours and theirs, so often in turns."""
    turns = [
        (ours(what, source, scratch, *options), deface(what, source, scratch)) for _ in range(count)
    ]
    return better(*(a for a, _ in turns)), better(*(b for _, b in turns))


def pairs(what: str, source: Path, out: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pictures, or every tenth frame, before and after; those of another size are left out."""
    if what == "video":
        with Reader(source) as a, Reader(out) as b:
            shown = [(x.image, y.image) for x, y in zip(a.frames(), b.frames(), strict=True)][::10]
    elif what == "image":
        shown = [(images.read(source).pixels, images.read(out).pixels)]
    else:
        shown = []
        for path in sorted(source.iterdir()):
            beside = out / f"{path.stem}_anonymized{path.suffix}"
            after = beside if beside.is_file() else out / path.name
            if after.is_file() and images.is_picture(path):
                shown.append((images.read(path).pixels, images.read(after).pixels))
    return [(a, b) for a, b in shown if a.shape == b.shape]


def covered(what: str, source: Path, out: Path, strong: CenterFace) -> str:
    """Share of the faces in the inputs that look otherwise in the outputs."""
    changed = []
    for before, after in pairs(what, source, out):
        for face in strong(before):
            x0, y0, x1, y1 = face.box_xyxy
            w, h = (x1 - x0) / 4, (y1 - y0) / 4  # the middle: no ring, no hair
            rows = slice(max(0, round(y0 + h)), max(1, round(y1 - h)))
            columns = slice(max(0, round(x0 + w)), max(1, round(x1 - w)))
            gap = np.abs(before[rows, columns].astype(int) - after[rows, columns])
            changed.append(gap.size == 0 or gap.mean() > CHANGED_LEVELS)
    return f"{sum(changed)} of {len(changed)}" if changed else ""


def copies(folder: Path, faces: Path | None, count: int, suffix: str = "") -> Path:
    """A flat folder of that many pictures.

    Args:
        folder: The one to make.
        faces: Where they come from, or None for copies of one photograph.
        count: At most.
        suffix: Of the format to write them in; none keeps their own, except for WebP.
    """
    folder.mkdir()
    found = [] if faces is None else [p for p in sorted(faces.rglob("*")) if images.is_picture(p)]
    for path in found[:count]:
        wanted = suffix or (".png" if path.suffix == ".webp" else path.suffix)  # deface reads none
        if path.suffix == wanted:
            shutil.copyfile(path, folder / path.name)
        else:
            images.write(folder / f"{path.stem}{wanted}", images.read(path))
    if not found:
        small = Image.fromarray(astronaut()).resize((288, 288))
        for i in range(count):
            small.save(folder / f"{i}{suffix or '.png'}")
    return folder


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=Path, help="Pictures of one face each.")
    parser.add_argument("--scenes", type=Path, help="Pictures of many faces.")
    parser.add_argument("--video", type=Path, nargs="*", default=[])
    parser.add_argument("--count", type=int, default=300, help="Of faces.")
    parser.add_argument("--turns", type=int, default=2)
    arguments = parser.parse_args()
    strong = CenterFace(DetectorOptions(min_score=SCORE, max_side_px=10_000))
    print("| what | ours, s | deface, s | times as fast | covered, ours | covered, deface | "
          "peak, ours, MB | peak, deface, MB |\n" + "| --- " * 8 + "|")  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch_folder:
        scratch = Path(scratch_folder)
        picture = scratch / "astronaut.png"
        Image.fromarray(astronaut()).save(picture)
        faces = copies(scratch / "faces", arguments.faces, arguments.count, ".jpg")
        jobs: list[tuple[str, str, Path, list[str]]] = [
            ("one picture, 512 x 512", "image", picture, []),
            (f"{len(list(faces.iterdir()))} faces, portraits", "folder", faces,
             ["--mode", "portrait"]),
            (f"{len(list(faces.iterdir()))} faces, scenes", "folder", faces, []),
        ]  # fmt: skip
        if arguments.scenes:
            scenes = scratch / "scenes"
            scenes.mkdir()
            for path in arguments.scenes.glob("*.jpg"):
                shutil.copyfile(path, scenes / path.name)
            jobs.append(("scenes, full detection", "folder", scenes, ["--detect-size", "4000"]))
        jobs += [(f"video {clip.name}", "video", clip, []) for clip in arguments.video]
        for name, what, source, options in jobs:
            a, b = both(what, source, scratch, arguments.turns, *options)
            portraits = "portrait" in options
            cells = [
                f"{a.seconds:.1f}", f"{b.seconds:.1f}", f"{b.seconds / a.seconds:.2f}",
                "drawn anew" if portraits else covered(what, source, a.out, strong),
                covered(what, source, b.out, strong), f"{a.peak_mb:.0f}", f"{b.peak_mb:.0f}",
            ]  # fmt: skip
            print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    print(f"\n{machine(*PACKAGES)}")


if __name__ == "__main__":
    main()
