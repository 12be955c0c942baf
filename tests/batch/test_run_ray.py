"""A Ray cluster of this machine; its nodes are processes."""

import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ganonymization.batch.address import FsspecStorage
from ganonymization.batch.execute import execute
from ganonymization.batch.folder import FolderJob, manifest_lines
from ganonymization.batch.run_ray import on_ray
from ganonymization.batch.storage import LocalStorage
from ganonymization.errors import ModelError, OptionError, WorkersError
from ganonymization.io import images
from ganonymization.io.images import Picture

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # Ray's own
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def inverting():
    """Makes an anonymizer; a function within one travels whole, for workers know no tests."""

    def make():
        import time

        from ganonymization.result import Result
        from ganonymization.types import Face

        class Inverting:
            mode = "scene"

            def __call__(self, image, *, seed, name, add_boxes=()):
                time.sleep(0.05)
                mask = image[..., 0] >= 0
                faces = (Face(0, (0.0, 0.0, 9.0, 9.0), 0.9, "synthesized", seed),)
                return Result(image ^ 255, (), faces, mask, seed, {})

        return Inverting()

    return make


@pytest.fixture
def tree(tmp_path):
    """Sixty pictures, a broken one and a text."""
    source = tmp_path / "in"
    pixels = np.random.default_rng(1).integers(0, 255, (60, 32, 48, 3), np.uint8)
    for i, picture in enumerate(pixels):
        images.write(source / f"{i % 3}" / f"{i}.png", Picture(picture))
    (source / "bad.jpg").write_bytes(b"broken")
    (source / "notes.txt").write_text("hello")
    return source


def run(job, **options):
    return list(execute(job, on_ray(**options)))


def check_whole(source, out):
    """Every output is there once, as one machine makes it, and the manifest agrees."""
    for path in source.rglob("*.png"):
        made = images.read(out / path.relative_to(source)).pixels
        assert np.array_equal(made, images.read(path).pixels ^ 255)
    assert sum(path.suffix == ".png" for path in out.rglob("*")) == 60
    told = Counter((line["file"], line["status"]) for line in manifest_lines(LocalStorage(out)))
    assert set(told.values()) == {1}
    assert Counter(status for _, status in told) == {"done": 60, "failed": 1, "not a picture": 1}


def test_one_machine_for_as_long_as_it_takes(tree, tmp_path, inverting, monkeypatch):
    import ray

    monkeypatch.chdir(tmp_path)
    job = FolderJob(inverting, LocalStorage(Path("in")), LocalStorage(Path("out")), seed=1)
    entries = run(job, workers=2)
    assert len(entries) == len({entry.file for entry in entries}) == 62
    check_whole(tree, tmp_path / "out")
    assert not ray.is_initialized()
    (tmp_path / "out" / "1" / "4.png").unlink()
    statuses = Counter(entry.status for entry in run(job, workers=1))
    assert statuses == {"skipped": 59, "done": 1, "failed": 1, "not a picture": 1}


def test_an_anonymizer_that_cannot_be_made_is_told_once(tree, tmp_path):
    def broken():
        raise ModelError("m.onnx: missing; export it anew")

    job = FolderJob(broken, LocalStorage(tree), LocalStorage(tmp_path / "out"), seed=1)
    with pytest.raises(ModelError, match=r"m\.onnx"):
        run(job)
    assert not (tmp_path / "out").exists()


def test_a_cluster_that_gives_up_is_one_error(tree, tmp_path, inverting, monkeypatch):
    from ray import data
    from ray.exceptions import RayError

    def lost(rows):
        raise RayError("The first node died.")

    monkeypatch.setattr(data.Dataset, "iter_rows", lost)
    job = FolderJob(inverting, LocalStorage(tree), LocalStorage(tmp_path / "out"), seed=1)
    with pytest.raises(WorkersError, match=r"The first node died.*what is done stays"):
        run(job, workers=1)


def test_no_cluster_answers(tree, tmp_path, inverting):
    job = FolderJob(inverting, LocalStorage(tree), LocalStorage(tmp_path / "out"), seed=1)
    with pytest.raises(OptionError, match=r"127\.0\.0\.1:1: no Ray cluster.*`address`"):
        run(job, address="127.0.0.1:1")
    assert not (tmp_path / "out").exists()


def test_a_node_dies_and_nothing_is_lost(tree, tmp_path, inverting):
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        dying = cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        out = tmp_path / "out"
        job = FolderJob(inverting, LocalStorage(tree), FsspecStorage(f"file://{out}"), seed=1)
        killed_after = []

        def kill():
            while len(list(out.rglob("*.png"))) < 12:
                time.sleep(0.05)
            cluster.remove_node(dying, allow_graceful=False)
            killed_after.append(len(list(out.rglob("*.png"))))

        killer = threading.Thread(target=kill)
        killer.start()
        entries = run(job, address=cluster.address)
        killer.join()
        assert 12 <= killed_after[0] < 55  # in the middle
        assert len(entries) == len({entry.file for entry in entries}) == 62
        check_whole(tree, out)
    finally:
        cluster.shutdown()
