"""A Ray cluster in this machine beside plain processes, and what many nodes would ask of the first.

    python benchmarks/scale.py --faces FOLDER [--count 600] [--few 100] [--workers 2]

Plain: as many processes as workers, ``--shard I/N --jobs 1`` each. Whole runs with ``--few`` and
with ``--count`` pictures, portraits; their difference is free of starts. Then Ray with workers that
do nothing, for what the first node has to do for a file. Prints Markdown.
"""

import argparse
import json
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from processes import NOT_CARRIED, OURS, machine
from table import PACKAGES, copies

from ganonymization.batch.execute import execute
from ganonymization.batch.folder import FolderJob
from ganonymization.batch.run_ray import on_ray
from ganonymization.batch.storage import LocalStorage
from ganonymization.io import images
from ganonymization.io.images import Picture
from ganonymization.pipeline import Anonymizer


def idle() -> Anonymizer:
    """An anonymizer that passes pictures on; workers make it without this file."""
    import numpy as np

    from ganonymization.result import Result

    class Idle:
        mode = "scene"

        def __call__(self, image, *, seed, name, add_boxes=()):  # type: ignore[no-untyped-def]
            return Result(image, (), (), np.zeros(image.shape[:2], bool), seed, {})

    return Idle()  # type: ignore[return-value]


def seconds(out: Path, commands: list[list[str]]) -> float:
    """How long commands take side by side, with an empty output folder."""
    shutil.rmtree(out, ignore_errors=True)
    surroundings = {k: v for k, v in os.environ.items() if k not in NOT_CARRIED}
    start = time.perf_counter()
    running = [
        subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                         env=surroundings)
        for words in commands
    ]  # fmt: skip
    codes = [process.wait() for process in running]
    if any(codes):
        raise SystemExit(f"{commands[0]} ended with {codes}")
    return time.perf_counter() - start


def folder(source: Path, out: Path, *options: str) -> list[str]:
    """The command."""
    words = [*OURS, "folder", str(source), str(out), "--mode", "portrait", "--seed", "1"]
    return [*words, *options]


def first_node(few: int, many: int, workers: int, scratch: Path) -> dict[str, float]:
    """What a file costs where the run was started, and what goes over the network for it."""
    pixels = np.random.default_rng(0).integers(0, 255, (16, 16, 3), np.uint8)
    images.write(scratch / "tiny" / "0.bmp", Picture(pixels))
    for i in range(1, many):
        os.link(scratch / "tiny" / "0.bmp", scratch / "tiny" / f"{i}.bmp")
    folders = LocalStorage(scratch / "tiny"), LocalStorage(scratch / "tiny-out")
    job = FolderJob(idle, *folders, seed=1, key=b"key")
    start = time.perf_counter()
    files = job.files()
    planned_s = time.perf_counter() - start

    def timed(count: int) -> tuple[float, float]:
        """Seconds, and those of this process's processor."""
        start, busy = time.perf_counter(), time.process_time()
        again = replace(job, overwrite=True)
        for _ in execute(again, on_ray(workers=workers), files[:count]):
            pass
        return time.perf_counter() - start, time.process_time() - busy

    timed(few)  # imports
    (few_s, few_busy_s), (many_s, many_busy_s) = timed(few), timed(many)
    return {
        "planned, microseconds a file": planned_s / many * 1e6,
        "first node's processor, milliseconds a file": (many_busy_s - few_busy_s)
        / (many - few)
        * 1e3,
        f"files/s with {workers} workers that do nothing": (many - few) / (many_s - few_s),
        "bytes of a name": len(json.dumps(asdict(files[-1]) | {"taken": []})),
    }


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=Path)
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--few", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    n = arguments.workers
    with tempfile.TemporaryDirectory() as scratch_folder:
        scratch = Path(scratch_folder)
        sizes = arguments.few, arguments.count
        sources = [copies(scratch / str(k), arguments.faces, k, ".jpg") for k in sizes]
        out = scratch / "out"
        alone = "--engine", "threads", "--jobs", "1"
        engines = {
            "plain processes, by --shard": lambda source: [
                folder(source, out, *alone, "--shard", f"{i}/{n}") for i in range(1, n + 1)
            ],
            "Ray": lambda source: [folder(source, out, "--engine", "ray", "--jobs", str(n))],
            "folder": lambda source: [folder(source, out)],
            "folder, --engine threads": lambda source: [folder(source, out, "--engine", "threads")],
        }
        print(f"| {n} workers | start and {sizes[0]}, s | start and {sizes[1]}, s | pictures/s "
              "without start | of plain |\n" + "| --- " * 5 + "|")  # fmt: skip
        plain = 0.0
        for name, commands in engines.items():
            few_s, many_s = (seconds(out, commands(source)) for source in sources)
            rate = (sizes[1] - sizes[0]) / (many_s - few_s)
            plain = plain or rate
            print(f"| {name} | {few_s:.1f} | {many_s:.1f} | {rate:.1f} | {rate / plain:.2f} |",
                  flush=True)  # fmt: skip
        made = [path.stat().st_size for path in out.rglob("*.jpg")]
        lines = (out.with_name(out.name + "-report") / "manifest.jsonl").read_bytes().splitlines()
        read = [path.stat().st_size for path in sources[1].iterdir()]
        rows = first_node(2_000, 12_000, n, scratch)
    rows |= {
        "bytes of an entry": float(np.mean([len(line) for line in lines])),
        "bytes of a picture that is read": float(np.mean(read)),
        "bytes of a picture that is written": float(np.mean(made)),
    }
    print("\n| what | measured |\n| --- | --- |")
    for name, value in rows.items():
        print(f"| {name} | {value:.3g} |" if value < 100 else f"| {name} | {value:.0f} |")
    print(f"\n{machine(*PACKAGES)}")


if __name__ == "__main__":
    main()
