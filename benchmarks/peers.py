"""Ours beside the published generator and beside blurring, on one folder of faces, in one run.

    python benchmarks/peers.py [--faces FOLDER] [--count 50] [--few 5] [--sizes 512 256]

Whole processes, twice in turns; the better time counts. *start* is a run on one picture, *a
picture* what each further one takes. The published architecture is drawn at the sizes given, with
random weights, which cost as much as learnt ones; 512 is the published default, ours draws at 256.
Pictures are read and written as JPEG. Without a folder the demo's portrait is copied.
Prints Markdown.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from ganonymization.detect.base import DetectorOptions
from ganonymization.detect.centerface import CenterFace
from ganonymization.io import images
from ganonymization.paper.networks import PatchDiscriminator, Pix2PixGenerator

from processes import OURS, Run, better, machine, run  # isort: skip
from table import PACKAGES, SCORE, copies, covered, deface, ours  # isort: skip

KIND = ".jpg"  # PNG would take long to write for a head and no time for a grey fill
HABITS = [sys.executable, str(Path(__file__).with_name("habits.py"))]
HEADS = (
    "what", "pictures", "start, s", "a picture, s", "times ours", "faces covered", "peak, MB",
)  # fmt: skip
NOTES = """
*Portraits* write a head on black for each face, the other rows the picture itself; a portrait \
covers whatever it shows. Files are JPEG. The published network has {parameters:.1f} million \
parameters. Its weights are random here, so what it draws is no face: the last check ends when it \
sees none, and a grey fill is written instead of a head. Its rows lack that much; ours have all of \
it. *PyTorch* and *ONNX Runtime*: `ganonymize folder --model`, nothing rebuilt, one picture more \
at a time than cores, the shape kept. *Rebuilt*: detector, FaceMesh and generator anew for each \
picture, one after the other, each with every core. *Our detector, blurred*: CenterFace at our \
settings and its boxes blurred, no generator."""


@dataclass(frozen=True)
class Peer:
    """A way through a folder.

    Attributes:
        name: In the table.
        call: Runs it on a folder.
        count: Of pictures, at most.
        portraits: Whether heads are written, not the pictures.
    """

    name: str
    call: Callable[[Path], Run]
    count: int
    portraits: bool = True


@dataclass
class Measured:
    """What a way came to.

    Attributes:
        first: On one picture.
        whole: On its folder.
        covered: Faces, in words.
    """

    first: Run
    whole: Run
    covered: str = ""

    def seconds(self, count: int) -> float:
        """Of each picture but the first of so many."""
        return (self.whole.seconds - self.first.seconds) / max(1, count - 1)


def published(path: Path, size_px: int) -> Path:
    """A checkpoint as the published project writes it, with random weights."""
    torch.manual_seed(0)
    state = {f"generator.{k}": v for k, v in Pix2PixGenerator().state_dict().items()}
    state |= {f"discriminator.{k}": v for k, v in PatchDiscriminator().state_dict().items()}
    torch.save({"state_dict": state, "hyper_parameters": {"img_size": size_px}}, path)
    return path


def habit(scratch: Path, way: str, source: Path, *options: str) -> Run:
    """One of ``habits.py``."""
    out = scratch / way
    shutil.rmtree(out, ignore_errors=True)
    return run([*HABITS, way, str(source), str(out), *options], out)


def published_peers(scratch: Path, size_px: int, count: int, few: int) -> list[Peer]:
    """The published architecture at one size, three ways."""
    checkpoint = published(scratch / f"published-{size_px}.ckpt", size_px)
    exported = checkpoint.with_suffix(".onnx")
    run([*OURS, "export", str(checkpoint), str(exported)], exported)

    def kept(model: Path) -> Callable[[Path], Run]:
        options = ("--mode", "portrait", "--keep-shape", "--model", str(model))
        return lambda source: ours("folder", source, scratch, *options)

    name = f"published generator at {size_px}"
    return [
        Peer(f"{name}, PyTorch", kept(checkpoint), count),
        Peer(f"{name}, ONNX Runtime", kept(exported), count),
        Peer(
            f"{name}, PyTorch, rebuilt",
            lambda source: habit(scratch, "rebuilt", source, "--model", str(checkpoint)),
            few,
        ),
    ]


def peers(scratch: Path, sizes_px: list[int], count: int, few: int) -> list[Peer]:
    """Every way, ours first."""
    portraits = ("--mode", "portrait")
    found = [
        Peer("ours, portraits", lambda s: ours("folder", s, scratch, *portraits), count),
        Peer("ours, scenes", lambda s: ours("folder", s, scratch), count, False),
    ]
    for size_px in sizes_px:
        found += published_peers(scratch, size_px, count, few)
    return [
        *found,
        Peer("our detector, blurred", lambda s: habit(scratch, "blur", s), count, False),
        Peer("deface", lambda s: deface("folder", s, scratch), count, False),
    ]


def with_portraits(source: Path, out: Path, strong: CenterFace) -> str:
    """How many of the faces seen in the inputs have a portrait, and how many of those are heads."""
    seen = written = 0
    for path in sorted(source.iterdir()):
        faces = len(strong(images.read(path).pixels))
        further = list(out.glob(f"{path.stem}_*{path.suffix}"))
        seen += faces
        written += min(faces, (out / path.name).is_file() + len(further))
    manifest = out.with_name(out.name + "-report") / "manifest.jsonl"
    if not manifest.is_file():
        return f"{written} of {seen}"
    entries = [json.loads(line) for line in manifest.read_text().splitlines()]
    outcomes = [face["outcome"] for entry in entries for face in entry["faces"]]
    return f"{written} of {seen}, {outcomes.count('synthesized')} drawn"


def measure(ways: list[Peer], folders: dict[int, Path], strong: CenterFace) -> list[Measured]:
    """Each way on one picture and on its folder, twice in turns."""
    told: list[Measured] = []
    for turn in range(2):
        for i, way in enumerate(ways):
            source = folders[way.count]
            now = Measured(way.call(folders[1]), way.call(source))
            if turn == 0:
                look = with_portraits if way.portraits else by_looks
                now.covered = look(source, now.whole.out, strong)
                told.append(now)
            else:
                told[i].first = better(told[i].first, now.first)
                told[i].whole = better(told[i].whole, now.whole)
    return told


def by_looks(source: Path, out: Path, strong: CenterFace) -> str:
    """How many of the faces seen in the inputs look otherwise in the outputs."""
    return covered("folder", source, out, strong)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=Path, help="Pictures of one face each.")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--few", type=int, default=5, help="Pictures where all is rebuilt.")
    parser.add_argument("--sizes", type=int, nargs="*", default=[512, 256])
    arguments = parser.parse_args()
    strong = CenterFace(DetectorOptions(min_score=SCORE, max_side_px=10_000))
    with tempfile.TemporaryDirectory() as scratch_folder:
        scratch = Path(scratch_folder)
        counts = {1, arguments.few, arguments.count}
        folders = {n: copies(scratch / f"{n}", arguments.faces, n, KIND) for n in counts}
        ways = peers(scratch, arguments.sizes, arguments.count, arguments.few)
        told = measure(ways, folders, strong)
        had = {n: len(list(folder.iterdir())) for n, folder in folders.items()}
    print("| " + " | ".join(HEADS) + " |\n" + "| --- " * len(HEADS) + "|")
    base_s = told[0].seconds(had[ways[0].count])
    for way, one in zip(ways, told, strict=True):
        spent_s = one.seconds(had[way.count])
        cells = [
            way.name, str(had[way.count]), f"{one.first.seconds:.1f}", f"{spent_s:.3f}",
            f"{spent_s / base_s:.1f}", one.covered, f"{one.whole.peak_mb:.0f}",
        ]  # fmt: skip
        print("| " + " | ".join(cells) + " |")
    parameters = sum(p.numel() for p in Pix2PixGenerator().parameters())
    print(NOTES.format(parameters=parameters / 1e6))
    print(f"\n{machine(*PACKAGES, 'torch')}")


if __name__ == "__main__":
    main()
