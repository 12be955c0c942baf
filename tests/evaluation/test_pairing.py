import json
import os

import pytest

from ganonymization.batch.manifest import MANIFEST, shard_manifest
from ganonymization.errors import InputError
from ganonymization.evaluation.pairing import pair


@pytest.fixture
def folders(tmp_path):
    """The originals' folder and a function that fills the outputs' one."""
    out = tmp_path / "out"

    def fill(*files, manifest=None):
        for file in files:
            (out / file).parent.mkdir(parents=True, exist_ok=True)
            (out / file).touch()
        if manifest is not None:
            lines = [json.dumps({"file": f, "outputs": o}) for f, o in manifest]
            (out / MANIFEST).write_text("\n".join(lines) + "\n")
        return out

    out.mkdir()
    return tmp_path / "in", fill


def outputs(pairs, out):
    return {p.file: [path.relative_to(out).as_posix() for path in p.outputs] for p in pairs}


def test_outputs_of_the_same_name_belong_together(folders):
    originals, fill = folders
    out = fill("a.png", "sub/a.png")
    pairs, stray = pair(originals, ["a.png", "sub/a.png"], out)
    assert outputs(pairs, out) == {"a.png": ["a.png"], "sub/a.png": ["sub/a.png"]}
    assert [p.original for p in pairs] == [originals / "a.png", originals / "sub/a.png"]
    assert stray == []


def test_an_output_may_have_another_suffix(folders):
    originals, fill = folders
    out = fill("a.png", "b.v2.webp")
    pairs, stray = pair(originals, ["a.jpg", "b.v1.jpg", "b.v2.jpg"], out)
    expected = {"a.jpg": ["a.png"], "b.v1.jpg": [], "b.v2.jpg": ["b.v2.webp"]}
    assert outputs(pairs, out) == expected
    assert stray == []


def test_of_several_like_names_the_very_suffix_counts(folders):
    originals, fill = folders
    out = fill("a.jpg", "a.png")
    pairs, stray = pair(originals, ["a.png", "a.jpg"], out)
    assert outputs(pairs, out) == {"a.png": ["a.png"], "a.jpg": ["a.jpg"]}
    assert stray == []


def test_a_missing_output_leaves_an_empty_pair(folders):
    originals, fill = folders
    pairs, _ = pair(originals, ["a.png", "b.png"], fill("a.png"))
    assert [len(p.outputs) for p in pairs] == [1, 0]


def test_outputs_that_belong_to_nothing_are_told(folders):
    originals, fill = folders
    out = fill("a.png", "z.png", "sub/a.png", "notes.txt")
    _, stray = pair(originals, ["a.png"], out)
    assert {s.path.relative_to(out).as_posix() for s in stray} == {"z.png", "sub/a.png"}
    assert not any(s.unreadable for s in stray)


def test_the_manifest_tells_several_portraits(folders):
    originals, fill = folders
    out = fill(
        "a.png", "a_1.png", "renamed.png",
        manifest=[("a.png", ["a.png", "a_1.png"]), ("b.png", ["renamed.png"])],
    )  # fmt: skip
    pairs, stray = pair(originals, ["a.png", "b.png"], out)
    assert outputs(pairs, out) == {"a.png": ["a.png", "a_1.png"], "b.png": ["renamed.png"]}
    assert stray == []


def test_shards_are_paired_by_their_manifests(folders):
    """Portraits of renamed outputs, whose names tell nothing."""
    originals, fill = folders
    files = [f"{i}.png" for i in range(6)]
    out = fill(*(f"new-{file}" for file in files))
    for number in (1, 2, 3):
        lines = [{"file": file, "outputs": [f"new-{file}"]} for file in files[number - 1 :: 3]]
        manifest = out / shard_manifest((number, 3))
        manifest.write_text("".join(json.dumps(line) + "\n" for line in lines))
    pairs, stray = pair(originals, files, out)
    assert outputs(pairs, out) == {file: [f"new-{file}"] for file in files}
    assert stray == []


def test_of_several_manifests_the_latest_line_counts(folders):
    originals, fill = folders
    out = fill("old.png", "new.png", manifest=[("a.png", ["old.png"])])
    shard = out / shard_manifest((1, 2))
    shard.write_text(json.dumps({"file": "a.png", "outputs": ["new.png"]}) + "\n")
    os.utime(out / MANIFEST, (1, 1))
    assert outputs(pair(originals, ["a.png"], out)[0], out) == {"a.png": ["new.png"]}


def test_the_manifest_is_believed_over_names(folders):
    """What failed in the last run has no output, though an older one lies there."""
    originals, fill = folders
    out = fill("a.png", "b.png", manifest=[("a.png", ["a.png"]), ("b.png", ["b.png"]),
                                           ("a.png", [])])  # fmt: skip
    pairs, stray = pair(originals, ["a.png", "b.png"], out)
    assert outputs(pairs, out) == {"a.png": [], "b.png": ["b.png"]}
    assert [s.path for s in stray] == [out / "a.png"]


def test_outputs_that_the_manifest_tells_but_are_gone_are_missing(folders):
    originals, fill = folders
    out = fill("a_1.png", "b.png", manifest=[("a.png", ["a.png", "a_1.png"]), ("c.png", ["c.png"])])
    pairs, _ = pair(originals, ["a.png", "b.png", "c.png"], out)
    assert outputs(pairs, out) == {"a.png": ["a_1.png"], "b.png": ["b.png"], "c.png": []}


def test_outputs_of_originals_that_are_not_looked_at_are_no_strays(folders):
    originals, fill = folders
    out = fill("a.png", "b.png", manifest=[("a.png", ["a.png"]), ("b.png", ["b.png"])])
    pairs, stray = pair(originals, ["b.png"], out)
    assert outputs(pairs, out) == {"b.png": ["b.png"]}
    assert stray == []


def test_a_folder_without_pictures_is_refused(folders):
    originals, fill = folders
    out = fill("notes.txt", manifest=[("a.png", ["a.png"])])
    with pytest.raises(InputError, match="no pictures in it"):
        pair(originals, ["a.png"], out)
    with pytest.raises(InputError, match="no pictures in it"):
        pair(originals, ["a.png"], out / "not there")


def test_one_output_belongs_to_one_original(tmp_path):
    (tmp_path / "a.png").touch()
    png, jpg = pair(tmp_path, ["a.png", "a.jpg"], tmp_path)[0]
    assert png.outputs
    assert not jpg.outputs


def test_a_portrait_of_the_manifest_is_not_taken_by_name(tmp_path):
    for name in ("a.png", "a_1.png"):
        (tmp_path / name).touch()
    (tmp_path / "manifest.jsonl").write_text('{"file": "a.png", "outputs": ["a.png", "a_1.png"]}\n')
    assert pair(tmp_path, ["a.png", "a_1.png"], tmp_path)[0][1].outputs == ()
