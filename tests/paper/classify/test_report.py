"""Which way round the matrix is, what is left out, and what is in the files."""

import csv
import json

import numpy as np
import pytest

from ganonymization.datasets.table import Table
from ganonymization.errors import InputError
from ganonymization.io import images
from ganonymization.io.images import Picture
from ganonymization.paper.classify.network import Labels
from ganonymization.paper.classify.report import (
    Predictions,
    confusion,
    predict,
    report_of,
    write_report,
)

NAN = float("nan")
CLASSES = Labels(("happy", "sad"), False, "expression")
COLUMNS = Labels(("Male", "Young"), True, "")


def predictions(labels, shares, wanted):
    files = np.array([f"{i}.png" for i in range(len(shares))])
    return Predictions(labels, files, np.array(shares, float), np.array(wanted, float))


def read_rows(path):
    return list(csv.reader(path.read_text().splitlines()))


@pytest.fixture
def one_of():
    """Three are happy, of which one is told sad; one is sad; of one nothing is known."""
    return predictions(
        CLASSES,
        [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.1, 0.9], [0.7, 0.3]],
        [[1, 0], [1, 0], [1, 0], [0, 1], [NAN, NAN]],
    )


@pytest.fixture
def several():
    """Male: TN 1, FP 2, FN 0, TP 1. Young: TN 0, FP 0, FN 2, TP 1, one not known."""
    return predictions(
        COLUMNS,
        [[0.1, 0.2], [0.8, 0.3], [0.7, 0.9], [0.9, 0.9]],
        [[0, 1], [0, 1], [0, 1], [1, NAN]],
    )


def test_rows_are_true_and_columns_told(one_of):
    np.testing.assert_array_equal(confusion(one_of), [[2, 1], [0, 1]])


def test_absent_comes_first_of_several(several):
    np.testing.assert_array_equal(confusion(several), [[[1, 2], [0, 1]], [[0, 0], [2, 1]]])


def test_precision_and_recall_are_not_swapped(one_of):
    report = report_of(one_of, as_dict=True)
    assert report["happy"]["recall"] == pytest.approx(2 / 3)
    assert report["happy"]["precision"] == 1
    assert report["accuracy"] == pytest.approx(3 / 4)


def test_what_is_not_known_counts_nowhere(several):
    """The last picture's youth is told but not known."""
    report = report_of(several, as_dict=True)
    assert report["Male"] == {
        "precision": pytest.approx(1 / 3), "recall": 1, "f1-score": 0.5, "support": 1,
    }  # fmt: skip
    assert report["Young"]["precision"] == 1
    assert report["Young"]["recall"] == pytest.approx(1 / 3)
    assert report["Young"]["support"] == 3


def test_files_of_one_column(one_of, tmp_path):
    text = write_report(tmp_path / "new", one_of, "faces_")
    assert {p.name for p in (tmp_path / "new").iterdir()} == {
        "result_pred_label.npz", "predictions.csv", "faces_classification_report.txt",
        "faces_classification_report.json", "faces_confusion_matrix.csv",
        "faces_confusion_matrix.json",
    }  # fmt: skip
    with np.load(tmp_path / "new" / "result_pred_label.npz", allow_pickle=False) as kept:
        np.testing.assert_array_equal(kept["pred"], one_of.shares)
        np.testing.assert_array_equal(kept["label"], one_of.wanted)
        assert kept["files"].tolist() == one_of.files.tolist()
        assert kept["classes"].tolist() == ["happy", "sad"]
    told = (tmp_path / "new" / "faces_classification_report.txt").read_text()
    assert told == text
    assert "macro avg" in text
    matrix = (tmp_path / "new" / "faces_confusion_matrix.csv").read_text().splitlines()
    assert matrix == ["true \\ predicted,happy,sad", "happy,2,1", "sad,0,1"]
    both = json.loads((tmp_path / "new" / "faces_confusion_matrix.json").read_text())
    assert both["shares_of_true"] == [[0.666667, 0.333333], [0.0, 1.0]]
    rows = read_rows(tmp_path / "new" / "predictions.csv")
    assert rows[0] == ["file", "true", "predicted", "happy", "sad"]
    assert rows[3] == ["2.png", "happy", "sad", "0.200000", "0.800000"]
    assert rows[5][:3] == ["4.png", "", "happy"]


def test_files_of_several_columns(several, tmp_path):
    write_report(tmp_path, several)
    matrix = (tmp_path / "confusion_matrix.csv").read_text().splitlines()
    assert matrix == ["class,TN,FP,FN,TP", "Male,1,2,0,1", "Young,0,0,2,1"]
    rows = read_rows(tmp_path / "predictions.csv")
    assert rows[3][:3] == ["2.png", "Young", "Male|Young"]


def test_without_labels_there_is_no_report(tmp_path):
    blind = predictions(CLASSES, [[0.9, 0.1]], [[NAN, NAN]])
    assert write_report(tmp_path, blind) == ""
    assert {p.name for p in tmp_path.iterdir()} == {"result_pred_label.npz", "predictions.csv"}
    assert not confusion(blind).any()
    with pytest.raises(InputError, match="known label"):
        report_of(blind)


class Bright:
    """Happy by as much as a picture is bright."""

    labels = CLASSES

    def __call__(self, pictures):
        share = np.array([p.mean() / 255 for p in pictures])
        return np.stack([share, 1 - share], 1) if len(share) else np.zeros((0, 2))


def test_pictures_that_cannot_be_read_are_left_out(tmp_path):
    for number in range(40):
        images.write(tmp_path / f"{number}.png", Picture(np.full((4, 4, 3), 6 * number, np.uint8)))
    (tmp_path / "35.png").write_bytes(b"x")
    blank = np.array([""] * 40)
    names = np.array([f"{i}.png" for i in range(40)])
    faces = Table(tmp_path, names, blank, blank, {"expression": np.array(["happy", "sad"] * 20)})
    found, left_out = predict(Bright(), faces)
    assert [picture.path.name for picture in left_out] == ["35.png"]
    assert len(found.files) == 39
    np.testing.assert_allclose(found.shares[-1], [6 * 39 / 255, 1 - 6 * 39 / 255])
    np.testing.assert_array_equal(found.wanted[-2:], [[1, 0], [0, 1]])
    with pytest.raises(InputError, match="none of 1 pictures can be read"):
        predict(Bright(), faces.of(names == "35.png"))
