import json

import numpy as np
import pytest

from ganonymization import images
from ganonymization.batch import MANIFEST, FolderJob, anonymize_file, read_manifest
from ganonymization.errors import NoFaceError, OptionError, OutputError, UnreadableError
from ganonymization.images import Picture

from .conftest import BlindLandmarker, FakeDetector, face_landmarks
from .test_pipeline import NoDetector


@pytest.fixture
def tree(tmp_path, picture):
    """Two pictures, a broken one and a text."""
    source = tmp_path / "in"
    images.write(source / "a.png", Picture(picture))
    images.write(source / "sub" / "b.png", Picture(picture))
    (source / "bad.jpg").write_bytes(b"broken")
    (source / "notes.txt").write_text("hello")
    return source


def run(job, jobs=2):
    entries = []
    job.run(jobs, entries.append)
    return {entry.file: entry for entry in entries}


def test_the_tree_is_mirrored_and_every_file_accounted_for(tree, tmp_path, make_anonymizer):
    out = tmp_path / "out"
    entries = run(FolderJob(make_anonymizer(), tree, out, seed=1))
    assert {name: e.status for name, e in entries.items()} == {
        "a.png": "done",
        "bad.jpg": "failed",
        "notes.txt": "not a picture",
        "sub/b.png": "done",
    }
    assert "bad.jpg" in entries["bad.jpg"].error
    assert (out / "sub" / "b.png").is_file()
    lines = [json.loads(line) for line in (out / MANIFEST).read_text().splitlines()]
    assert {line["file"] for line in lines} == set(entries)
    (face,) = next(line for line in lines if line["file"] == "a.png")["faces"]
    assert face["outcome"] == "synthesized"
    assert not list(out.rglob("*.part"))


def test_workers_and_order_change_nothing(tree, tmp_path, make_anonymizer):
    run(FolderJob(make_anonymizer(), tree, tmp_path / "one", seed=1), jobs=1)
    run(FolderJob(make_anonymizer(), tree, tmp_path / "four", seed=1), jobs=4)
    alone = make_anonymizer()(images.read(tree / "sub" / "b.png").pixels, seed=1, name="sub/b.png")
    for folder in ("one", "four"):
        written = images.read(tmp_path / folder / "sub" / "b.png").pixels
        assert np.array_equal(written, alone.image)
    a, b = (images.read(tmp_path / "one" / n).pixels for n in ("a.png", "sub/b.png"))
    assert not np.array_equal(a, b)  # one person, two pictures, unrelated faces


def test_what_is_done_is_skipped_and_what_failed_is_tried_again(tree, tmp_path, make_anonymizer):
    out = tmp_path / "out"
    run(FolderJob(make_anonymizer(), tree, out, seed=1))
    (out / "sub" / "b.png").unlink()
    again = run(FolderJob(make_anonymizer(), tree, out, seed=1))
    assert again["a.png"].status == "skipped"
    assert again["bad.jpg"].status == "failed"
    assert again["sub/b.png"].status == "done"
    over = run(FolderJob(make_anonymizer(), tree, out, seed=2, overwrite=True))
    assert over["a.png"].status == "done"


def test_a_cut_manifest_line_is_left_out(tmp_path):
    (tmp_path / MANIFEST).write_text('{"file": "a", "status": "done", "outputs": []}\n{"file": "b')
    assert [line["file"] for line in read_manifest(tmp_path / MANIFEST)] == ["a"]
    assert list(read_manifest(tmp_path / "none")) == []


def test_fills_are_told_apart(tree, tmp_path, make_anonymizer):
    job = FolderJob(make_anonymizer(landmarker=BlindLandmarker()), tree, tmp_path / "out", seed=1)
    assert run(job)["a.png"].status == "filled"


@pytest.mark.parametrize(
    ("choice", "mode", "written"),
    [(None, "scene", True), ("copy", "scene", True), ("skip", "scene", False),
     (None, "portrait", False), ("copy", "portrait", True)],
)  # fmt: skip
def test_no_face(tree, tmp_path, make_anonymizer, picture, choice, mode, written):
    anonymizer = make_anonymizer(detector=NoDetector(), mode=mode)
    entry = run(FolderJob(anonymizer, tree, tmp_path / "out", 1, choice))["a.png"]
    assert entry.status == "no face"
    assert (tmp_path / "out" / "a.png").is_file() == written
    if written:
        assert np.array_equal(images.read(tmp_path / "out" / "a.png").pixels, picture)


def test_no_face_can_be_an_error(tree, tmp_path, make_anonymizer):
    anonymizer = make_anonymizer(detector=NoDetector())
    with pytest.raises(NoFaceError, match=r"a\.png"):
        anonymize_file(anonymizer, tree / "a.png", tmp_path / "b.png", seed=1, on_no_face="error")
    with pytest.raises(OptionError, match="copy"):
        anonymize_file(
            anonymizer, tree / "a.png", tmp_path / "b.png", seed=1, on_no_face="nonsense"
        )


