import csv
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ganonymization.datasets import read_dataset
from ganonymization.errors import InputError

from .trees import plant, reasons, write

CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)


def test_a_folder_per_class(tmp_path):
    plant(tmp_path, "happy/1.jpg", "sad/deeper/2.png", "loose.jpg", "happy/notes.txt")
    table, left_out = read_dataset(tmp_path)
    assert table.files.tolist() == ["happy/1.jpg", "sad/deeper/2.png"]
    assert table.labels["expression"].tolist() == ["happy", "sad"]
    assert table.split.tolist() == table.person.tolist() == ["", ""]
    assert reasons(tmp_path, left_out) == {"loose.jpg": "lies in no folder of a class"}


def test_a_folder_per_split_and_class(tmp_path):
    plant(tmp_path, "train/happy/1.jpg", "val/happy/2.jpg", "test/sad/3.jpg", "train/4.jpg")
    table, left_out = read_dataset(tmp_path)
    assert table.split.tolist() == ["test", "train", "val"]
    assert table.labels["expression"].tolist() == ["sad", "happy", "happy"]
    assert reasons(tmp_path, left_out) == {"train/4.jpg": "lies in no folder of a class"}


def test_a_table_says_it_all(tmp_path):
    text = "\ufefffile,mood,split,person,age\na.png,happy,train,p1,\n./b.png , sad,test,,7\nc.png\n"
    plant(tmp_path, "a.png", "b.png", "c.png", index__csv=text)
    table, left_out = read_dataset(tmp_path)
    assert left_out == []
    assert table.files.tolist() == ["a.png", "b.png", "c.png"]
    assert table.split.tolist() == ["train", "test", ""]
    assert table.person.tolist() == ["p1", "", ""]
    assert {name: column.tolist() for name, column in table.labels.items()} == {
        "mood": ["happy", "sad", ""], "age": ["", "7", ""]
    }  # fmt: skip


def test_only_the_file_is_required_and_values_stay_as_they_are(tmp_path):
    plant(tmp_path, "data/a.png", "data/b.png", table__csv="smiling,file\n-1,a.png\n1,b.png\n")
    table, left_out = read_dataset(tmp_path / "data", index=tmp_path / "table.csv")
    assert left_out == []
    assert table.labels["smiling"].tolist() == ["-1", "1"]
    assert table.split.tolist() == table.person.tolist() == ["", ""]


def test_what_does_not_fit_is_reported(tmp_path):
    text = (
        "file,split\na.png,train\n,val\n\nb.png,dev\nc.png,val,more\ngone.png,val\na.png,val\n"
        "d.png,test,\n"
    )
    plant(tmp_path, *(f"{n}.png" for n in "abcde"), index__csv=text)
    table, left_out = read_dataset(tmp_path)
    assert table.files.tolist() == ["a.png", "d.png"]
    assert table.split.tolist() == ["train", "test"]
    assert reasons(tmp_path, left_out) == {
        "index.csv": "line 3 names no file",
        "b.png": "its split 'dev' is none of train, val, test",
        "c.png": "line 6 has 3 cells, but there are 2 columns",
        "gone.png": "no such file",
        "a.png": "has another row; the first is used",
        "e.png": "has no row",
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "cannot be read"),
        ("", "no column 'file'"),
        ("name\na.png\n", "no column 'file'"),
        (",file\n0,a.png\n", "column 1 has no name"),
        ("file,age,age\na.png,1,2\n", "two columns have one name"),
        ("file\n", "no picture of it can be used"),
    ],
)
def test_wrong_tables_are_refused(tmp_path, text, told):
    if text is not None:
        write(tmp_path / "index.csv", text)
    with pytest.raises(InputError, match=told):
        read_dataset(tmp_path, "index")


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_values_come_back_whatever_they_are(tmp_path, values):
    lines = io.StringIO()
    named = [(f"{place}.png", *pair) for place, pair in enumerate(values)]
    csv.writer(lines).writerows([("file", "one", "two"), *named])
    (tmp_path / "index.csv").write_bytes(lines.getvalue().encode())
    plant(tmp_path, *(f"{n}.png" for n in range(5)))
    table, _ = read_dataset(tmp_path)
    for place, column in enumerate(("one", "two")):
        assert table.labels[column].tolist() == [pair[place].strip() for pair in values]


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (None, "looks like none of index, celeba, ckplus, affectnet, faces, classes"),
        ("imagenet", "'imagenet' is no kind of data set; use one of index, celeba"),
    ],
)
def test_unknown_kinds_are_refused(tmp_path, kind, told):
    plant(tmp_path, "loose.jpg")
    with pytest.raises(InputError, match=told):
        read_dataset(tmp_path, kind)


def test_arguments_that_contradict_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        read_dataset(tmp_path / "none")
    with pytest.raises(InputError, match="does not go with the kind 'faces'"):
        read_dataset(tmp_path, "faces", tmp_path / "index.csv")


def test_a_table_in_the_folder_is_believed_first(tmp_path):
    plant(tmp_path, "happy/1.jpg", index__csv="file,expression\nhappy/1.jpg,sad\n")
    assert read_dataset(tmp_path)[0].labels["expression"].tolist() == ["sad"]
    assert read_dataset(tmp_path, "classes")[0].labels["expression"].tolist() == ["happy"]
