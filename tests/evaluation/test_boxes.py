import json

import numpy as np
import pytest

from ganonymization.errors import InputError, UnreadableError
from ganonymization.evaluation.boxes import read_marks
from ganonymization.types import Detection
from ganonymization.video.detections_json import write_boxes

COCO = {
    "images": [
        {"id": 1, "file_name": "a.png", "width": 64, "height": 48},
        {"id": 2, "file_name": "sub/b.png"},
        {"id": 3, "file_name": "gone.png"},
    ],
    "annotations": [
        {"image_id": 1, "category_id": 7, "bbox": [2, 3, 10, 20]},
        {"image_id": 1, "category_id": 7, "bbox": [30, 3, 10, 20], "iscrowd": 1},
        {"image_id": 1, "category_id": 1, "bbox": [0, 0, 60, 40]},
        {"image_id": 3, "category_id": 7, "bbox": [1, 1, 5, 5]},
    ],
    "categories": [{"id": 1, "name": "person"}, {"id": 7, "name": "face"}],
}
FILES = ["a.png", "sub/b.png", "c.png"]


def read(tmp_path, content, files=FILES):
    path = tmp_path / "boxes.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_marks(path, files)


def test_faces_of_a_coco_table_are_read_by_file_name(tmp_path):
    marks, strays = read(tmp_path, COCO)
    assert set(marks) == {"a.png", "sub/b.png"}  # c.png was not marked: nothing is known of it
    np.testing.assert_array_equal(marks["a.png"].boxes_xyxy, [[2, 3, 12, 23], [30, 3, 40, 23]])
    np.testing.assert_array_equal(marks["a.png"].ignored, [False, True])
    assert marks["a.png"].size_wh == (64, 48)
    assert marks["sub/b.png"].boxes_xyxy.shape == (0, 4)
    assert marks["sub/b.png"].size_wh is None
    assert [(stray.path.name, stray.unreadable) for stray in strays] == [("gone.png", False)]


def test_of_a_single_category_any_name_will_do(tmp_path):
    rows = [row for row in COCO["annotations"] if row["category_id"] == 1]
    marks, _ = read(tmp_path, COCO | {"annotations": rows})
    np.testing.assert_array_equal(marks["a.png"].boxes_xyxy, [[0, 0, 60, 40]])


def test_exported_boxes_are_those_of_the_pictures_in_the_order_of_their_names(tmp_path):
    path = tmp_path / "boxes.json"
    write_boxes(path, [[(0, Detection((1, 2, 3, 4), 0.9))], [], [(0, Detection((5, 6, 7, 8), 1))]])
    marks, strays = read_marks(path, ["c.png", "a.png", "b.png"])
    assert {name: picture.boxes_xyxy.tolist() for name, picture in marks.items()} == {
        "a.png": [[1, 2, 3, 4]], "b.png": [], "c.png": [[5, 6, 7, 8]],
    }  # fmt: skip
    assert strays == []


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("{", "not JSON"),
        ([], 'no list "frames"'),
        ({"frames": [[]]}, "1 frames for 3 pictures"),
        (COCO | {"images": []}, "not listed"),
        (COCO | {"images": COCO["images"][2:], "annotations": []}, "name of an original"),
        (COCO | {"annotations": [{"image_id": 1, "category_id": 7, "bbox": [1, 2, 0, 4]}]}, "bbox"),
        (COCO | {"annotations": [{"image_id": 1, "category_id": 7}]}, "bbox"),
        (COCO | {"categories": []}, "several categories"),
        (COCO | {"annotations": 3}, "not COCO"),
    ],
)
def test_what_is_no_such_table_is_refused_and_told_why(tmp_path, content, match):
    with pytest.raises(InputError, match=match) as refused:
        read(tmp_path, content)
    assert "boxes.json" in str(refused.value)


def test_a_table_that_is_not_there_is_told(tmp_path):
    with pytest.raises(UnreadableError, match=r"nowhere\.json"):
        read_marks(tmp_path / "nowhere.json", FILES)
