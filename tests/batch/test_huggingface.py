"""Data sets are written and read again by Hugging Face's own package."""

import io
import json
import re
import sys
import wave

import av
import numpy as np
import pytest
from typer.testing import CliRunner

from ganonymization import cli
from ganonymization.batch.huggingface import anonymize_rows
from ganonymization.batch.samples import SampleJob
from ganonymization.config import AnonymizerConfig
from ganonymization.errors import InputError, MissingExtraError, OutputError, UnreadableError
from ganonymization.io import images
from ganonymization.io.images import Picture

from ..test_pipeline import NoDetector

pa = pytest.importorskip("pyarrow")


@pytest.fixture(scope="module")
def hf(tmp_path_factory):
    """The package, with its cache elsewhere, mute and offline."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("hf")))
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
        datasets = pytest.importorskip("datasets")
        datasets.disable_progress_bars()
        yield datasets


def encoded(picture, kind="PNG"):
    file = io.BytesIO()
    images.encode(file, Picture(picture), kind)
    return file.getvalue()


def decoded(value):
    return images.decode(io.BytesIO(value["bytes"]), "made").pixels


def stored(content, path=None):
    return {"bytes": content, "path": path}


def made_of(hf, rows, features, **info):
    """A data set, without a cast or an encoder between."""
    features = hf.Features(features)
    table = pa.Table.from_pylist(rows, schema=features.arrow_schema)
    return hf.Dataset(table, info=hf.DatasetInfo(features=features, **info))


def refill(folder, table):
    """Write other rows into a data set of one file."""
    (path,) = folder.glob("*.arrow")
    with path.open("rb") as file, pa.ipc.open_stream(file) as stream:
        schema = stream.schema
    if isinstance(table, list):
        table = pa.Table.from_pylist(table, schema=schema)
    with pa.ipc.new_stream(path, schema) as written:
        written.write_table(table.cast(schema))


def raw(data, column="image"):
    """A column as it is stored."""
    return data.data[column].to_pylist()


def everything(folder):
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def two_splits(hf, tmp_path, picture):
    """Five rows in two splits and three files; one picture is broken, one missing."""
    features = {"label": hf.ClassLabel(names=["sad", "glad"]), "image": hf.Image()}
    train = [
        {"label": 0, "image": stored(encoded(picture), "person_17.png")},
        {"label": 1, "image": stored(b"broken")},
        {"label": 1, "image": None},
        {"label": 0, "image": stored(encoded(picture, "JPEG"), "person_18.jpg")},
    ]
    data = hf.DatasetDict(
        train=made_of(hf, train, features, description="Faces", license="ours"),
        test=made_of(hf, train[:1], features),
    )
    data.save_to_disk(tmp_path / "in", num_shards={"train": 2, "test": 1})
    return tmp_path / "in"


def test_pictures_are_replaced_and_all_else_carried_over(
    hf, two_splits, tmp_path, make_anonymizer, picture
):
    steps = []
    job = SampleJob(make_anonymizer(), 1, advance=lambda: steps.append(1))
    train, test = anonymize_rows(job, two_splits, tmp_path / "out")
    data, before = hf.load_from_disk(tmp_path / "out"), hf.load_from_disk(two_splits)
    assert list(data) == ["train", "test"] and len(steps) == 5
    assert data["train"].features == before["train"].features
    assert data["train"].features["label"].names == ["sad", "glad"]
    assert data["train"].info == before["train"].info and data["train"].info.license == "ours"
    assert data["train"]["label"][:] == [0, 1, 0]
    first, missing, last = raw(data["train"])
    expected = make_anonymizer()(picture, seed=1, name="train/0/image").image
    assert np.array_equal(decoded(first), expected) and not np.array_equal(expected, picture)
    assert missing is None and last["bytes"][:2] == b"\xff\xd8" and first["path"] is None
    assert not np.array_equal(decoded(raw(data["test"])[0]), expected)  # another split
    assert data["train"][0]["image"].size == (128, 128)
    assert (train.name, train.samples, train.faces, train.filled) == ("train", 3, 2, 0)
    assert list(train.left_out) == ["1"] and "train/1/image" in train.left_out["1"]
    assert (test.name, test.samples, test.left_out) == ("test", 1, {})


def test_one_data_set_without_splits(hf, tmp_path, make_anonymizer, picture):
    data = made_of(hf, [{"image": stored(encoded(picture))}], {"image": hf.Image(decode=False)})
    data.save_to_disk(tmp_path / "in")
    (report,) = anonymize_rows(SampleJob(make_anonymizer(), 1), tmp_path / "in", tmp_path / "out")
    made = hf.load_from_disk(tmp_path / "out")
    assert isinstance(made, hf.Dataset) and made.split is None and report.name == "data"
    expected = make_anonymizer()(picture, seed=1, name="data/0/image").image
    assert np.array_equal(decoded(made[0]["image"]), expected)
    assert made._fingerprint != hf.load_from_disk(tmp_path / "in")._fingerprint


def test_the_same_seed_makes_the_same_bytes(two_splits, tmp_path, make_anonymizer):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        anonymize_rows(SampleJob(make_anonymizer(), seed), two_splits, tmp_path / name)
    made = contents(tmp_path / "a")
    assert len(made) == 8 and made == contents(tmp_path / "b") != contents(tmp_path / "c")


def test_pictures_in_lists_and_structs(hf, tmp_path, make_anonymizer, picture):
    features = {
        "faces": hf.List(hf.Image()), "pair": hf.List(hf.Image(), length=2),
        "many": hf.LargeList({"image": hf.Image(), "who": hf.Value("string")}),
        "set": hf.Sequence({"image": hf.Image(), "n": hf.Value("int32")}),
        "meta": {"image": hf.Image(), "time": hf.Value("timestamp[ns]")},
    }  # fmt: skip
    image = stored(encoded(picture), "person.png")
    row = {
        "faces": [image, None, image], "pair": [image, image],
        "many": [{"image": image, "who": "a"}, {"image": None, "who": "b"}],
        "set": {"image": [image, image], "n": [7, 8]},
        "meta": {"image": image, "time": 1_700_000_000_000_000_001},
    }  # fmt: skip
    empty = {"faces": [], "pair": None, "many": [], "set": None, "meta": None}
    rows = [empty, row, row, empty]
    made_of(hf, rows, features).save_to_disk(tmp_path / "in")
    (report,) = anonymize_rows(SampleJob(make_anonymizer(), 1), tmp_path / "in", tmp_path / "out")
    data = hf.load_from_disk(tmp_path / "out")
    assert (report.samples, report.faces, report.left_out) == (4, 16, {})
    assert data.features == hf.Features(features)
    for name in features:
        assert raw(data, name)[0] == raw(data, name)[3] == empty[name]
    for number in (1, 2):
        got = {name: raw(data, name)[number] for name in features}
        assert got["faces"][1] is None and got["many"][1] == {"image": None, "who": "b"}
        assert got["many"][0]["who"] == "a" and got["set"]["n"] == [7, 8]
        assert got["meta"]["time"].value == row["meta"]["time"]
        for name, value in {
            "faces/0": got["faces"][0], "faces/2": got["faces"][2], "pair/1": got["pair"][1],
            "many/0/image": got["many"][0]["image"], "set/image/1": got["set"]["image"][1],
            "meta/image": got["meta"]["image"],
        }.items():  # fmt: skip
            expected = make_anonymizer()(picture, seed=1, name=f"data/{number}/{name}").image
            assert np.array_equal(decoded(value), expected) and value["path"] is None
    assert image["bytes"][50:500] not in everything(tmp_path / "out")


def test_features_as_former_versions_wrote_them(hf, tmp_path, make_anonymizer, picture):
    features = {"set": {"image": hf.List(hf.Image())}, "boxes": hf.List(hf.Value("int64"))}
    row = {"set": {"image": [stored(encoded(picture))]}, "boxes": [1, 2]}
    made_of(hf, [row], features).save_to_disk(tmp_path / "in")
    info = json.loads((tmp_path / "in/dataset_info.json").read_text())
    info["features"] = {
        "set": {"_type": "Sequence", "feature": {"image": {"_type": "Image"}}},
        "boxes": [{"_type": "Value", "dtype": "int64"}],
    }
    (tmp_path / "in/dataset_info.json").write_text(json.dumps(info))
    anonymize_rows(SampleJob(make_anonymizer(), 1), tmp_path / "in", tmp_path / "out")
    expected = make_anonymizer()(picture, seed=1, name="data/0/set/image/0").image
    data = hf.load_from_disk(tmp_path / "out")
    assert np.array_equal(decoded(raw(data, "set")[0]["image"][0]), expected)
    assert raw(data, "boxes") == [[1, 2]]


def test_labels_are_copied(hf, tmp_path, make_anonymizer, picture):
    labels = {
        "text": (hf.Value("string"), "a"), "score": (hf.Value("float16"), 0.5),
        "flag": (hf.Value("bool"), True), "day": (hf.Value("date32"), None),
        "embedding": (hf.List(hf.Value("float32")), [0.5, 1.5]),
        "boxes": (hf.List(hf.List(hf.Value("int32"), length=4)), [[1, 2, 3, 4], [5, 6, 7, 8]]),
        "words": (hf.List(hf.List(hf.Value("string"))), [["a"], ["b", "c"]]),
        "translation": (hf.Translation(["de", "en"]), {"de": "ja", "en": "yes"}),
        "others": (hf.TranslationVariableLanguages(["de", "en"]),
                   {"language": ["de"], "translation": ["ja"]}),
        "json": (hf.Json(), '{"a": [1]}'), "_type": (hf.Value("int64"), 3),
    }  # fmt: skip
    row = {name: value for name, (_, value) in labels.items()}
    features = {name: feature for name, (feature, _) in labels.items()} | {"image": hf.Image()}
    rows = [row | {"image": stored(content)} for content in (encoded(picture), b"broken")] * 2
    made_of(hf, [], features).save_to_disk(tmp_path / "in", num_shards=1)
    refill(tmp_path / "in", rows)  # the package cannot save translations beside pictures
    anonymize_rows(SampleJob(make_anonymizer(), 1), tmp_path / "in", tmp_path / "out")
    made = hf.load_from_disk(tmp_path / "out").remove_columns("image")
    before = hf.load_from_disk(tmp_path / "in").remove_columns("image")
    assert made.data.to_pylist() == before.data.to_pylist()[::2]
    assert made.data.schema == before.data.schema


REFUSED = {
    "video": lambda hf: hf.Video(),
    "array": lambda hf: hf.Array3D((2, 2, 3), "uint8"),
    "embedding": lambda hf: hf.Array2D((1, 8), "float32"),
    "file": lambda hf: hf.Value("binary"),
    "files": lambda hf: {"inner": hf.List({"file": hf.Value("large_binary")})},
    "pdf": lambda hf: hf.Pdf(),
    "nifti": lambda hf: hf.Nifti(),
    "bytes": lambda hf: hf.List(hf.Value("uint8")),
    "rows": lambda hf: hf.List(hf.List(hf.Value("float64"))),
    "wide": lambda hf: hf.List(hf.List(hf.Value("float64"), length=5)),
    "pixels": lambda hf: hf.List(hf.List(hf.List(hf.Value("int32"), length=3))),
}


@pytest.mark.parametrize("name", REFUSED)
def test_columns_that_may_show_a_face_otherwise_are_refused(
    hf, tmp_path, make_anonymizer, picture, name
):
    features = hf.Features({"image": hf.Image(), name: REFUSED[name](hf)})
    data = hf.Dataset(features.arrow_schema.empty_table())
    data.save_to_disk(tmp_path / "in", num_shards=1)
    with pytest.raises(InputError, match=rf"column '{name}.* ds\.remove_columns\(\['{name}'\]\)"):
        anonymize_rows(SampleJob(make_anonymizer(), 1), tmp_path / "in", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_unknown_features_and_files_that_contradict_them_are_refused(
    hf, tmp_path, make_anonymizer, picture
):
    features = {"image": hf.Image(), "other": {"a": hf.Value("binary")}}
    made_of(hf, [], features).save_to_disk(tmp_path / "in", num_shards=1)
    info = json.loads((tmp_path / "in/dataset_info.json").read_text())
    for told in ({"_type": "Hologram"}, {"_type": "Value", "dtype": "string"}, {"_type": "Image"},
                 {"_type": "List", "feature": {"a": {"_type": "Image"}}}):  # fmt: skip
        info["features"]["other"] = told
        (tmp_path / "in/dataset_info.json").write_text(json.dumps(info))
        with pytest.raises(InputError, match="'other'"):
            anonymize_rows(SampleJob(make_anonymizer(), 1), tmp_path / "in", tmp_path / "out")
    for told in ({}, {"other": []}, {"other": None}):
        (tmp_path / "in/dataset_info.json").write_text(
            json.dumps({"features": {"image": {"_type": "Image"}} | told})
        )
        with pytest.raises(UnreadableError, match="damaged"):
            anonymize_rows(SampleJob(make_anonymizer(), 1), tmp_path / "in", tmp_path / "out")


def sound():
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setparams((1, 2, 8000, 0, "NONE", ""))
        written.writeframes(bytes(1600))
    return file.getvalue()


def video(picture):
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream = container.add_stream("mjpeg", width=128, height=128, pix_fmt="yuvj420p")
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode())
    return file.getvalue()


def test_sounds_are_copied_unless_they_hold_pictures(
    hf, tmp_path, make_anonymizer, picture, monkeypatch
):
    image = stored(encoded(picture))
    (tmp_path / "other.wav").write_bytes(sound())
    monkeypatch.chdir(tmp_path)
    voices = [sound(), video(picture), b"ffconcat version 1.0\nfile other.wav\n", None]
    rows = [{"image": image, "voice": stored(voice, "bob.wav")} for voice in voices]
    made_of(hf, [], {"image": hf.Image(), "voice": hf.Audio()}).save_to_disk(
        tmp_path / "in", num_shards=1
    )
    refill(tmp_path / "in", rows)
    (report,) = anonymize_rows(SampleJob(make_anonymizer(), 1), tmp_path / "in", tmp_path / "out")
    assert raw(hf.load_from_disk(tmp_path / "out"), "voice") == [stored(voices[0])]
    assert list(report.left_out) == ["1", "2", "3"] and "more than sound" in report.left_out["1"]


def test_pictures_that_are_only_named_are_read(hf, tmp_path, make_anonymizer, picture):
    made_of(hf, [], {"image": hf.Image()}).save_to_disk(tmp_path / "in", num_shards=1)
    (tmp_path / "person.png").write_bytes(encoded(picture))
    named = [str(tmp_path / "person.png"), str(tmp_path / "none.png"), str(tmp_path), "a" * 999,
             "https://example.org/1.png", None]  # fmt: skip
    refill(tmp_path / "in", [{"image": stored(None, path)} for path in named])
    (report,) = anonymize_rows(SampleJob(make_anonymizer(), 1), tmp_path / "in", tmp_path / "out")
    (made,) = raw(hf.load_from_disk(tmp_path / "out"))
    expected = make_anonymizer()(picture, seed=1, name="data/0/image").image
    assert np.array_equal(decoded(made), expected) and made["path"] is None
    assert list(report.left_out) == ["1", "2", "3", "4", "5"]
    assert str(tmp_path).encode() not in everything(tmp_path / "out")


def test_bytes_under_a_missing_value_are_not_carried_over(hf, tmp_path, make_anonymizer, picture):
    """Arrow may keep the bytes of what a mask calls missing."""
    features, content = {"image": hf.Image(), "many": hf.List(hf.Image())}, encoded(picture)
    made_of(hf, [], features).save_to_disk(tmp_path / "in", num_shards=1)
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    values = [pa.array([content]), pa.array(["person.png"])]
    masked = pa.StructArray.from_arrays(values, fields=list(kind), mask=pa.array([True]))
    refill(tmp_path / "in", pa.table([masked, pa.ListArray.from_arrays([0, 1], masked)],
                                     ["image", "many"]))  # fmt: skip
    assert content[50:500] in everything(tmp_path / "in")
    anonymize_rows(SampleJob(make_anonymizer(), 1), tmp_path / "in", tmp_path / "out")
    data, written = hf.load_from_disk(tmp_path / "out"), everything(tmp_path / "out")
    assert raw(data) == [None] and raw(data, "many") == [[None]]
    assert content[50:500] not in written and b"person" not in written


def test_many_rows_are_written_in_batches(hf, tmp_path, make_anonymizer, picture):
    rows = [{"image": None, "n": n} for n in range(250)]
    rows[205]["image"], rows[7]["image"] = stored(encoded(picture)), stored(b"broken")
    data = made_of(hf, rows, {"image": hf.Image(), "n": hf.Value("int16")})
    data.save_to_disk(tmp_path / "in", num_shards=2)
    (report,) = anonymize_rows(SampleJob(make_anonymizer(), 1), tmp_path / "in", tmp_path / "out")
    made = hf.load_from_disk(tmp_path / "out")
    assert report.samples == 249 and list(report.left_out) == ["7"]
    assert made["n"][:] == [n for n in range(250) if n != 7]
    expected = make_anonymizer()(picture, seed=1, name="data/205/image").image
    assert np.array_equal(decoded(raw(made)[204]), expected)
    assert [len(chunk) for chunk in made.data["n"].chunks] == [100, 24, 100, 25]


def test_an_original_beside_the_output_never_comes_back(
    hf, tmp_path, make_anonymizer, picture, monkeypatch
):
    """The package prefers a file of a picture's name in the working folder to its bytes."""
    data = made_of(hf, [{"image": stored(encoded(picture), "1.png")}], {"image": hf.Image()})
    data.save_to_disk(tmp_path / "in")
    anonymize_rows(SampleJob(make_anonymizer(), 1), tmp_path / "in", tmp_path / "out")
    (tmp_path / "1.png").write_bytes(encoded(picture))
    monkeypatch.chdir(tmp_path)
    out = hf.load_from_disk(tmp_path / "out").cast_column("image", hf.Image(decode=False))
    again = hf.Dataset.from_list(list(out), features=data.features)
    assert raw(again)[0]["bytes"] == raw(out)[0]["bytes"]


