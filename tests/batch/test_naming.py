from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganonymization.batch.naming import check_clashes, check_naming, in_shard, planned, renamed
from ganonymization.batch.storage import LocalStorage
from ganonymization.errors import OptionError, OutputError


@pytest.mark.parametrize(
    ("name", "naming", "out"),
    [
        ("a.jpg", "{stem}{suffix}", "a.jpg"),
        ("sub/a.b.JPG", "{stem}-anon{suffix}", "sub/a.b-anon.JPG"),
        ("sub/.hidden", "{stem}-anon{suffix}", "sub/.hidden"),
        ("a", "x-{stem}{suffix}", "x-a"),
    ],
)
def test_outputs_are_named_by_the_pattern(name, naming, out):
    assert renamed(name, naming) == out


@pytest.mark.parametrize(
    "naming", ["", "same.jpg", "{stem}", "{name}{suffix}", "{stem", "../{stem}{suffix}", "{0}"]
)
def test_patterns_that_lose_files_are_refused(naming):
    with pytest.raises(OptionError, match="`name`"):
        check_naming(naming)


@given(st.lists(st.text(min_size=1), max_size=40), st.integers(1, 9))
def test_each_file_is_in_one_shard(names, count):
    for name in names:
        assert sum(in_shard(name, (i, count)) for i in range(1, count + 1)) == 1


def test_shards_are_about_as_large():
    names = [f"{i:06d}.jpg" for i in range(8000)]
    for i in range(1, 9):
        assert 900 < sum(in_shard(name, (i, 8)) for name in names) < 1100


def test_the_plan_names_each_output_in_order():
    files = planned(["a.png", "b.jpg", "sub/c.mp4"], "{stem}-x{suffix}")
    assert [(f.name, f.out) for f in files] == [
        ("a.png", "a-x.png"), ("b.jpg", "b-x.jpg"), ("sub/c.mp4", "sub/c-x.mp4"),
    ]  # fmt: skip


def test_names_of_further_heads_are_taken_by_the_files_that_have_them():
    names = ["a.png", "a_1.png", "a_1_2.png", "a_9.jpg", "a_x.png", "b/a_3.png", "b/_1.png"]
    taken = {file.name: set(file.taken) for file in planned(names)}
    assert {name: found for name, found in taken.items() if found} == {
        "a.png": {"a_1.png"},
        "a_1.png": {"a_1_2.png"},
    }


def test_one_output_for_two_inputs_is_refused(tmp_path):
    check_clashes([("a.mp4", "a.mp4"), ("a.mp4", "a.mp4.png")], LocalStorage(tmp_path))
    with pytest.raises(OutputError, match=r"b\.png and a\.mp4 would both"):
        check_clashes([("a.mp4", "a.mp4.png"), ("b.png", "a.mp4.png")], LocalStorage(tmp_path))


def folded(path):
    return path.parent / path.name.lower()


def test_names_that_differ_in_case_clash_where_the_disk_cannot_tell(tmp_path, monkeypatch):
    names = [("A.jpg", "A.jpg"), ("a.jpg", "a.jpg")]
    for folder in (tmp_path / "not" / "yet", tmp_path):
        check_clashes(names, LocalStorage(folder))
    real = {name: getattr(Path, name) for name in ("exists", "lstat")}
    for name, function in real.items():  # of a disk that tells no case
        monkeypatch.setattr(Path, name, lambda path, f=function: f(folded(path)))
    for folder in (tmp_path / "not" / "yet", tmp_path):
        with pytest.raises(OutputError, match="tells them apart"):
            check_clashes(names, LocalStorage(folder))


def test_whether_a_disk_tells_case_is_found_without_writing(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    tmp_path.chmod(0o555)
    before = tmp_path.stat().st_mtime_ns
    assert LocalStorage(tmp_path / "new").tells_case()
    assert tmp_path.stat().st_mtime_ns == before
