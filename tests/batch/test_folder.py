import json
import os
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as Pillow

from ganonymization.batch.execute import _as_completed, execute, in_threads
from ganonymization.batch.folder import FolderJob
from ganonymization.batch.manifest import MANIFEST, Entry, read_manifest
from ganonymization.batch.report import FolderReport
from ganonymization.batch.storage import LocalStorage
from ganonymization.errors import NoFaceError, OptionError, OutputError, UnreadableError
from ganonymization.io import images
from ganonymization.io.images import Picture
from ganonymization.picture_file import anonymize_file
from ganonymization.types import COVERED_BY_AUDIT

from ..conftest import BlindLandmarker, FakeDetector, face_landmarks
from ..test_pipeline import NoDetector


def report_of(out):
    return out.with_name(out.name + "-report")


def files(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def tree(tmp_path, picture):
    """Two pictures, a broken one and a text."""
    source = tmp_path / "in"
    images.write(source / "a.png", Picture(picture))
    images.write(source / "sub" / "b.png", Picture(picture))
    (source / "bad.jpg").write_bytes(b"broken")
    (source / "notes.txt").write_text("hello")
    return source


def folder_job(make, source, out, *more, **options):
    """A job with the key of the one before."""
    return FolderJob(make, LocalStorage(source), LocalStorage(out), *more, key=b"key", **options)


def run(job, jobs=2):
    return {entry.file: entry for entry in execute(job, in_threads(jobs))}


def test_the_tree_is_mirrored_and_every_file_accounted_for(tree, tmp_path, make_anonymizer):
    out = tmp_path / "out"
    entries = run(folder_job(make_anonymizer, tree, out, seed=1))
    assert {name: e.status for name, e in entries.items()} == {
        "a.png": "done",
        "bad.jpg": "failed",
        "notes.txt": "not a picture",
        "sub/b.png": "done",
    }
    assert "bad.jpg" in entries["bad.jpg"].error
    assert (out / "sub" / "b.png").is_file()
    lines = [json.loads(line) for line in (report_of(out) / MANIFEST).read_text().splitlines()]
    assert {line["file"] for line in lines} == set(entries)
    (face,) = next(line for line in lines if line["file"] == "a.png")["faces"]
    assert face["outcome"] == "synthesized"
    assert not list(out.rglob("*.part"))


def test_workers_and_order_change_nothing(tree, tmp_path, make_anonymizer):
    run(folder_job(make_anonymizer, tree, tmp_path / "one", seed=1), jobs=1)
    run(folder_job(make_anonymizer, tree, tmp_path / "four", seed=1), jobs=4)
    alone = make_anonymizer()(images.read(tree / "sub" / "b.png").pixels, seed=1, name="sub/b.png")
    for folder in ("one", "four"):
        written = images.read(tmp_path / folder / "sub" / "b.png").pixels
        assert np.array_equal(written, alone.image)
    a, b = (images.read(tmp_path / "one" / n).pixels for n in ("a.png", "sub/b.png"))
    assert not np.array_equal(a, b)  # one person, two pictures, unrelated faces


def test_what_is_done_is_skipped_and_what_failed_is_tried_again(tree, tmp_path, make_anonymizer):
    out = tmp_path / "out"
    run(folder_job(make_anonymizer, tree, out, seed=1))
    (out / "sub" / "b.png").unlink()
    again = run(folder_job(make_anonymizer, tree, out, seed=1))
    assert again["a.png"].status == "skipped"
    assert again["bad.jpg"].status == "failed"
    assert again["sub/b.png"].status == "done"
    over = run(folder_job(make_anonymizer, tree, out, seed=2, overwrite=True))
    assert over["a.png"].status == "done"


def test_what_the_audit_covered_is_told_in_later_runs_too():
    faces = ({"outcome": "synthesized", "seed": 1}, {"outcome": COVERED_BY_AUDIT, "seed": 2})
    before = Entry("a.png", "filled", ("a.png",), seed=1, faces=faces, audited=True)
    report = FolderReport("out", 1)
    report.add(Entry("b.png", "done", ("b.png",), seed=1, faces=faces[:1]).skipped())
    assert report.exit_code == 0
    report.add(before.skipped())
    assert (report.exit_code, report.covered_before, report.faces) == (3, 1, 0)


def test_a_run_that_has_nothing_to_do_tells_what_was_covered(tree, tmp_path, make_anonymizer):
    job = folder_job(make_anonymizer, tree, tmp_path / "out", seed=1)
    run(job)
    manifest = report_of(tmp_path / "out") / MANIFEST
    manifest.write_text(manifest.read_text().replace('"synthesized"', f'"{COVERED_BY_AUDIT}"'))
    again = run(job)["a.png"]
    assert again.status == "skipped"
    assert [face["outcome"] for face in again.faces] == [COVERED_BY_AUDIT]


def test_a_cut_manifest_line_is_left_out(tmp_path):
    (tmp_path / MANIFEST).write_text('{"file": "a", "status": "done", "outputs": []}\n{"file": "b')
    assert [line["file"] for line in read_manifest(tmp_path / MANIFEST)] == ["a"]
    assert list(read_manifest(tmp_path / "none")) == []


def test_fills_are_told_apart(tree, tmp_path, make_anonymizer):
    job = folder_job(
        lambda: make_anonymizer(landmarker=BlindLandmarker()), tree, tmp_path / "out", seed=1
    )
    assert run(job)["a.png"].status == "filled"


@pytest.mark.parametrize(
    ("choice", "mode", "written"),
    [(None, "scene", True), ("copy", "scene", True), ("skip", "scene", False),
     (None, "portrait", False), ("copy", "portrait", True)],
)  # fmt: skip
def test_no_face(tree, tmp_path, make_anonymizer, picture, choice, mode, written):
    anonymizer = make_anonymizer(detector=NoDetector(), mode=mode)
    entry = run(folder_job(lambda: anonymizer, tree, tmp_path / "out", 1, choice))["a.png"]
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
    entries = run(folder_job(lambda: anonymizer, source, tmp_path / "out", seed=1))
    assert entries["a.png"].outputs == ("a.png", "a_2.png")
    assert entries["a_1.png"].outputs == ("a_1.png", "a_1_1.png")


def test_bad_input_leaves_nothing(tree, tmp_path, make_anonymizer):
    with pytest.raises(UnreadableError):
        anonymize_file(make_anonymizer(), tree / "bad.jpg", tmp_path / "b.jpg", seed=1)
    assert not (tmp_path / "b.jpg").exists()


def test_folders_that_cannot_work_are_refused(tree, tmp_path, make_anonymizer):
    for out in (tree, tree / "sub", tree / "new", tree.parent):
        with pytest.raises(OutputError, match="lies in the other"):
            folder_job(make_anonymizer, tree, out, 1).files()
    with pytest.raises(OptionError, match="not a folder"):
        folder_job(make_anonymizer, tree / "a.png", tmp_path / "out", 1).files()
    with pytest.raises(OutputError, match="is a file"):
        (tmp_path / "file").write_bytes(b"")
        folder_job(make_anonymizer, tree, tmp_path / "file", 1).files()


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

    entries = run(folder_job(lambda: make_anonymizer(detector=Broken()), tree, tmp_path / "out", 1))
    assert entries["a.png"].status == "failed"
    assert "no memory" in entries["a.png"].error
    assert len(entries) == 4


def test_names_that_are_no_text_work(tree, tmp_path, make_anonymizer, picture):
    import os

    name = os.fsdecode(b"M\xfcller.png")
    images.write(tree / name, Picture(picture))
    assert run(folder_job(make_anonymizer, tree, tmp_path / "out", 1))[name].status == "done"
    assert run(folder_job(make_anonymizer, tree, tmp_path / "out", 1))[name].status == "skipped"


def test_other_settings_or_another_input_are_done_again(tree, tmp_path, make_anonymizer, picture):
    out = tmp_path / "out"
    run(folder_job(make_anonymizer, tree, out, 1, settings="scene"))
    assert run(folder_job(make_anonymizer, tree, out, 1, settings="x"))["a.png"].status == "done"
    images.write(tree / "a.png", Picture(255 - picture))
    assert run(folder_job(make_anonymizer, tree, out, 1, settings="x"))["a.png"].status == "done"


def test_a_failure_after_a_success_counts(tree, tmp_path, make_anonymizer):
    out = tmp_path / "out"
    run(folder_job(make_anonymizer, tree, out, 1))
    failing = make_anonymizer(landmarker=BlindLandmarker(), on_failure="error")
    run(folder_job(lambda: failing, tree, out, 1, overwrite=True))
    assert run(folder_job(make_anonymizer, tree, out, 1))["a.png"].status == "done"


def test_linked_folders_are_told(tree, tmp_path, make_anonymizer):
    (tmp_path / "elsewhere").mkdir()
    (tree / "link").symlink_to(tmp_path / "elsewhere")
    entry = run(folder_job(make_anonymizer, tree, tmp_path / "out", 1))["link"]
    assert entry.status == "failed"
    assert "link" in entry.error


def test_a_line_after_a_cut_one_is_whole(tree, tmp_path, make_anonymizer):
    out = tmp_path / "out"
    report_of(out).mkdir()
    (report_of(out) / MANIFEST).write_text('{"file": "b')
    run(folder_job(make_anonymizer, tree, out, seed=1))
    assert len(list(read_manifest(report_of(out) / MANIFEST))) == 4


def test_an_output_folder_that_cannot_be_made_is_one_error(tree, tmp_path, make_anonymizer):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot be written"):
        run(folder_job(make_anonymizer, tree, tmp_path / "file" / "out", 1))


def statuses(entries):
    return {name: entry.status for name, entry in entries.items()}


def test_another_time_alone_is_no_change(tree, tmp_path, make_anonymizer):
    job = folder_job(make_anonymizer, tree, tmp_path / "out", seed=1)
    run(job)
    os.utime(tree / "a.png", (1, 1))
    assert statuses(run(job))["a.png"] == "skipped"
    content = bytearray((tree / "a.png").read_bytes())
    content[-5] ^= 1
    (tree / "a.png").write_bytes(content)  # as large as before
    assert statuses(run(job))["a.png"] != "skipped"


def test_an_output_that_is_cut_or_gone_is_made_again(tree, tmp_path, make_anonymizer):
    job = folder_job(make_anonymizer, tree, tmp_path / "out", seed=1)
    run(job)
    whole = (tmp_path / "out" / "a.png").read_bytes()
    (tmp_path / "out" / "a.png").write_bytes(whole[:-40])
    (tmp_path / "out" / "sub" / "b.png").unlink()
    again = statuses(run(job))
    assert again["a.png"] == again["sub/b.png"] == "done"
    assert (tmp_path / "out" / "a.png").read_bytes() == whole


def test_shards_share_the_work_and_know_of_each_other(tmp_path, make_anonymizer, picture):
    for i in range(12):
        images.write(tmp_path / "in" / f"{i}.png", Picture(picture))
    trees = tmp_path / "in", tmp_path / "out"
    jobs = [folder_job(make_anonymizer, *trees, 1, shard=(i, 3)) for i in (1, 2, 3)]
    done = [statuses(run(job)) for job in jobs]
    assert sum(len(entries) for entries in done) == 12 == len({k for d in done for k in d})
    whole = folder_job(make_anonymizer, *trees, 1)
    assert set(statuses(run(whole)).values()) == {"skipped"}


def test_outputs_may_be_named_otherwise(tree, tmp_path, make_anonymizer):
    plain = folder_job(make_anonymizer, tree, tmp_path / "out", seed=1)
    run(plain)
    named = replace(plain, naming="{stem}-anon{suffix}")
    assert statuses(run(named))["a.png"] == "done"
    assert (tmp_path / "out" / "sub" / "b-anon.png").is_file()
    assert statuses(run(named))["a.png"] == "skipped"


def test_videos_are_anonymized_too(tmp_path, make_anonymizer, picture):
    images.write(tmp_path / "in" / "a.png", Picture(picture))
    frames = [Pillow.fromarray(picture) for _ in range(3)]
    frames[0].save(tmp_path / "in" / "b.gif", save_all=True, append_images=frames[1:], duration=40)
    entries = run(folder_job(make_anonymizer, tmp_path / "in", tmp_path / "out", seed=1))
    assert entries["b.gif"].outputs == ("b.gif",)
    assert entries["b.gif"].status in ("done", "filled") and entries["b.gif"].tracks
    assert files(tmp_path / "out") == ["a.png", "b.gif"]
    report = files(tmp_path / "out-report")
    assert report == ["b.gif.json", "b.gif.png", MANIFEST]


def test_without_reports_there_are_results_alone(tree, tmp_path, make_anonymizer):
    run(folder_job(make_anonymizer, tree, tmp_path / "out", seed=1, reports=False))
    assert files(tmp_path) == sorted([tree.name, "out"])
    assert files(tmp_path / "out") == ["a.png", "sub"]
    again = run(folder_job(make_anonymizer, tree, tmp_path / "out", seed=1, reports=False))
    assert again["a.png"].status == "done"  # nothing tells that it is


def test_a_report_into_the_input_is_refused(tree, tmp_path, make_anonymizer):
    source = tree.rename(tmp_path / "out-report")
    with pytest.raises(OutputError, match="out-report"):
        folder_job(make_anonymizer, source, tmp_path / "out", 1).files()


def test_what_an_earlier_version_has_done_is_left(tree, tmp_path, make_anonymizer):
    job = folder_job(make_anonymizer, tree, tmp_path / "out", seed=1)
    run(job)
    (tmp_path / "out-report" / MANIFEST).rename(tmp_path / "out" / MANIFEST)
    assert run(job)["a.png"].status == "skipped"


def test_what_a_killed_run_left_half_written_goes_away(tree, tmp_path, make_anonymizer):
    out = tmp_path / "out"
    scraps = [out / "sub" / f".{'0f' * 8}.part", out / f".{'a1' * 8}.part.mp4"]
    other = out / ".mine.part"
    for path in (*scraps, other):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    run(folder_job(make_anonymizer, tree, out, seed=1))
    assert not any(path.exists() for path in scraps) and other.exists()


def test_files_that_change_or_vanish_meanwhile_are_told(tree, tmp_path, make_anonymizer):
    make = make_anonymizer()

    class Meddling(type(make)):
        def __call__(self, image, **more):
            with (tree / "a.png").open("ab") as file:
                file.write(b"more")
            (tree / "sub" / "b.png").unlink(missing_ok=True)
            return super().__call__(image, **more)

    make.__class__ = Meddling
    entries = run(folder_job(lambda: make, tree, tmp_path / "out", seed=1), jobs=1)
    assert entries["a.png"].status == "failed" and "changed while" in entries["a.png"].error
    assert entries["sub/b.png"].status == "failed" and "no such file" in entries["sub/b.png"].error


def test_many_files_wait_for_their_turn(tmp_path, make_anonymizer):
    """Only a few are on their way, however many there are."""
    (tmp_path / "in").mkdir()
    for i in range(60):
        (tmp_path / "in" / f"{i:02d}.txt").touch()
    started, most = [], 0
    job = folder_job(make_anonymizer, tmp_path / "in", tmp_path / "out", seed=1)
    files = job.files()
    told = _as_completed(lambda f: started.append(f) or Entry(f.name, "failed"), files, 2)
    for i, _ in enumerate(told):
        most = max(most, len(started) - i)
    assert len(started) == 60 and most <= 9


def test_a_link_in_the_output_folder_never_leads_to_an_original(tmp_path, make_anonymizer, picture):
    source, out = tmp_path / "in", tmp_path / "out"
    for name in ("a.png", "b.png", "sub/c.png"):
        images.write(source / name, Picture(picture))
    before = {path: path.read_bytes() for path in source.rglob("*.png")}
    out.mkdir()
    (out / "a.png").symlink_to(source / "b.png")
    (out / "sub").symlink_to(source / "sub")
    entries = run(folder_job(make_anonymizer, source, out, 1, naming="{stem}{suffix}"))
    assert statuses(entries) == {"a.png": "failed", "b.png": "done", "sub/c.png": "failed"}
    assert "links to an original" in entries["a.png"].error
    assert {path: path.read_bytes() for path in source.rglob("*.png")} == before


def test_further_portraits_follow_no_link(tmp_path, make_anonymizer, picture):
    images.write(tmp_path / "a.png", Picture(picture))
    faces = face_landmarks((36, 60), 14), face_landmarks((92, 60), 14)
    anonymizer = make_anonymizer(detector=FakeDetector(*faces), mode="portrait")
    (tmp_path / "out_1.png").symlink_to(tmp_path / "a.png")
    _, written = anonymize_file(anonymizer, tmp_path / "a.png", tmp_path / "out.png", seed=1)
    assert [path.name for path in written] == ["out.png", "out_2.png"]