def test_portraits_without_a_face_are_left_out_and_scenes_passed_on(
    hf, two_splits, tmp_path, make_anonymizer
):
    out, blind = tmp_path / "out", {"detector": NoDetector()}
    train, test = anonymize_rows(
        SampleJob(make_anonymizer(mode="portrait", **blind), 1), two_splits, out
    )
    assert train.samples == 1 and set(train.left_out) == {"0", "1", "3"}  # one has no picture
    assert test.samples == 0 and len(hf.load_from_disk(out)["test"]) == 0
    train, test = anonymize_rows(SampleJob(make_anonymizer(**blind), 1), two_splits, out)
    assert train.without_face == 2 and test.samples == 1
    anonymize_rows(SampleJob(make_anonymizer(mode="portrait"), 1), two_splits, out)
    assert hf.load_from_disk(out)["train"][0]["image"].size == (512, 512)


class Spying:
    """Looks at the disk when it is called for the second time, and may fail then."""

    def __init__(self, anonymizer, look):
        self.mode, self._anonymizer, self._look, self._calls = "scene", anonymizer, look, 0

    def __call__(self, pixels, *, seed, name, add_boxes=()):
        self._calls += 1
        if self._calls == 2:
            self._look()
        return self._anonymizer(pixels, seed=seed, name=name)


