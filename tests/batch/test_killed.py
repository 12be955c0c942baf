"""A folder job that is killed at any moment and started again loses nothing."""

import random
import signal
import subprocess
import sys
import time
from collections import Counter

import numpy as np
import pytest

from ganonymization.batch.manifest import FINISHED, MANIFEST, read_manifest
from ganonymization.io import images
from ganonymization.io.images import Picture

WORKER = """
import sys, time
from pathlib import Path
import numpy as np
from ganonymization.batch.execute import execute, in_threads
from ganonymization.batch.folder import FolderJob
from ganonymization.batch.run_processes import in_processes
from ganonymization.batch.storage import LocalStorage
from ganonymization.result import Result

class Slow:
    mode = "scene"
    def __call__(self, image, *, seed, name, add_boxes=()):
        time.sleep(0.01)
        return Result(image, (), (), np.zeros(image.shape[:2], bool), seed, {})

if __name__ == "__main__":
    print("ready", flush=True)
    trees = [LocalStorage(Path(folder)) for folder in sys.argv[2:]]
    job = FolderJob(Slow, *trees, seed=1, key=b"key")
    for _ in execute(job, in_processes(2) if sys.argv[1] == "processes" else in_threads(2)):
        pass
"""
PICTURES = 80


def start(script, engine, source, out):
    words = [sys.executable, str(script), engine, str(source), str(out)]
    worker = subprocess.Popen(words, stdout=subprocess.PIPE)
    assert worker.stdout.readline() == b"ready\n"
    return worker


def _await_outputs(worker, out, count):
    while worker.poll() is None and len(list(out.rglob("*.png"))) < count:
        time.sleep(0.002)


@pytest.mark.parametrize("engine", ["threads", "processes"])
@pytest.mark.parametrize("kills", [4, pytest.param(50, marks=pytest.mark.slow)])
def test_a_killed_job_goes_on(tmp_path, kills, engine):
    rng, source, out = random.Random(kills), tmp_path / "in", tmp_path / "out"
    script = tmp_path / "worker.py"  # a file, for processes import it
    script.write_text(WORKER)
    pixels = np.random.default_rng(1).integers(0, 255, (PICTURES, 48, 64, 3), np.uint8)
    for i, picture in enumerate(pixels):
        images.write(source / f"{i % 7}" / f"{i}.png", Picture(picture))
    reached = []
    for _ in range(kills):
        worker = start(script, engine, source, out)
        _await_outputs(worker, out, len(list(out.rglob("*.png"))) + rng.randrange(40 // kills + 2))
        time.sleep(rng.uniform(0.0, 0.03))
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        worker.stdout.close()
        reached.append(len(list(out.rglob("*.png"))))
    assert 0 < reached[-1] and reached == sorted(reached)  # it does go on from where it was
    worker = start(script, engine, source, out)
    assert worker.wait(timeout=60) == 0
    worker.stdout.close()
    for i, picture in enumerate(pixels):
        assert np.array_equal(images.read(out / f"{i % 7}" / f"{i}.png").pixels, picture)
    assert {p.name for p in out.rglob("*") if p.is_file()} == {f"{i}.png" for i in range(PICTURES)}
    report = tmp_path / "out-report"
    told = Counter(line["file"] for line in read_manifest(report / MANIFEST))
    assert set(told) == {f"{i % 7}/{i}.png" for i in range(PICTURES)}
    # a picture is done twice only if the kill came between its output and its line
    assert sum(told.values()) <= PICTURES + 2 * kills
    assert {line["status"] for line in read_manifest(report / MANIFEST)} <= set(FINISHED)
