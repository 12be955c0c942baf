import io
import json
import tarfile

import numpy as np
import pytest
from typer.testing import CliRunner

from ganonymization import cli
from ganonymization.batch.samples import SampleJob
from ganonymization.batch.webdataset import anonymize_shard, find_shards
from ganonymization.config import AnonymizerConfig
from ganonymization.errors import InputError, OutputError, UnreadableError
from ganonymization.io import images
from ganonymization.io.images import Picture

from ..test_pipeline import NoDetector


def packed(path, members):
    with tarfile.open(path, "w") as shard:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size, member.uname, member.mtime = len(content), "somebody", 99
            shard.addfile(member, io.BytesIO(content))
    return path


def unpacked(path):
    with tarfile.open(path) as shard:
        return [(member, shard.extractfile(member).read()) for member in shard]


def encoded(picture, kind="PNG"):
    file = io.BytesIO()
    images.encode(file, Picture(picture), kind)
    return file.getvalue()


@pytest.fixture
def shard(tmp_path, picture):
    return packed(tmp_path / "train-0.tar", [
        ("a/1.png", encoded(picture)), ("a/1.cls", b"3"), ("a/1.meta.json", b'{"valence": 0.5}'),
        ("a/2.jpg", b"broken"), ("a/2.cls", b"4"),
        ("a/3.cls", b"5"), ("a/3.jpg", encoded(picture, "JPEG")),
    ])  # fmt: skip


def test_pictures_are_replaced_and_labels_carried_over(shard, tmp_path, make_anonymizer, picture):
    out = tmp_path / "out" / "train-0.tar"
    report = anonymize_shard(SampleJob(make_anonymizer(), 1), shard, out)
    members = unpacked(out)
    assert [member.name for member, _ in members] == [
        "a/1.png", "a/1.cls", "a/1.meta.json", "a/3.cls", "a/3.jpg"
    ]  # fmt: skip
    contents = {member.name: content for member, content in members}
    assert contents["a/1.cls"] == b"3" and json.loads(contents["a/1.meta.json"])["valence"] == 0.5
    expected = make_anonymizer()(picture, seed=1, name="a/1.png").image
    made = images.decode(io.BytesIO(contents["a/1.png"]), "made").pixels
    assert np.array_equal(made, expected) and not np.array_equal(made, picture)
    assert all(member.uname == "" and member.mtime == 0 for member, _ in members)
    assert (report.samples, report.faces, report.filled) == (2, 2, 0)
    assert list(report.left_out) == ["a/2"] and "a/2.jpg" in report.left_out["a/2"]


def test_portraits_without_a_face_are_left_out_and_scenes_passed_on(
    shard, tmp_path, make_anonymizer
):
    out = tmp_path / "out.tar"
    blind = {"detector": NoDetector()}
    report = anonymize_shard(SampleJob(make_anonymizer(mode="portrait", **blind), 1), shard, out)
    assert report.samples == 0 and set(report.left_out) == {"a/1", "a/2", "a/3"}
    report = anonymize_shard(SampleJob(make_anonymizer(**blind), 1), shard, out)
    assert report.samples == report.without_face == 2


def test_an_error_leaves_no_output(tmp_path, shard, make_anonymizer):
    cut = tmp_path / "cut.tar"
    cut.write_bytes(shard.read_bytes()[:1700])
    with pytest.raises(UnreadableError, match=r"cut\.tar"):
        anonymize_shard(SampleJob(make_anonymizer(), 1), cut, tmp_path / "out.tar")
    with pytest.raises(OutputError, match="is the input"):
        anonymize_shard(SampleJob(make_anonymizer(), 1), shard, shard)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cut.tar", "train-0.tar"]


def test_shards_are_found(tmp_path, shard):
    (tmp_path / "val").mkdir()
    other = packed(tmp_path / "val" / "val-0.tar", [])
    assert find_shards(tmp_path) == [shard, other] and find_shards(shard) == [shard]
    for nothing in (tmp_path / "none", tmp_path / "val" / "none.zip"):
        with pytest.raises(InputError, match="no WebDataset shards"):
            find_shards(nothing)


def test_a_folder_is_no_shard(tmp_path, shard):
    (tmp_path / "x.tar").mkdir()
    assert find_shards(tmp_path) == [shard]
    inner = packed(tmp_path / "x.tar" / "y.tar", [])
    assert find_shards(tmp_path) == [shard, inner]


def test_an_input_that_cannot_be_read_is_no_error_of_the_output(tmp_path, make_anonymizer, shard):
    out = tmp_path / "out.tar"
    with pytest.raises(UnreadableError, match=r"none\.tar: cannot be read \(No such file"):
        anonymize_shard(SampleJob(make_anonymizer(), 1), tmp_path / "none.tar", out)
    assert not out.exists()