@pytest.mark.parametrize("failure", [None, RuntimeError, KeyboardInterrupt])
def test_originals_are_never_on_the_disk_again(
    two_splits, tmp_path, make_anonymizer, picture, monkeypatch, failure
):
    originals = [encoded(picture)[50:500], encoded(picture, "JPEG")[700:1100]]
    assert all(original in everything(two_splits) for original in originals)
    for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setitem(sys.modules, "datasets", None)
    before, seen = {path.name for path in tmp_path.iterdir()}, []

    def look():
        seen.extend({path.name for path in tmp_path.iterdir()} - before)
        written = everything(tmp_path / seen[0])
        assert not any(original in written for original in originals)
        if failure:
            raise failure

    run = Spying(make_anonymizer(), look)
    if failure:
        with pytest.raises(failure):
            anonymize_rows(SampleJob(run, 1), two_splits, tmp_path / "out")
    else:
        anonymize_rows(SampleJob(run, 1), two_splits, tmp_path / "out")
        written = everything(tmp_path / "out")
        assert b"\xff\xd8" in written and not any(each in written for each in originals)
        assert b"person_1" not in written
    assert len(seen) == 1 and re.fullmatch(r"\.[0-9a-f]{16}\.part", seen[0])
    after = {path.name for path in tmp_path.iterdir()} - before
    assert after == (set() if failure else {"out"})
    assert not any(any((tmp_path / name).iterdir()) for name in ("HOME", "TMPDIR"))


