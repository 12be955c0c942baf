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
        assert console.anonymize_folder(job, executor, as_json=True) == 0
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
    assert console.anonymize_folder(job, executor, as_json=True) == 0
    assert capfd.readouterr().out == '{"seed": 5, "counts": {}, "files": []}\n'


def test_seeds_of_earlier_runs_and_the_audit_are_told():
    from ganonymization.batch.manifest import Entry
    from ganonymization.batch.report import FolderReport
    from ganonymization.cli.console import _table

    report = FolderReport("out", 2)
    report.add(Entry("a.png", "skipped", seed=1))
    report.add(Entry("b.png", "skipped", seed=2))
    report.add(Entry("c.png", "done", seed=2, audited=True, dropped=("a film",)))
    missed = ({"outcome": "covered by the audit"},)
    report.add(Entry("d.png", "filled", seed=2, faces=missed, audited=True))
    assert (report.faces, report.covered, report.exit_code) == (1, 1, 3)
    *_, audited, dropped, seeds = _table(report)
    assert dropped.split() == "1 held more dropped: a film (1)".split()
    assert audited.split()[0] == "2"
    assert "in 1 a face was missed" in audited
    assert seeds.split()[0] == "1"
    assert "--overwrite" in seeds


def test_only_an_audited_output_is_told_as_such():
    from ganonymization.cli.console import _audit_words

    assert _audit_words(False, 0) == ""
    assert _audit_words(True, 0) == "; audited"
    assert "2 missed at first" in _audit_words(True, 2)
