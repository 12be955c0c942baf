"""What an output folder gives away, and what is kept beside it."""

import hashlib
import json
import re
import stat
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from ganonymization import cli, seeds
from ganonymization.batch.execute import execute, in_threads
from ganonymization.batch.folder import FolderJob
from ganonymization.batch.manifest import MANIFEST
from ganonymization.batch.secret import secret_of, state_folder
from ganonymization.batch.storage import LocalStorage
from ganonymization.config import AnonymizerConfig
from ganonymization.errors import OutputError
from ganonymization.io import images
from ganonymization.io.images import Picture


@pytest.fixture
def tree(tmp_path, picture):
    """A picture, and an animation of it."""
    images.write(tmp_path / "in" / "a.png", Picture(picture))
    frames = [images.Pillow.fromarray(picture) for _ in range(3)]
    frames[0].save(tmp_path / "in" / "b.gif", save_all=True, append_images=frames[1:], duration=40)
    return tmp_path / "in"


@pytest.fixture
def run(monkeypatch, make_anonymizer):
    monkeypatch.setattr(AnonymizerConfig, "load", lambda _: make_anonymizer())

    def run(*words):
        words = ["folder", *map(str, words), "--engine", "threads"]
        answer = CliRunner().invoke(cli.app, words, catch_exceptions=False)
        assert answer.exit_code == 0, answer.output
        return answer.output

    return run


def texts_of(out):
    """All that lies beside the pictures."""
    report = out.with_name(out.name + "-report")
    kinds = (".json", ".jsonl", ".html")
    return "".join(path.read_text() for path in sorted(report.rglob("*")) if path.suffix in kinds)


def done(job):
    return {entry.file: entry.status for entry in execute(job, in_threads(1))}


def job_of(make, tree, out, **options):
    return FolderJob(make, LocalStorage(tree), LocalStorage(out), 1, **options)


def test_nothing_in_the_output_tells_the_seed_or_an_original(run, tree, tmp_path):
    out = tmp_path / "out"
    printed = run(tree, out)
    secret, told = secret_of(LocalStorage(out).identity, keep=False), texts_of(out)
    assert '"seed": null' in told and "a secret seed" in printed
    own = [seeds.face_seed(secret.seed, name, 0) for name in ("a.png", "b.gif")]
    for number in (secret.seed, *own):
        assert str(number) not in told + printed
    for path in tree.iterdir():
        content, time_ns = path.read_bytes(), path.stat().st_mtime_ns
        for sign in (hashlib.sha256(content).hexdigest(), str(time_ns), f": {len(content)},"):
            assert sign not in told
    assert secret.key.hex() not in told
    made = images.read(out / "a.png").pixels
    run(tree, tmp_path / "known", "--seed", secret.seed)  # who knows the seed makes it again
    assert np.array_equal(images.read(tmp_path / "known" / "a.png").pixels, made)


def test_a_seed_that_is_asked_for_is_told(run, tree, tmp_path):
    assert "seed 77" in run(tree, tmp_path / "out", "--seed", 77)
    assert '"seed": 77' in texts_of(tmp_path / "out")


def test_a_run_goes_on_with_its_seed_and_overwrites_with_another(run, tree, tmp_path):
    out = tmp_path / "out"
    run(tree, out)
    first = images.read(out / "a.png").pixels
    (out / "a.png").unlink()
    assert "1  skipped" in run(tree, out)
    assert np.array_equal(images.read(out / "a.png").pixels, first)
    run(tree, out, "--overwrite")
    assert not np.array_equal(images.read(out / "a.png").pixels, first)


def test_a_plan_writes_nothing(run, tree, tmp_path):
    run(tree, tmp_path / "out", "--dry-run")
    assert not state_folder().exists()


def test_the_secret_is_its_owners_alone_and_each_folders_own(tmp_path):
    one = secret_of("one")
    assert one == secret_of("one") != secret_of("other")
    assert secret_of("one", renew=True).key == one.key
    assert secret_of("one").seed != one.seed
    files = list(state_folder().iterdir())
    assert len(files) == 2
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert one.key.hex() not in repr(one) and str(one.seed) not in repr(one)


