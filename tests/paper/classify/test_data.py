"""Label columns as numbers, the split, the balance of classes, the published layout."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ganonymization.datasets.table import Table
from ganonymization.errors import InputError
from ganonymization.io import images
from ganonymization.io.images import Picture
from ganonymization.paper.classify.data import (
    LabelledPictures,
    balance,
    fill_split,
    foreign_classes,
    known_rows,
    labels_of,
    wanted_by,
)
from ganonymization.paper.classify.network import Labels
from ganonymization.paper.classify.published import read_labelled, read_published

NAN = float("nan")


def table(labels=None, person=None, split=None, count=4):
    count = len(next(iter(labels.values()))) if labels else count
    return Table(
        Path("faces"),
        np.array([f"{i}.png" for i in range(count)]),
        np.array(split or [""] * count),
        np.array(person or [""] * count),
        {name: np.array(values) for name, values in (labels or {}).items()},
    )


def test_one_column_holds_the_classes():
    faces = table({"expression": ["sad", "", "happy"], "Male": ["0", "1", "1"]})
    assert labels_of(faces) == Labels(("happy", "sad"), False, "expression")
    wanted = wanted_by(labels_of(faces), faces)
    np.testing.assert_array_equal(wanted, [[0, 1], [NAN, NAN], [1, 0]])
    assert known_rows(wanted).tolist() == [True, False, True]


def test_several_columns_are_a_class_each():
    faces = table({"Male": ["0", "1", ""], "Young": ["1", "", "0"], "name": ["a", "b", "c"]})
    labels = labels_of(faces)
    assert labels == Labels(("Male", "Young"), True, "")
    wanted = wanted_by(labels, faces)
    np.testing.assert_array_equal(wanted, [[0, 1], [1, NAN], [NAN, 0]])
    assert known_rows(wanted).all()
    assert labels_of(faces, ["Young", "Male"]).classes == ("Young", "Male")


@pytest.mark.parametrize(
    ("labels", "columns", "told"),
    [
        ({"expression": ["a", "b"]}, ["mood"], "no label column 'mood'; there are: expression"),
        ({"expression": ["a", "a"]}, [], "needs two classes"),
        ({"expression": ["", ""]}, [], "knows nothing"),
        ({"mood": ["a", "b"]}, [], "name one of the label columns: mood"),
        ({"mood": ["a", "b"], "Male": ["0", "1"]}, ["mood", "Male"], "'mood' holds 'a'"),
    ],
)
def test_columns_that_cannot_be_learned(labels, columns, told):
    with pytest.raises(InputError, match=told):
        labels_of(table(labels), columns)


def test_what_another_table_knows():
    labels = Labels(("happy", "sad"), False, "expression")
    other = table({"expression": ["sad", "contempt", "contempt", ""]})
    np.testing.assert_array_equal(wanted_by(labels, other)[:2], [[0, 1], [NAN, NAN]])
    assert foreign_classes(labels, other) == {"contempt": 2}
    assert np.isnan(wanted_by(labels, table())).all()
    both = wanted_by(Labels(("Male", "Young"), True, ""), table({"Male": ["1", "0"]}))
    np.testing.assert_array_equal(both, [[1, NAN], [0, NAN]])


def test_nobody_is_on_two_sides_of_a_split():
    people = [f"p{i % 20}" for i in range(100)]
    split = fill_split(table(person=people, count=100)).split
    sides = {p: {s for s, q in zip(split, people, strict=True) if q == p} for p in people}
    assert all(len(found) == 1 for found in sides.values())
    assert {s: list(split).count(s) for s in set(split)} == {"train": 70, "val": 15, "test": 15}
    again = fill_split(table(person=people, count=100)).split
    np.testing.assert_array_equal(split, again)
    assert (split != fill_split(table(person=people, count=100), seed=1).split).any()


def test_pictures_of_nobody_are_split_one_by_one():
    assert set(fill_split(table(count=3)).split) == {"train", "val", "test"}
    with pytest.raises(InputError, match="1 people cannot be split into train, val and test"):
        fill_split(table(person=["p"] * 4))


def test_a_given_split_stays():
    whole = table(split=["train", "val", "train", "test"])
    assert fill_split(whole) is whole
    split = fill_split(table(split=["train", "train", "train", "test"])).split
    assert sorted(split[:3]) == ["train", "train", "val"]
    assert split[3] == "test"


@pytest.mark.parametrize(
    ("split", "told"),
    [(["train", "", "val", "val"], "1 of 4 pictures have no split"),
     (["val", "val", "test", "test"], "no picture has the split 'train'")],
)  # fmt: skip
def test_half_a_split_is_refused(split, told):
    with pytest.raises(InputError, match=told):
        fill_split(table(split=split))


def test_rare_classes_weigh_more():
    one = table({"expression": ["a", "b", "b", "b"]})
    labels = labels_of(one)
    np.testing.assert_allclose(balance(labels, wanted_by(labels, one)), [2, 2 / 3])
    several = table({"Bald": ["0", "0", "0", "1", ""], "Male": ["1", "1", "0", "0", "1"]})
    labels = labels_of(several)
    wanted = wanted_by(labels, several)
    np.testing.assert_allclose(balance(labels, wanted), [3, 2 / 3])
    with pytest.raises(InputError, match="no training picture is 'Bald'"):
        balance(labels, wanted[:3])


def test_pictures_come_with_what_is_wanted(tmp_path):
    ramp = np.repeat(np.arange(0, 256, 8, dtype=np.uint8)[None], 32, axis=0)
    images.write(tmp_path / "a.png", Picture(np.stack([ramp] * 3, 2), grey=True))
    blank = np.array([""])
    faces = Table(tmp_path, np.array(["a.png"]), blank, blank, {})
    pixels, wanted = LabelledPictures(faces, np.array([[1.0, NAN]]), 32)[0]
    assert pixels.shape == (3, 32, 32)
    assert pixels.dtype == torch.uint8
    np.testing.assert_array_equal(pixels[0], ramp)
    np.testing.assert_array_equal(wanted, [1, NAN])
    varied = LabelledPictures(faces, np.array([[1.0, NAN]]), 32, varied=True)
    torch.manual_seed(0)
    many = [varied[0].pixels.float() for _ in range(40)]
    mirrored = [bool(p[0, 0, 0] > p[0, 0, -1]) for p in many]
    assert 5 < sum(mirrored) < 35
    assert len({p.sum().item() for p in many}) > 3


def publish(folder, rows, header):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "labels.csv").write_text("\n".join([header, *rows]) + "\n")


def test_the_published_layout_of_one_class_each(tmp_path):
    publish(
        tmp_path,
        ["0,a.jpg,0,1,0", r"1,sub\b.jpg,1,0,1", "2,c.jpg,0,0,0", "3,lost.jpg,0,1,0"],
        ",image_path,split,anger,happy",
    )
    for name in ("train/a.png", "val/7-b.png", "train/c.png", "train/a.jpg_1.png"):
        images.write(tmp_path / name, Picture(np.zeros((4, 4, 3), np.uint8)))
    faces, skipped = read_labelled(tmp_path)
    assert faces.files.tolist() == ["train/a.png", "val/7-b.png", "train/c.png"]
    assert faces.split.tolist() == ["train", "val", "train"]
    assert faces.labels["expression"].tolist() == ["anger", "happy", ""]
    assert {(p.path.name, p.reason) for p in skipped} == {
        ("lost.jpg", "no such picture"), ("a.jpg_1.png", "has no row in labels.csv"),
    }  # fmt: skip


def test_the_published_layout_of_several_classes_each(tmp_path):
    rows = ["0,1.jpg,0,1.0,1.0", "1,2.jpg,2,0.0,"]
    publish(tmp_path, rows, "Unnamed: 0,image_path,split,Male,Young")
    for name in ("train/1.png", "test/2.png"):
        images.write(tmp_path / name, Picture(np.zeros((4, 4, 3), np.uint8)))
    faces, _ = read_published(tmp_path)
    assert {n: v.tolist() for n, v in faces.labels.items()} == {
        "Male": ["1", "0"], "Young": ["1", ""],
    }  # fmt: skip
    assert faces.split.tolist() == ["train", "test"]


def test_a_published_list_without_pictures_is_told(tmp_path):
    publish(tmp_path, ["0,a.jpg,0,1"], ",image_path,split,anger")
    with pytest.raises(InputError, match="none of the 1 pictures"):
        read_published(tmp_path)
    publish(tmp_path, ["a.jpg,1"], "file,anger")
    with pytest.raises(InputError, match="needs rows and the columns image_path"):
        read_published(tmp_path)


def test_other_folders_are_data_sets(tmp_path):
    for name in ("happy/a.png", "sad/b.png"):
        images.write(tmp_path / name, Picture(np.zeros((4, 4, 3), np.uint8)))
    faces, _ = read_labelled(tmp_path)
    assert sorted(faces.labels["expression"].tolist()) == ["happy", "sad"]
