"""Where the time of a picture goes, and how it grows with size, faces and cores.

    python benchmarks/stages.py

The photograph in scikit-image, enlarged or side by side. Medians of several rounds, in
milliseconds, as the results tell them.
"""

import os
import platform
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

from ganonymization import Anonymizer, DetectorOptions
from ganonymization.demo import astronaut
from ganonymization.types import Result

STAGES = ("detect", "landmarks", "shape", "synthesize", "composite", "check", "total")
ROUNDS = 7


def medians(call: Callable[[], Result]) -> dict[str, float]:
    """Median milliseconds by stage; the first call warms up."""
    call()
    told = [call().timings_ms for _ in range(ROUNDS)]
    return {stage: float(np.median([t.get(stage, 0.0) for t in told])) for stage in STAGES}


def table(title: str, rows: dict[str, dict[str, float]]) -> None:
    """Print rows of stages."""
    print(f"\n| {title} | " + " | ".join(STAGES) + " |\n" + "| --- " * (len(STAGES) + 1) + "|")
    for name, row in rows.items():
        print(f"| {name} | " + " | ".join(f"{row[stage]:.0f}" for stage in STAGES) + " |")


def tiled(count: int) -> np.ndarray:
    """So many faces of one size in one picture."""
    return np.hstack([astronaut()[:300, 80:380]] * count)


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
    one = Anonymizer(threads=1, detector_options=DetectorOptions(threads=1))
    sides = {
        f"{side} x {side}": medians(
            lambda side=side: one(cv2.resize(astronaut(), (side, side)), seed=1)
        )
        for side in (256, 512, 1024, 2048, 4096)
    }
    table("picture, one face, one thread", sides)
    faces = {
        f"{count} faces, {300 * count} x 300": medians(
            lambda count=count: one(tiled(count), seed=1)
        )
        for count in (1, 2, 4, 8)
    }
    table("faces, one thread", faces)
    rows = {}
    for threads in (1, os.cpu_count() or 1):
        every = Anonymizer(threads=threads, detector_options=DetectorOptions(threads=threads))
        rows[f"{threads} threads a call"] = medians(lambda every=every: every(astronaut(), seed=1))
    table("512 x 512, cores", rows)
    print("\n| pictures/s at 512 x 512, one face | measured |\n| --- | --- |")
    for jobs in (1, 2, 3):
        print(
            f"| {jobs} at a time, one thread each | {pictures_per_s(one, jobs):.1f} |", flush=True
        )
    print(f"\n{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}")


if __name__ == "__main__":
    main()
