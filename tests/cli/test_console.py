import json
import tracemalloc
from contextlib import contextmanager

from ganonymization.batch.folder import FolderJob
from ganonymization.batch.manifest import Entry
from ganonymization.batch.storage import LocalStorage
from ganonymization.cli import console

FILES = 1500


def test_json_holds_every_file_in_order_and_no_memory(tmp_path, capfd):
    source = tmp_path / "in"
    source.mkdir()
    for i in range(FILES):
        (source / f"{i}.png").touch()

    def entry(name):
        faces = tuple({"box_xyxy": [name] * 40, "outcome": "synthesized"} for _ in range(9))
        return Entry(name, "done", (name,), 5, faces)

    @contextmanager
    def executor(job, files):
        yield (entry(file.name) for file in reversed(files))

    job = FolderJob(None, LocalStorage(source), LocalStorage(tmp_path / "out"), seed=5)
    names = [file.name for file in job.files()]
    tracemalloc.start()
    try:
        assert console.anonymize_folder(job, executor, as_json=True)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    printed = capfd.readouterr().out
    expected = {"seed": 5, "counts": {"done": FILES}}
    lines = [json.loads(entry(name).line()) for name in sorted(names)]
    assert printed == json.dumps(expected | {"files": lines}) + "\n"
    assert peak_bytes < len(printed) / 2


def test_json_without_files_is_whole(tmp_path, capfd):
    (tmp_path / "in").mkdir()

    @contextmanager
    def executor(job, files):
        yield iter(())

    job = FolderJob(None, LocalStorage(tmp_path / "in"), LocalStorage(tmp_path / "out"), seed=5)
    assert console.anonymize_folder(job, executor, as_json=True)
    assert capfd.readouterr().out == '{"seed": 5, "counts": {}, "files": []}\n'
