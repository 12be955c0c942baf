from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganonymization.datasets import Table
from ganonymization.datasets.layout import cells, find, name_of, need
from ganonymization.datasets.table import Row, TableBuilder, split_by_person
from ganonymization.errors import InputError

from .trees import plant, reasons

NAMES = st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=40)


def table(n=3, split=("train", "val", ""), **labels) -> Table:
    return Table(
        Path("x"), np.array([f"{i}.png" for i in range(n)]), np.array(split), np.array([""] * n),
        {name: np.array(column) for name, column in labels.items()},
    )  # fmt: skip


def test_a_choice_keeps_rows_together():
    chosen = table(expression=["happy", "sad", ""]).of(np.array([False, True, True]))
    assert chosen.files.tolist() == ["1.png", "2.png"]
    assert chosen.split.tolist() == ["val", ""]
    assert chosen.labels["expression"].tolist() == ["sad", ""]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"expression": ["happy"]}, "'expression' has shape"),
        ({"split": ["train"]}, "'split' has shape"),
        ({"split": ["train", "dev", ""]}, "'dev' is no split"),
    ],
)
def test_columns_that_do_not_fit_are_refused(arguments, told):
    with pytest.raises(InputError, match=told):
        table(**arguments)


def test_files_must_be_a_list():
    empty = np.empty((0, 2), np.str_)
    with pytest.raises(InputError, match="must be a list"):
        Table(Path("x"), empty, empty, empty, {})


def test_every_row_and_every_picture_is_accounted_for(tmp_path):
    plant(tmp_path, "in/a.png", "in/b.png", "in/extra.JPG", "in/notes.txt", "secret.png")
    names = ["a.png", "b.png", "a.png", "gone.png", "notes.txt", "../secret.png"]
    builder = TableBuilder(tmp_path, "letter")
    for name in names:
        builder.add(f"in/{name}", name[0], split="val", person="p")
    builder.add(str(tmp_path / "secret.png"), "s")
    made, left_out = builder.build(tmp_path / "in")
    assert made.files.tolist() == ["in/a.png", "in/b.png"]
    assert made.labels["letter"].tolist() == ["a", "b"]
    assert made.person.tolist() == ["p", "p"] and made.split.tolist() == ["val", "val"]
    assert reasons(tmp_path, left_out) == {
        "in/a.png": "has another row; the first is used",
        "in/gone.png": "no such file",
        "in/notes.txt": "has not the suffix of a picture that can be read",
        "in/../secret.png": f"lies outside of {tmp_path}",
        "secret.png": f"lies outside of {tmp_path}",
        "in/extra.JPG": "has no row",
    }
    unreadable = [item.path.name for item in left_out if item.unreadable]
    assert unreadable == ["gone.png", "notes.txt"]


@pytest.mark.parametrize("file", ["/etc/a.png", "\0.png", "a" * 5000 + ".png"])
def test_no_name_in_a_list_can_break_reading(tmp_path, file):
    plant(tmp_path, "b.png")
    builder = TableBuilder(tmp_path)
    builder.add(file)
    builder.add("b.png")
    made, left_out = builder.build()
    assert made.files.tolist() == ["b.png"] and len(left_out) == 1


def test_a_linked_folder_is_reported(tmp_path):
    plant(tmp_path, "data/a.png", "elsewhere/b.png")
    (tmp_path / "data" / "link").symlink_to(tmp_path / "elsewhere")
    builder = TableBuilder(tmp_path)
    builder.add("data/a.png")
    _, left_out = builder.build(tmp_path / "data")
    assert reasons(tmp_path, left_out) == {
        "data/link": "a folder that is a link, which is not followed"
    }


def test_a_table_without_pictures_is_refused(tmp_path):
    builder = TableBuilder(tmp_path)
    with pytest.raises(InputError, match=r"can be used$"):
        builder.build()
    builder.add("a.png")
    with pytest.raises(InputError, match=r"no picture of it can be used; .*a\.png: no such file"):
        builder.build()


@given(NAMES)
def test_nobody_is_in_two_splits(people):
    rows = split_by_person([Row(f"{i}.png", (), person=p) for i, p in enumerate(people)])
    assert [row.person for row in rows] == people
    splits = {person: {row.split for row in rows if row.person == person} for person in people}
    assert all(len(found) == 1 for found in splits.values())
    held_out = [next(iter(found)) for found in splits.values()]
    expected = max(1, round(len(splits) / 10)) if len(splits) >= 3 else 0
    assert held_out.count("val") == held_out.count("test") == expected


@given(NAMES, st.randoms())
def test_a_split_does_not_depend_on_order(people, random):
    rows = [Row("", (), person=person) for person in people]
    shuffled = random.sample(rows, len(rows))
    assert set(split_by_person(rows)) == set(split_by_person(shuffled))


def test_a_split_is_the_same_on_every_machine():
    rows = split_by_person([Row("", (), person=f"S{i:03}") for i in range(20)])
    held_out = {split: [r.person for r in rows if r.split == split] for split in ("val", "test")}
    assert held_out == {"val": ["S005", "S006"], "test": ["S017", "S019"]}


@pytest.mark.parametrize("people", [["a"], ["a", "b", "a"]])
def test_too_few_people_are_not_split(people):
    rows = split_by_person([Row("", (), person=person) for person in people])
    assert {row.split for row in rows} == {"train"}


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("0", "zero"), ("1", "one"), ("   1.0000000e+00\n", "one"), ("2", None), ("-1", None),
        ("0.5", None), ("", None), ("inf", None), ("nan", None), ("happy", None),
    ],
)  # fmt: skip
def test_numbers_get_names(code, name):
    assert name_of(code, ("zero", "one")) == name


def test_parts_are_found_in_a_folder_or_one_below(tmp_path):
    plant(tmp_path, "Anno/list.csv", "deep/er/other.csv")
    assert find(tmp_path, "list.txt", "list.csv") == tmp_path / "Anno" / "list.csv"
    assert find(tmp_path, "other.csv") is None
    with pytest.raises(InputError, match=r"list\.txt or other\.csv is missing"):
        need(tmp_path, "list.txt", "other.csv")
    plant(tmp_path, "Copy/list.csv")
    with pytest.raises(InputError, match="is in Anno and in Copy"):
        find(tmp_path, "list.csv")
    plant(tmp_path, "list.csv")
    assert find(tmp_path, "list.csv") == tmp_path / "list.csv"


def test_an_unreadable_list_is_refused(tmp_path):
    (tmp_path / "list.csv").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "list.csv", tmp_path / "none.txt"):
        with pytest.raises(InputError, match="cannot be read"):
            list(cells(path))