def test_further_portraits_are_numbered_and_take_nobodys_name(tmp_path, make_anonymizer, picture):
    source = tmp_path / "in"
    images.write(source / "a.png", Picture(picture))
    images.write(source / "a_1.png", Picture(picture))
    faces = face_landmarks((36, 60), 14), face_landmarks((92, 60), 14)
    anonymizer = make_anonymizer(detector=FakeDetector(*faces), mode="portrait")
    entries = run(FolderJob(anonymizer, source, tmp_path / "out", seed=1))
    assert entries["a.png"].outputs == ("a.png", "a_2.png")
    assert entries["a_1.png"].outputs == ("a_1.png", "a_1_1.png")


def test_bad_input_leaves_nothing(tree, tmp_path, make_anonymizer):
    with pytest.raises(UnreadableError):
        anonymize_file(make_anonymizer(), tree / "bad.jpg", tmp_path / "b.jpg", seed=1)
    assert not (tmp_path / "b.jpg").exists()


def test_folders_that_cannot_work_are_refused(tree, tmp_path, make_anonymizer):
    for out in (tree, tree / "sub", tree / "new", tree.parent):
        with pytest.raises(OutputError, match="lies in the other"):
            FolderJob(make_anonymizer(), tree, out, 1).files()
    with pytest.raises(OptionError, match="not a folder"):
        FolderJob(make_anonymizer(), tree / "a.png", tmp_path / "out", 1).files()
    with pytest.raises(OutputError, match="is a file"):
        (tmp_path / "file").write_bytes(b"")
        FolderJob(make_anonymizer(), tree, tmp_path / "file", 1).files()


def test_alpha_does_not_show_the_face(tmp_path, make_anonymizer, picture):
    """A cut-out may carry the face's outline or light in its alpha."""
    alpha = picture[..., 0]
    images.write(tmp_path / "a.png", Picture(picture, alpha=alpha))
    result, _ = anonymize_file(make_anonymizer(), tmp_path / "a.png", tmp_path / "b.png", seed=1)
    written = images.read(tmp_path / "b.png").alpha
    assert (written[result.composite_mask] == 255).all()
    outside = ~result.composite_mask
    assert np.array_equal(written[outside], alpha[outside])


def test_an_unexpected_error_stops_one_file_alone(tree, tmp_path, make_anonymizer):
    class Broken:
        def __call__(self, image):
            raise MemoryError("no memory")

    entries = run(FolderJob(make_anonymizer(detector=Broken()), tree, tmp_path / "out", 1))
    assert entries["a.png"].status == "failed"
    assert "no memory" in entries["a.png"].error
    assert len(entries) == 4


def test_names_that_are_no_text_work(tree, tmp_path, make_anonymizer, picture):
    import os

    name = os.fsdecode(b"M\xfcller.png")
    images.write(tree / name, Picture(picture))
    assert run(FolderJob(make_anonymizer(), tree, tmp_path / "out", 1))[name].status == "done"
    assert run(FolderJob(make_anonymizer(), tree, tmp_path / "out", 1))[name].status == "skipped"


def test_other_settings_or_another_input_are_done_again(tree, tmp_path, make_anonymizer, picture):
    out = tmp_path / "out"
    run(FolderJob(make_anonymizer(), tree, out, 1, settings="scene"))
    assert run(FolderJob(make_anonymizer(), tree, out, 1, settings="x"))["a.png"].status == "done"
    images.write(tree / "a.png", Picture(255 - picture))
    assert run(FolderJob(make_anonymizer(), tree, out, 1, settings="x"))["a.png"].status == "done"


def test_a_failure_after_a_success_counts(tree, tmp_path, make_anonymizer):
    out = tmp_path / "out"
    run(FolderJob(make_anonymizer(), tree, out, 1))
    failing = make_anonymizer(landmarker=BlindLandmarker(), on_failure="error")
    run(FolderJob(failing, tree, out, 1, overwrite=True))
    assert run(FolderJob(make_anonymizer(), tree, out, 1))["a.png"].status == "done"


def test_linked_folders_are_told(tree, tmp_path, make_anonymizer):
    (tmp_path / "elsewhere").mkdir()
    (tree / "link").symlink_to(tmp_path / "elsewhere")
    entry = run(FolderJob(make_anonymizer(), tree, tmp_path / "out", 1))["link"]
    assert entry.status == "failed"
    assert "link" in entry.error


def test_a_line_after_a_cut_one_is_whole(tree, tmp_path, make_anonymizer):
    out = tmp_path / "out"
    out.mkdir()
    (out / MANIFEST).write_text('{"file": "b')
    run(FolderJob(make_anonymizer(), tree, out, seed=1))
    assert len(list(read_manifest(out / MANIFEST))) == 4


def test_an_output_folder_that_cannot_be_made_is_one_error(tree, tmp_path, make_anonymizer):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot be written"):
        run(FolderJob(make_anonymizer(), tree, tmp_path / "file" / "out", 1))