def test_a_secret_that_cannot_be_kept_is_an_error(tmp_path, monkeypatch):
    secret_of("one")
    (path,) = state_folder().iterdir()
    path.write_text('{"seed": 1')
    with pytest.raises(OutputError, match="remove a damaged file"):
        secret_of("one")
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(OutputError, match="XDG_STATE_HOME"):
        secret_of("one")


def test_who_has_another_key_cannot_tell_inputs(tree, tmp_path, make_anonymizer):
    job = job_of(make_anonymizer, tree, tmp_path / "out")
    assert set(done(job).values()) <= {"done", "filled"}
    assert set(done(job).values()) == {"skipped"}
    assert "skipped" not in done(replace(job, key=bytes(32))).values()


def test_a_folder_to_publish_tells_nothing_of_its_inputs(run, tree, tmp_path):
    out = tmp_path / "out"
    (tree / "Jane Doe").mkdir()
    (tree / "a.png").rename(tree / "Jane Doe" / "a.PNG")
    run(tree, out, "--publishable")
    names = sorted(path.name for path in out.iterdir())
    assert [re.fullmatch(r"[0-9a-f]{24}(\.png|\.gif)", name)[1] for name in names] in (
        [".gif", ".png"], [".png", ".gif"],
    )  # fmt: skip
    plain = hashlib.sha256(b"Jane Doe/a.PNG").hexdigest()
    assert not any(name.startswith(plain[:6]) for name in names)
    assert "2  skipped" in run(tree, out, "--publishable")
    assert sorted(path.name for path in out.iterdir()) == names
    run(tree, tmp_path / "other", "--publishable")
    assert not {path.name for path in (tmp_path / "other").iterdir()} & set(names)


def test_a_folder_to_publish_is_its_own_and_has_a_secret_seed(tree, tmp_path, picture):
    out = tmp_path / "out"
    for more in (("--seed", "4"), ("--name", "x{stem}{suffix}")):
        answer = CliRunner().invoke(
            cli.app, ["folder", str(tree), str(out), "--publishable", *more]
        )
        assert answer.exit_code != 0
        assert "--publishable: names outputs itself" in str(answer.exception)
    for name in ("manifest.jsonl", "photo.png"):
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_bytes(b"{}")
        job = job_of(None, tree, out, publishable=True)
        with pytest.raises(OutputError, match=f"{name}: is there already.*give another folder"):
            job.files()
        (out / name).unlink()


def test_manifests_of_earlier_versions_are_taken_over(tree, tmp_path, make_anonymizer):
    """They lay among the results, and held plain hashes of the originals, and seeds."""
    out = tmp_path / "out"
    job = job_of(make_anonymizer, tree, out, secret_seed=True)
    done(job)
    lines = [
        json.loads(line) for line in (tmp_path / "out-report" / MANIFEST).read_text().splitlines()
    ]
    for line in lines:
        path = tree / line["file"]
        facts = path.stat()
        line["source"] = {"size": facts.st_size, "mtime_ns": facts.st_mtime_ns,
                          "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}  # fmt: skip
        line["seed"] = 4711
        line["faces"] = [face | {"seed": 4711} for face in line["faces"]]
    (tmp_path / "out-report" / MANIFEST).unlink()
    (out / MANIFEST).write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert set(done(job).values()) == {"skipped"}
    assert not (out / MANIFEST).exists()
    told = (tmp_path / "out-report" / MANIFEST).read_text()
    assert "4711" not in told and '"done"' in told
    for line in lines:
        assert line["source"]["sha256"] not in told
    assert set(done(job).values()) == {"skipped"}


def test_of_a_portrait_it_is_not_told_where_the_face_was(tree, tmp_path, make_anonymizer):
    job = job_of(lambda: make_anonymizer(mode="portrait"), tree, tmp_path / "out", secret_seed=True)
    entries = {entry.file: entry for entry in execute(job, in_threads(1))}
    assert entries["a.png"].faces == ({"outcome": "synthesized", "seed": None},)
