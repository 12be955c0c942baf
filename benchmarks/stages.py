"""Where the time of a picture goes, and how it grows with size, faces and cores.

    python benchmarks/stages.py [--json STAGES.json] [--rounds 7]

The demo's portrait, enlarged or side by side. Medians of several rounds, in
milliseconds, as the results tell them; for files also of reading and writing. With --json the
tables are written to a file too, for ``tools/performance_bar.py``.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from ganonymization import Anonymizer, DetectorOptions
from ganonymization.cli.demo import astronaut
from ganonymization.io import images

from processes import machine  # isort: skip

STAGES = (
    "read", "detect", "landmarks", "shape", "synthesize", "composite", "check", "write", "total",
)  # fmt: skip
Timings = Mapping[str, float]
Rows = dict[str, dict[str, float]]


def medians(call: Callable[[], Timings], rounds: int) -> dict[str, float]:
    """Median milliseconds by stage; the first call warms up."""
    call()
    told = [call() for _ in range(rounds)]
    return {
        stage: float(np.median([t[stage] for t in told])) for stage in STAGES if stage in told[0]
    }


def table(title: str, rows: Rows) -> None:
    """Print rows of stages."""
    stages = [stage for stage in STAGES if any(stage in row for row in rows.values())]
    print(f"\n| {title} | " + " | ".join(stages) + " |\n" + "| --- " * (len(stages) + 1) + "|")
    for name, row in rows.items():
        cells = [f"{row[stage]:.0f}" if stage in row else "" for stage in stages]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def tiled(count: int) -> np.ndarray:
    """So many faces of one size in one picture."""
    return np.hstack([astronaut()[:300, 80:380]] * count)


def file_timings(anonymizer: Anonymizer, source: Path, out: Path) -> Timings:
    """A picture from file to file."""
    marks = [time.perf_counter()]
    picture = images.read(source)
    marks.append(time.perf_counter())
    result = anonymizer(picture.pixels, seed=1)
    drawn = result.portraits[0] if result.image is None else result.image
    marks.append(time.perf_counter())
    images.write(out, images.Picture(drawn))
    marks.append(time.perf_counter())
    read_ms, _, write_ms = np.diff(marks) * 1e3
    total_ms = (marks[-1] - marks[0]) * 1e3
    return {**result.timings_ms, "read": read_ms, "write": write_ms, "total": total_ms}


def by_size(one: Anonymizer, rounds: int) -> Rows:
    """One face in larger and larger pictures."""
    pictures = {
        side: cv2.resize(astronaut(), (side, side)) for side in (256, 512, 1024, 2048, 4096)
    }
    return {
        f"{side} x {side}": medians(lambda image=image: one(image, seed=1).timings_ms, rounds)
        for side, image in pictures.items()
    }


def by_faces(one: Anonymizer, rounds: int) -> Rows:
    """More and more faces of one size."""
    pictures = {count: tiled(count) for count in (1, 2, 4, 8)}
    return {
        f"{count} face{'s' if count > 1 else ''}, {300 * count} x 300": medians(
            lambda image=image: one(image, seed=1).timings_ms, rounds
        )
        for count, image in pictures.items()
    }


def by_file(one: Anonymizer, rounds: int) -> Rows:
    """Files of one face."""
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        for suffix in (".png", ".jpg", ".webp"):
            source, out = Path(folder) / f"in{suffix}", Path(folder) / f"out{suffix}"
            images.write(source, images.Picture(astronaut()))
            for anonymizer in (one, one.using(mode="portrait")):
                rows[f"512 x 512, {suffix[1:].upper()}, {anonymizer.mode}"] = medians(
                    lambda a=anonymizer, s=source, o=out: file_timings(a, s, o), rounds
                )
    return rows


def by_threads(rounds: int) -> Rows:
    """One picture by one core, and by all."""
    rows = {}
    for threads in sorted({1, os.cpu_count() or 1}):
        every = Anonymizer(threads=threads, detector_options=DetectorOptions(threads=threads))
        rows[f"threads of a call: {threads}"] = medians(
            lambda every=every: every(astronaut(), seed=1).timings_ms, rounds
        )
    return rows


def pictures_per_s(anonymizer: Anonymizer, jobs: int, count: int = 60) -> float:
    """So many at a time."""
    image = astronaut()
    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(lambda i: anonymizer(image, seed=i), range(2 * jobs)))
        start = time.perf_counter()
        list(pool.map(lambda i: anonymizer(image, seed=i), range(count)))
        return count / (time.perf_counter() - start)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="A file to write the tables to as well.")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    one = Anonymizer(threads=1, detector_options=DetectorOptions(threads=1))
    tables = {
        "picture, one face, one thread": by_size(one, arguments.rounds),
        "faces, one thread": by_faces(one, arguments.rounds),
        "file, one face, one thread": by_file(one, arguments.rounds),
        "512 x 512, cores": by_threads(arguments.rounds),
    }
    for title, rows in tables.items():
        table(title, rows)
    print("\n| pictures/s at 512 x 512, one face | measured |\n| --- | --- |")
    for jobs in range(1, (os.cpu_count() or 1) + 2):
        print(
            f"| {jobs} at a time, one thread each | {pictures_per_s(one, jobs):.1f} |", flush=True
        )
    print(f"\n{machine()}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": machine(), "tables": tables}, indent=1))


if __name__ == "__main__":
    main()