def test_the_command_tells_what_is_missing_and_goes_on(
    shard, tmp_path, make_anonymizer, monkeypatch
):
    monkeypatch.setattr(AnonymizerConfig, "load", lambda _: make_anonymizer())
    first = CliRunner().invoke(cli.app, ["dataset", str(tmp_path), str(tmp_path / "out")])
    assert first.exit_code == 1 and "a/2 left out" in first.output
    assert "2 samples, 2 of 2 faces redrawn" in first.output
    again = CliRunner().invoke(
        cli.app, ["dataset", str(shard), str(tmp_path / "out"), "--json"], catch_exceptions=False
    )
    assert again.exit_code == 0 and "left as it is" in again.output


@pytest.mark.parametrize("name", ["1.gif", "1.npy", "1.mp4", "1.jp2", "1.pyd", "1"])
def test_what_may_show_a_face_otherwise_is_not_copied(tmp_path, make_anonymizer, picture, name):
    members = [("1.png", encoded(picture)), (name, b"a face"), ("2.cls", b"2")]
    source = packed(tmp_path / "in.tar", members)
    report = anonymize_shard(SampleJob(make_anonymizer(), 1), source, tmp_path / "out.tar")
    assert [member.name for member, _ in unpacked(tmp_path / "out.tar")] == ["2.cls"]
    assert "may show a face" in report.left_out["1"]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
@pytest.mark.parametrize("suffix", ["txt", "json", "cls"])
def test_a_picture_that_is_called_a_label_is_not_copied(
    tmp_path, make_anonymizer, picture, kind, suffix
):
    members = [
        (f"1.{suffix}", encoded(picture, kind)),
        ("1.png", encoded(picture)),
        ("2.cls", b"2"),
    ]
    source = packed(tmp_path / "in.tar", members)
    report = anonymize_shard(SampleJob(make_anonymizer(), 1), source, tmp_path / "out.tar")
    assert [member.name for member, _ in unpacked(tmp_path / "out.tar")] == ["2.cls"]
    assert "no text" in report.left_out["1"]


@pytest.mark.parametrize(
    ("content", "kept"),
    [("Zoë, 3 €\n".encode(), True), (b"P3 2 2 255 1 2 3", False), (b"a\0b", False),
     (b'{"x": "data:image/png;base64,AA"}', False), (b"<SVG></SVG>", False), (b"", True)],
)  # fmt: skip
def test_labels_are_text(tmp_path, make_anonymizer, content, kept):
    source = packed(tmp_path / "in.tar", [("1.txt", content)])
    report = anonymize_shard(SampleJob(make_anonymizer(), 1), source, tmp_path / "out.tar")
    assert (report.samples, len(report.left_out)) == ((1, 0) if kept else (0, 1))


@pytest.mark.parametrize("name", ["../../1.png", "/1.png", "a/../../1.png", "..\\1.png", "C:1.png"])
def test_names_that_lead_out_are_refused(tmp_path, make_anonymizer, picture, name):
    source = packed(tmp_path / "in.tar", [(name, encoded(picture)), ("2.cls", b"2")])
    report = anonymize_shard(SampleJob(make_anonymizer(), 1), source, tmp_path / "out.tar")
    assert [member.name for member, _ in unpacked(tmp_path / "out.tar")] == ["2.cls"]
    (why,) = report.left_out.values()
    assert name in why and "leads out" in why


def test_second_names_are_followed_and_other_links_told(tmp_path, make_anonymizer, picture):
    source = packed(tmp_path / "in.tar", [("1.png", encoded(picture))])
    links = {"2.png": (tarfile.LNKTYPE, "1.png"), "3.png": (tarfile.SYMTYPE, "1.png"),
             "4.png": (tarfile.LNKTYPE, "none.png"), "5.png": (tarfile.LNKTYPE, "5.png"),
             "6.png": (tarfile.LNKTYPE, "3.png"), "7.png": (tarfile.FIFOTYPE, "")}  # fmt: skip
    with tarfile.open(source, "a") as shard:
        for name, (kind, target) in links.items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            shard.addfile(member)
    report = anonymize_shard(SampleJob(make_anonymizer(), 1), source, tmp_path / "out.tar")
    contents = {member.name: content for member, content in unpacked(tmp_path / "out.tar")}
    expected = make_anonymizer()(picture, seed=1, name="2.png").image
    assert np.array_equal(images.decode(io.BytesIO(contents["2.png"]), "2").pixels, expected)
    assert set(contents) == {"1.png", "2.png"} and set(report.left_out) == set("34567")


def test_a_name_that_comes_twice_is_refused(tmp_path, make_anonymizer, picture):
    source = packed(tmp_path / "in.tar", [("1.png", encoded(picture)), ("1.png", b"other")])
    report = anonymize_shard(SampleJob(make_anonymizer(), 1), source, tmp_path / "out.tar")
    assert "twice" in report.left_out["1"] and not unpacked(tmp_path / "out.tar")
