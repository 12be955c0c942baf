import numpy as np
import pytest

from ganonymization.datasets import read_dataset
from ganonymization.errors import InputError

from .trees import plant, reasons, write

EXPRESSIONS = ["neutral", "happy", "sad", "surprise", "fear", "disgust", "anger", "contempt"]
HEADER = (
    "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,"
    "expression,valence,arousal\n"
)


def label(folder, place, code):
    path = folder / place
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.array(code))


def line(name, code):
    return f"{name},13,13,108,108,29.5;56.1;30.0;66.9,{code},-0.1,0.2\n"


def lists(folder, training, validation):
    write(folder / "Manually_Annotated_file_lists/training.csv", training)
    write(folder / "Manually_Annotated_file_lists/validation.csv", validation)


def manual(*names):
    return [f"Manually_Annotated_Images/{name}" for name in names]


def test_the_smaller_form_is_read(tmp_path):
    for code in range(8):
        plant(tmp_path, f"train_set/images/{code}.jpg")
        label(tmp_path, f"train_set/annotations/{code}_exp.npy", str(code))  # text, as published
        label(tmp_path, f"train_set/annotations/{code}_val.npy", "0.5")
    plant(tmp_path, "val_set/images/0.jpg")
    label(tmp_path, "val_set/annotations/0_exp.npy", 6)
    table, left_out = read_dataset(tmp_path)
    assert left_out == []
    assert table.labels["expression"].tolist() == [*EXPRESSIONS, "anger"]
    assert table.split.tolist() == ["train"] * 8 + ["val"]
    assert table.files[0] == "train_set/images/0.jpg" and table.files[8] == "val_set/images/0.jpg"


def test_what_does_not_fit_in_the_smaller_form_is_reported(tmp_path):
    plant(tmp_path, *(f"train_set/images/{n}.jpg" for n in (1, 2, 3, 4, 6)), "val_set/images/1.jpg")
    for n, code in ((1, "0"), (2, "8"), (3, "11"), (5, "1"), (6, ["1", "2"])):
        label(tmp_path, f"train_set/annotations/{n}_exp.npy", code)
    write(tmp_path / "val_set/annotations/1_exp.npy", "damaged")
    table, left_out = read_dataset(tmp_path)
    assert table.files.tolist() == ["train_set/images/1.jpg"]
    assert reasons(tmp_path, left_out) == {
        "train_set/images/2.jpg": "is labelled 'none'",
        "train_set/images/3.jpg": "has the unknown label '11'",
        "train_set/images/4.jpg": "has no label in annotations",
        "train_set/annotations/5_exp.npy": "its picture is missing",
        "train_set/annotations/6_exp.npy": "is damaged; copy it anew",
        "val_set/annotations/1_exp.npy": "is damaged; copy it anew",
    }


def test_an_npy_file_cannot_run_code(tmp_path):
    plant(tmp_path, "train_set/images/1.jpg", "train_set/images/2.jpg", "val_set/images/1.jpg")
    label(tmp_path, "train_set/annotations/1_exp.npy", "1")
    label(tmp_path, "val_set/annotations/1_exp.npy", "1")
    np.save(tmp_path / "train_set/annotations/2_exp.npy", np.array({"a": 1}), allow_pickle=True)
    _, left_out = read_dataset(tmp_path)
    assert [(item.path.name, item.unreadable) for item in left_out] == [("2_exp.npy", True)]


@pytest.mark.parametrize("mark", ["", "#"])
def test_both_lists_are_read_and_neutral_is_kept(tmp_path, mark):
    names = [f"{n}/{n}a.jpg" for n in range(8)]
    training = "".join(line(name, code) for code, name in enumerate(names))
    lists(tmp_path, mark + HEADER + training, mark + HEADER + line("9/val.jpg", 0))
    plant(tmp_path, *manual(*names, "9/val.jpg"))
    table, left_out = read_dataset(tmp_path)
    assert left_out == []
    assert table.labels["expression"].tolist() == [*EXPRESSIONS, "neutral"]
    assert table.split.tolist() == ["train"] * 8 + ["val"]
    assert table.files[0] == "Manually_Annotated_Images/0/0a.jpg"
    assert set(table.person) == {""}


def test_a_list_for_validation_without_header_keeps_its_first_row(tmp_path):
    lists(tmp_path, HEADER + line("1/a.jpg", 1), line("1/b.jpg", 2) + line("1/c.jpg", 3))
    plant(tmp_path, *manual("1/a.jpg", "1/b.jpg", "1/c.jpg"))
    table, left_out = read_dataset(tmp_path)
    assert left_out == []
    assert table.labels["expression"].tolist() == ["happy", "sad", "surprise"]


def test_what_does_not_fit_in_the_lists_is_reported(tmp_path):
    training = [("1/a.jpg", 0), ("1/b.jpg", 8), ("1/c.jpg", 9), ("1/d.jpg", 10), ("1/e.jpg", "x")]
    training += [("1/gone.jpg", 1), ("1\\a.jpg", 1), ("1/odd.gifx", 1)]
    text = HEADER + "".join(line(*row) for row in training) + "1/short.jpg,1\n"
    lists(tmp_path, text, HEADER + line("1/a.jpg", 3) + line("2/v.jpg", 3))
    plant(tmp_path, *manual(*(f"1/{n}.jpg" for n in "abcde"), "2/v.jpg", "2/extra.jpg"))
    table, left_out = read_dataset(tmp_path)
    assert table.files.tolist() == manual("1/a.jpg", "2/v.jpg")
    assert table.labels["expression"].tolist() == ["neutral", "surprise"]
    again = "has another row; the first is used"
    assert sorted((item.path.name, item.reason) for item in left_out) == [
        ("a.jpg", again),
        ("a.jpg", again),
        ("b.jpg", "is labelled 'none'"),
        ("c.jpg", "is labelled 'uncertain'"),
        ("d.jpg", "is labelled 'no face'"),
        ("e.jpg", "has the unknown label 'x'"),
        ("extra.jpg", "has no row"),
        ("gone.jpg", "no such file"),
        ("odd.gifx", "has not the suffix of a picture that can be read"),
        ("training.csv", "row 10 has only 2 cells"),
    ]


def test_half_a_data_set_is_refused(tmp_path):
    plant(tmp_path, *manual("1/a.jpg"), "Manually_Annotated_file_lists/training.csv")
    write(tmp_path / "Manually_Annotated_file_lists/training.csv", HEADER + line("1/a.jpg", 1))
    with pytest.raises(InputError, match=r"validation\.csv is missing"):
        read_dataset(tmp_path)
    plant(tmp_path, "train_set/images/1.jpg")
    label(tmp_path, "train_set/annotations/1_exp.npy", 1)
    with pytest.raises(InputError, match="val_set is missing"):
        read_dataset(tmp_path)


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("", "no column subDirectory_filePath"),
        ("file,expression\n", "no column subDirectory_filePath"),
        ("subDirectory_filePath,valence\n", "no column 'expression'"),
    ],
)
def test_lists_with_other_columns_are_refused(tmp_path, header, told):
    lists(tmp_path, header, HEADER)
    plant(tmp_path, *manual("1/a.jpg"))
    with pytest.raises(InputError, match=told):
        read_dataset(tmp_path)
