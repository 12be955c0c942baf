"""A folder of very many files: what the bookkeeping costs, and whether it slows down.

    python benchmarks/many.py [--count 100000]

The pictures are hard links to one small file, and the anonymizer passes them on, so that what is
left is reading, writing, hashing and the manifest. Prints a table.
"""

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from ganonymization.batch.execute import execute, in_threads
from ganonymization.batch.folder import FolderJob
from ganonymization.batch.storage import LocalStorage
from ganonymization.io import images
from ganonymization.io.images import Picture
from ganonymization.result import Result
from ganonymization.types import Box, Image

FOLDERS = 100


class Passing:
    """Anonymizes nothing."""

    mode = "scene"

    def __call__(
        self, image: Image, *, seed: int, name: str, add_boxes: Sequence[Box] = ()
    ) -> Result:
        """The picture as it is."""
        return Result(image, (), (), np.zeros(image.shape[:2], bool), seed, {})


def linked(folder: Path, count: int) -> None:
    """So many names of one picture."""
    rng = np.random.default_rng(0)
    picture = Picture(rng.integers(0, 255, (16, 16, 3), np.uint8))
    for i in range(count):
        first = folder / f"{i % FOLDERS:02d}" / f"{i % FOLDERS:07d}.png"  # disks bound the names
        if i < FOLDERS:
            images.write(first, picture)
        else:
            os.link(first, first.with_name(f"{i:07d}.png"))


def memory_mb() -> float:
    """The most that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    count = parser.parse_args().count
    with tempfile.TemporaryDirectory() as scratch:
        source, out = Path(scratch) / "in", Path(scratch) / "out"
        linked(source, count)
        folders = LocalStorage(source), LocalStorage(out)
        job = FolderJob(Passing, *folders, seed=1, key=b"key")  # type: ignore[arg-type]
        marks = [time.perf_counter()]
        tenth = max(1, count // 10)
        for done, _ in enumerate(execute(job, in_threads(2)), 1):
            if done % tenth == 0 or done == 1:
                marks.append(time.perf_counter())
        start_s = marks[1] - marks[0]
        rates = [tenth / (b - a) for a, b in pairwise(marks[1:])]
        peak_mb = memory_mb()
        begun = time.perf_counter()
        again = list(execute(job, in_threads(2)))
        resume_s = time.perf_counter() - begun
        assert all(entry.status == "skipped" for entry in again)
        assert len(list(out.rglob("*.png"))) == count
    rows = {
        "files": f"{count:,}",
        "from the start to the first output, s": f"{start_s:.1f}",
        "first tenth, files/s": f"{rates[0]:.0f}",
        "last tenth, files/s": f"{rates[-1]:.0f}",
        "last by first": f"{rates[-1] / rates[0]:.3f}",
        "again, all done already, s": f"{resume_s:.1f}",
        "peak memory, MB": f"{peak_mb:.0f}",
        "peak memory after the second run, MB": f"{memory_mb():.0f}",
    }
    print("| what | measured |\n| --- | --- |")
    for name, value in rows.items():
        print(f"| {name} | {value} |")


if __name__ == "__main__":
    main()
