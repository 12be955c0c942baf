from dataclasses import replace

import cv2
import numpy as np
import pytest

from ganonymization.errors import InputError
from ganonymization.evaluation import coverage, marked
from ganonymization.evaluation.boxes import MarkedPicture
from ganonymization.evaluation.marked import compare, covers_elsewhere, size_names
from ganonymization.evaluation.pairing import Pair
from ganonymization.io import images
from ganonymization.io.images import Picture

from .made_pairs import made_pairs

NOISE = np.random.default_rng(0).integers(60, 190, (240, 320, 3), dtype=np.uint8)
FACES = ((20, 20, 60, 60), (100, 20, 120, 40), (200, 100, 300, 200))


def marks_of(*boxes, ignored=None, size_wh=None):
    crowd = np.zeros(len(boxes), bool) if ignored is None else np.array(ignored)
    return MarkedPicture(np.array(boxes, float).reshape(-1, 4), crowd, size_wh)


def covered(*boxes, grown=0):
    """The picture with boxes painted over."""
    pixels = NOISE.copy()
    for left, top, right, bottom in boxes:
        pixels[max(top - grown, 0) : bottom + grown, max(left - grown, 0) : right + grown] = 0
    return pixels


@pytest.fixture
def held(tmp_path):
    """Compare outputs, by name, with the picture's marks."""

    def run(outputs, marks, suffix=".png"):
        pairs = []
        for name, pixels in outputs.items():
            original, output = tmp_path / f"{name}.png", tmp_path / "out" / f"{name}{suffix}"
            images.write(original, Picture(NOISE))
            if pixels is not None:
                images.write(output, Picture(pixels))
            pairs.append(Pair(name, original, () if pixels is None else (output,)))
        steps = []
        compared = compare(pairs, marks, lambda: steps.append(1))
        assert len(steps) == len(marks)
        return compared

    return run


def values(compared):
    return {(f.title, f.group): (f.value, f.count) for f in compared.figures()}


def test_recall_is_told_by_the_size_of_faces(held):
    outputs = {"a": covered(FACES[0], FACES[2]), "b": covered(*FACES)}
    compared = held(outputs, {"a": marks_of(*FACES), "b": marks_of(*FACES)})
    told = values(compared)
    assert told["marked faces covered", "all"] == (pytest.approx(5 / 6), 6)
    assert told["marked faces covered", "face size: 16 to 24 px"] == (0.5, 2)
    assert told["marked faces covered", "face size: 32 to 48 px"] == (1, 2)
    assert told["marked faces covered", "face size: 96 to 192 px"] == (1, 2)
    assert told["false covers a picture", "all"] == (0, 2)
    assert compared.rows() == [
        {"file": "a", "what": "face left", "size in px": 20.0, "left": 100, "top": 20,
         "right": 120, "bottom": 40},
    ]  # fmt: skip


def test_covers_where_no_face_is_are_told_by_their_size(held):
    outputs = {"a": covered(*FACES, (10, 150, 40, 180)), "b": covered(*FACES)}
    compared = held(outputs, {"a": marks_of(*FACES), "b": marks_of(*FACES[:2])})
    told = values(compared)
    assert told["false covers a picture", "all"] == (1, 2)
    assert told["false covers a picture", "cover size: 24 to 32 px"] == (0.5, 2)
    assert told["false covers a picture", "cover size: 96 to 192 px"] == (0.5, 2)
    wrong = [(row["file"], row["what"], row["size in px"]) for row in compared.rows()]
    assert wrong == [("a", "false cover", 30.0), ("b", "false cover", 100.0)]


def test_covers_may_be_larger_than_faces(held):
    compared = held({"a": covered(*FACES, grown=15)}, {"a": marks_of(*FACES)})
    assert len(compared.cover_of) == 0


def test_crowds_need_not_be_covered_and_may_be(held):
    marks = marks_of(*FACES, ignored=[False, True, True])
    compared = held({"a": covered(*FACES[:2])}, {"a": marks})
    assert values(compared)["marked faces covered", "all"] == (1, 1)
    assert len(compared.cover_of) == 0


def test_a_picture_that_shows_nobody_may_not_be_covered(held):
    compared = held({"a": covered(FACES[0]), "b": NOISE}, {"a": marks_of(), "b": marks_of()})
    assert values(compared)["false covers a picture", "all"] == (0.5, 2)
    verdicts, findings, missing = compared.judged()
    assert verdicts == ["warn"]
    assert findings[1] == "1 covers lie where no face is marked, in 1 of 2 pictures."
    assert missing == ()


def test_writing_a_jpeg_anew_covers_nothing():
    smooth = cv2.GaussianBlur(NOISE, (0, 0), 2)
    cv2.putText(smooth, "exit", (20, 220), cv2.FONT_HERSHEY_SIMPLEX, 1, (255, 255, 255), 2)
    _, packed = cv2.imencode(".jpg", smooth, [cv2.IMWRITE_JPEG_QUALITY, 75])
    again = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    assert covers_elsewhere(marked.change_between(smooth, again), np.zeros((0, 4))) == []


def test_pictures_that_are_not_marked_do_not_count(held):
    compared = held({"a": covered(*FACES), "b": NOISE}, {"a": marks_of(*FACES)})
    assert compared.pictures.tolist() == ["a"]
    assert compared.judged()[0] == []


@pytest.mark.parametrize("output", [None, NOISE[:100, :100]])
def test_outputs_that_cannot_be_compared_are_missing(held, output):
    compared = held({"a": covered(*FACES), "b": output}, {n: marks_of(*FACES) for n in "ab"})
    assert compared.pictures.tolist() == ["a"]
    _, _, (missing,) = compared.judged()
    assert missing.what == "1 marked pictures have no output of their size"
    assert "--mode scene" in missing.remedy


def test_boxes_of_a_picture_of_another_size_are_refused(held):
    with pytest.raises(InputError, match="320x240 pixels, in the table of boxes"):
        held({"a": NOISE}, {"a": marks_of(*FACES, size_wh=(240, 320))})


def test_sizes_have_names():
    boxes = np.array([[0, 0, side, side] for side in (15, 16, 23.9, 24, 191, 192, 900)])
    assert size_names(boxes).tolist() == [
        "0 to 16 px", "16 to 24 px", "16 to 24 px", "24 to 32 px", "96 to 192 px", "192 px up",
        "192 px up",
    ]  # fmt: skip
    assert size_names(np.zeros((0, 4))).tolist() == []


def test_a_marked_face_that_is_left_fails_coverage(held):
    pairs = made_pairs()
    left = held({"a": covered(*FACES[1:])}, {"a": marks_of(*FACES)})
    family = coverage.measure(pairs, left)
    assert family.verdict == "fail"
    assert family.findings[0] == "1 of 3 marked faces are left as they were."
    assert family.tables["boxes"] == left.rows()
    whole = held({"a": covered(*FACES)}, {"a": marks_of(*FACES)})
    family = coverage.measure(pairs, whole)
    assert family.verdict == "pass"
    assert family.findings[0] == "All 3 marked faces are covered."
    assert family.tables == {}
    assert coverage.measure(pairs, replace(whole, uncompared=1)).verdict == "inconclusive"
