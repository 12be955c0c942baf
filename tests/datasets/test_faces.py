import pytest

from ganonymization.datasets import read_dataset
from ganonymization.errors import InputError

from .trees import plant, reasons


@pytest.mark.parametrize("place", ["", "bilder/"])
def test_names_tell_everything(tmp_path, place):
    names = [f"004_o_m_{letter}_a.jpg" for letter in "adfhns"]
    plant(tmp_path, *(place + name for name in names), place + "066_y_f_n_b.JPG")
    table, left_out = read_dataset(tmp_path)
    assert left_out == []
    assert table.files.tolist() == [*(place + name for name in names), place + "066_y_f_n_b.JPG"]
    assert table.person.tolist() == ["004"] * 6 + ["066"]
    expected = ["anger", "disgust", "fear", "happy", "neutral", "sad", "neutral"]
    assert table.labels["expression"].tolist() == expected
    assert table.labels["age_group"].tolist() == ["old"] * 6 + ["young"]
    assert table.labels["gender"].tolist() == ["male"] * 6 + ["female"]


def test_subjects_are_split(tmp_path):
    names = [f"{n:03}_m_f_{e}_{s}.jpg" for n in range(30) for e in "hn" for s in "ab"]
    table, left_out = read_dataset(plant(tmp_path, *names), "faces")
    assert left_out == [] and table.labels["age_group"][0] == "middle-aged"
    splits = {p: set(table.split[table.person == p].tolist()) for p in set(table.person)}
    assert all(len(found) == 1 for found in splits.values())
    counts = {s: sum(found == {s} for found in splits.values()) for s in ("train", "val", "test")}
    assert counts == {"train": 24, "val": 3, "test": 3}


def test_names_that_do_not_fit_are_reported(tmp_path):
    plant(
        tmp_path, "big/004_o_m_n_a.jpg", "small/004_o_m_n_a.jpg", "004_o_m_x_a.jpg",
        "004_z_m_n_a.jpg", "004_o_m_n_c.jpg", "004_o_m_n.jpg", "group_o_m_n_a.jpg", "Thumbs.db",
    )  # fmt: skip
    table, left_out = read_dataset(tmp_path)
    assert table.files.tolist() == ["big/004_o_m_n_a.jpg"]
    other = "its name is not like 004_o_m_n_a"
    assert reasons(tmp_path, left_out) == {
        "small/004_o_m_n_a.jpg": "is the same picture as big/004_o_m_n_a.jpg, which is used",
        "004_o_m_x_a.jpg": "its name has 'x' where one of n, h, s, f, d, a is expected",
        "004_z_m_n_a.jpg": "its name has 'z' where one of y, m, o is expected",
        "004_o_m_n_c.jpg": "its name has 'c' where one of a, b is expected",
        "004_o_m_n.jpg": other,
        "group_o_m_n_a.jpg": other,
    }


def test_other_names_are_refused(tmp_path):
    with pytest.raises(InputError, match="its name is not like"):
        read_dataset(plant(tmp_path, "portrait.jpg"), "faces")
