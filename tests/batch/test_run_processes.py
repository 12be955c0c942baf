"""Real processes with fakes in them."""

import os
import signal
import time
from collections import Counter
from contextlib import closing
from functools import partial

import numpy as np
import pytest

from ganonymization.batch.execute import execute
from ganonymization.batch.folder import FolderJob
from ganonymization.batch.run_processes import in_processes
from ganonymization.batch.storage import LocalStorage
from ganonymization.errors import ModelError, WorkersError
from ganonymization.io import images
from ganonymization.io.images import Picture
from ganonymization.result import Result
from ganonymization.types import Face


class Inverting:
    """Knows of its process, and of files that end it."""

    mode = "scene"

    def __init__(self, marks, deadly="", lives=0):
        self.marks, self.deadly, self.lives = marks, deadly, lives

    def __call__(self, image, *, seed, name, add_boxes=()):
        time.sleep(0.01)
        (self.marks / f"pid-{os.getpid()}").touch()
        if name == self.deadly and len(list(self.marks.glob("died-*"))) < self.lives:
            (self.marks / f"died-{os.getpid()}").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        faces = (Face(0, (0.0, 0.0, 9.0, 9.0), 0.9, "synthesized", seed),)
        return Result(image ^ 255, (), faces, image[..., 0] >= 0, seed, {})


def broken():
    raise ModelError("m.onnx: missing; export it anew")


def gone(parent):
    if os.getpid() != parent:
        os._exit(3)
    return Inverting(None)


@pytest.fixture
def tree(tmp_path):
    """Twenty pictures and a text."""
    source = tmp_path / "in"
    pixels = np.random.default_rng(1).integers(0, 255, (20, 32, 48, 3), np.uint8)
    for i, picture in enumerate(pixels):
        images.write(source / f"{i}.png", Picture(picture))
    (source / "notes.txt").write_text("hello")
    return source


def run(job, workers=2):
    return {entry.file: entry for entry in execute(job, in_processes(workers))}


def make_job(tree, tmp_path, make):
    return FolderJob(make, LocalStorage(tree), LocalStorage(tmp_path / "out"), seed=1)


def alive(tmp_path):
    pids = [int(path.name.removeprefix("pid-")) for path in tmp_path.glob("pid-*")]
    return [pid for pid in pids if os.path.exists(f"/proc/{pid}")]


def test_the_work_is_shared_and_resumed(tree, tmp_path):
    job = make_job(tree, tmp_path, partial(Inverting, tmp_path))
    entries = run(job)
    statuses = Counter(entry.status for entry in entries.values())
    assert statuses == {"done": 20, "not a picture": 1}
    for path in tree.glob("*.png"):
        made = images.read(tmp_path / "out" / path.name).pixels
        assert np.array_equal(made, images.read(path).pixels ^ 255)
    assert len(list(tmp_path.glob("pid-*"))) == 2 and not alive(tmp_path)
    assert len(list(job.report.manifest_lines())) == 21
    (tmp_path / "out" / "4.png").unlink()
    again = Counter(entry.status for entry in run(job).values())
    assert again == {"skipped": 19, "done": 1, "not a picture": 1}


@pytest.mark.parametrize(("lives", "status"), [(1, "done"), (2, "failed")])
def test_a_file_that_ends_its_process_is_tried_again_and_told(tree, tmp_path, lives, status):
    make = partial(Inverting, tmp_path, "7.png", lives)
    entries = run(make_job(tree, tmp_path, make))
    assert len(entries) == 21
    assert entries.pop("7.png").status == status
    assert Counter(entry.status for entry in entries.values()) == {"done": 19, "not a picture": 1}
    assert (tmp_path / "out" / "7.png").is_file() == (status == "done")
    (line,) = [x for x in make_job(tree, tmp_path, make).report.manifest_lines()
               if x["file"] == "7.png"]  # fmt: skip
    assert line["status"] == status
    if status == "failed":
        assert "died 2 times (SIGKILL)" in line["error"] and "7.png" in line["error"]


def test_an_anonymizer_that_cannot_be_made_says_so_itself(tree, tmp_path, capfd):
    with pytest.raises(ModelError, match=r"m\.onnx"):
        run(make_job(tree, tmp_path, broken))


def test_processes_that_cannot_start_are_one_error(tree, tmp_path):
    with pytest.raises(WorkersError, match=r"exit code 3.*fewer `jobs`"):
        run(make_job(tree, tmp_path, partial(gone, os.getpid())))


def test_a_stop_leaves_no_process_and_no_scraps(tree, tmp_path):
    job = make_job(tree, tmp_path, partial(Inverting, tmp_path))
    with pytest.raises(KeyboardInterrupt), closing(execute(job, in_processes(2))) as entries:
        next(entries)
        raise KeyboardInterrupt
    assert not alive(tmp_path)
    assert not list((tmp_path / "out").glob(".*"))