def test_an_output_is_replaced_whole_or_stays(hf, two_splits, tmp_path, make_anonymizer):
    out = tmp_path / "out"
    anonymize_rows(SampleJob(make_anonymizer(), 1), two_splits, out)
    (out / "cache-1.arrow").write_bytes(b"of former pictures")
    former = contents(out)

    def fail():
        raise RuntimeError

    with pytest.raises(RuntimeError):
        anonymize_rows(SampleJob(Spying(make_anonymizer(), fail), 2), two_splits, out)
    assert contents(out) == former
    anonymize_rows(SampleJob(make_anonymizer(), 2), two_splits, out)
    assert set(contents(out)) == set(former) - {"cache-1.arrow"}
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out"}


def test_outputs_that_must_not_be(two_splits, tmp_path, make_anonymizer):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    before = contents(tmp_path)
    for out, why in (
        (two_splits, "is the input"), (two_splits / "train", "in one another"),
        (tmp_path, "in one another"), (tmp_path / "mine", "no data set"),
        (tmp_path / "mine" / "letter.txt", "no data set"),
        (tmp_path / "mine" / "letter.txt" / "a", "cannot be written"),
    ):  # fmt: skip
        with pytest.raises(OutputError, match=why):
            anonymize_rows(SampleJob(make_anonymizer(), 1), two_splits, out)
    assert contents(tmp_path) == before
    (tmp_path / "empty").mkdir()
    anonymize_rows(SampleJob(make_anonymizer(), 1), two_splits, tmp_path / "empty")


def test_no_rows_and_no_pictures(hf, tmp_path, make_anonymizer):
    features = {"image": hf.Image(), "label": hf.Value("int64")}
    for name, files in (("one", 1), ("none", None)):
        made_of(hf, [], features).save_to_disk(tmp_path / name, num_shards=files)
        (report,) = anonymize_rows(
            SampleJob(make_anonymizer(), 1), tmp_path / name, tmp_path / "out"
        )
        assert (report.samples, report.left_out) == (0, {})
        assert json.loads((tmp_path / "out/dataset_info.json").read_text())["features"]
    anonymize_rows(SampleJob(make_anonymizer(), 1), tmp_path / "one", tmp_path / "out")
    assert hf.load_from_disk(tmp_path / "out").features == hf.Features(features)
    made_of(hf, [{"label": 1}], {"label": hf.Value("int64")}).save_to_disk(tmp_path / "labels")
    with pytest.raises(InputError, match="no column of pictures"):
        anonymize_rows(SampleJob(make_anonymizer(), 1), tmp_path / "labels", tmp_path / "other")


def test_damaged_data_sets(two_splits, tmp_path, make_anonymizer):
    def refused(why):
        with pytest.raises(UnreadableError, match=why):
            anonymize_rows(SampleJob(make_anonymizer(), 1), two_splits, tmp_path / "out")
        assert [path.name for path in tmp_path.iterdir()] == ["in"]

    arrow = two_splits / "test/data-00000-of-00001.arrow"
    whole = arrow.read_bytes()
    for length in (len(whole) // 2, 0):
        arrow.write_bytes(whole[:length])
        refused("damaged")
    arrow.write_bytes(whole)
    second = two_splits / "train/data-00001-of-00002.arrow"
    whole = second.read_bytes()
    with second.open("rb") as file, pa.ipc.open_stream(file) as stream:
        images_only = stream.read_all().select(["image"])
    with pa.ipc.new_stream(second, images_only.schema) as stream:
        stream.write_table(images_only)
    refused("other columns")
    second.write_bytes(whole)
    state = json.loads((two_splits / "test/state.json").read_text())
    for files in ([{"filename": "../train/data-00000-of-00002.arrow"}], [{}], None):
        (two_splits / "test/state.json").write_text(json.dumps(state | {"_data_files": files}))
        refused("no name of a file|damaged")
    (two_splits / "test/state.json").unlink()
    refused(r"state\.json: missing")
    (two_splits / "dataset_dict.json").write_text('{"splits": [".."]}')
    refused("no name of a file or folder")


def test_arrow_files_that_were_made_to_break_readers(hf, tmp_path, make_anonymizer):
    features = {"image": hf.Image(), "text": hf.Value("string")}
    made_of(hf, [], features).save_to_disk(tmp_path / "in", num_shards=1)
    ends = pa.array([0, 1], pa.int32()).buffers()[1]
    text = pa.Array.from_buffers(pa.string(), 1, [None, ends, pa.py_buffer(b"\xff")])
    refill(tmp_path / "in", pa.table([pa.nulls(1, hf.Image().pa_type), text], ["image", "text"]))
    with pytest.raises(UnreadableError, match="damaged"):
        anonymize_rows(SampleJob(make_anonymizer(), 1), tmp_path / "in", tmp_path / "out")


def test_a_missing_extra_is_told(two_splits, tmp_path, make_anonymizer, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match="the extra datasets: pip install"):
        anonymize_rows(SampleJob(make_anonymizer(), 1), two_splits, tmp_path / "out")


def test_the_command(hf, two_splits, tmp_path, make_anonymizer, monkeypatch):
    monkeypatch.setattr(AnonymizerConfig, "load", lambda _: make_anonymizer())

    def run(*options, out="out"):
        words = ["dataset", str(two_splits), str(tmp_path / out), "--seed", "1", *options]
        return CliRunner().invoke(cli.app, words)

    first = run()
    assert first.exit_code == 1 and "train: 1 left out: train/1/image" in first.output
    assert "train: 3 samples, 2 of 2 faces redrawn" in first.output
    assert "test: 1 samples, 1 of 1 faces redrawn" in first.output
    made = contents(tmp_path / "out")
    (tmp_path / "out" / "mark").write_text("")
    again = run()
    assert again.exit_code == 0 and "left as it is" in again.output
    assert (tmp_path / "out" / "mark").exists()
    over = run("--overwrite", "--json")
    assert over.exit_code == 1 and contents(tmp_path / "out") == made
    told = json.loads(over.stdout.splitlines()[-1])
    assert [split["samples"] for split in told["splits"]] == [3, 1]
    assert list(told["splits"][0]["left_out"]) == ["1"]
    itself = run(out="in")
    assert isinstance(itself.exception, OutputError)
