import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganonymization.errors import InputError, OutputError, UnreadableError
from ganonymization.types import Detection
from ganonymization.video.detections_json import read_boxes, write_boxes

HUNDREDTHS = st.integers(-(10**6), 10**6)
FEW = settings(max_examples=40, deadline=None)  # each writes a file
FACES = st.builds(
    lambda x, y, w, h, score: Detection(
        (x / 100, y / 100, (x + w) / 100, (y + h) / 100), score / 10**4
    ),
    HUNDREDTHS, HUNDREDTHS, st.integers(1, 10**6), st.integers(1, 10**6), st.integers(0, 10**4),
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("boxes")


@FEW
@given(st.lists(st.lists(st.tuples(st.integers(0, 99), FACES), max_size=4), max_size=6))
def test_what_is_written_is_read(folder, frames):
    write_boxes(folder / "a.json", frames)
    assert read_boxes(folder / "a.json") == [[face for _, face in faces] for faces in frames]


@FEW
@given(st.floats(-1e4, 1e4), st.floats(1, 1e4), st.floats(0, 1))
def test_boxes_are_written_to_a_hundredth_of_a_pixel(folder, start, length, score):
    face = Detection((start, start, start + length, start + length), score)
    write_boxes(folder / "b.json", [[(0, face)]])
    ((read,),) = read_boxes(folder / "b.json")
    assert read.box_xyxy == pytest.approx(face.box_xyxy, abs=0.00501)
    assert read.score == pytest.approx(score, abs=0.0000501)


def test_the_file_has_the_form_that_is_told(tmp_path):
    faces = [(0, Detection((1, 2.344, 30, 40), 0.91237)), (7, Detection((5, 6, 7, 8), 1.0))]
    write_boxes(tmp_path / "new" / "a.json", [faces, []])
    assert json.loads((tmp_path / "new" / "a.json").read_text()) == {
        "frames": [
            [{"box_xyxy": [1, 2.34, 30, 40], "score": 0.9124, "track": 0},
             {"box_xyxy": [5, 6, 7, 8], "score": 1.0, "track": 7}],
            [],
        ]
    }  # fmt: skip


def test_what_a_detector_knows_more_is_left_out(tmp_path):
    """Eyes and merged boxes are not handed on."""
    face = Detection((1, 2, 30, 40), 0.5, ((5, 6), (9, 6)), ((0, 0, 9, 9),))
    write_boxes(tmp_path / "a.json", [[(0, face)]])
    assert read_boxes(tmp_path / "a.json") == [[Detection((1, 2, 30, 40), 0.5)]]


def test_a_folder_cannot_be_written_over(tmp_path):
    (tmp_path / "a.json").mkdir()
    with pytest.raises(OutputError, match=r"a\.json"):
        write_boxes(tmp_path / "a.json", [])
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def read(tmp_path, content):
    """What a file is read as that holds this text, or this as JSON."""
    text = content if isinstance(content, str) else json.dumps(content)
    (tmp_path / "in.json").write_text(text)
    return read_boxes(tmp_path / "in.json")


def test_score_and_track_may_be_missing(tmp_path):
    face = {"box_xyxy": [1, 2, 3, 4]}
    assert read(tmp_path, {"frames": [[face], []]}) == [[Detection((1, 2, 3, 4), 1.0)], []]
    (found,) = read(tmp_path, {"frames": [[face | {"score": 0}]]})
    assert found[0].score == 0


def test_what_else_is_told_is_passed_by(tmp_path):
    face = {"box_xyxy": [1, 2, 3, 4], "track": "who", "name": None}
    assert len(read(tmp_path, {"frames": [[face]], "by": "my tool"})[0]) == 1


def test_whole_numbers_become_fractions(tmp_path):
    (face,) = read(tmp_path, {"frames": [[{"box_xyxy": [1, 2, 3, 4], "score": 1}]]})[0]
    assert {type(value) for value in (*face.box_xyxy, face.score)} == {float}


def test_no_frames_are_none(tmp_path):
    assert read(tmp_path, {"frames": []}) == []


@pytest.mark.parametrize("text", ["", "{", "hello", '{"frames": [}', "\0" * 99, "[1, 2]]"])
def test_what_is_not_json_is_told(tmp_path, text):
    with pytest.raises(InputError, match=r"in\.json: not JSON") as told:
        read(tmp_path, text)
    assert not isinstance(told.value, UnreadableError)


def test_what_is_not_text_is_told(tmp_path):
    (tmp_path / "in.json").write_bytes(b'{"frames": "\xff\xfe"}')
    with pytest.raises(InputError, match=r"in\.json: not JSON"):
        read_boxes(tmp_path / "in.json")


@pytest.mark.parametrize("name", ["none.json", "folder", "file/a.json"])
def test_what_cannot_be_read_is_told(tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(UnreadableError, match=rf"{Path(name).name}: cannot be read \(\w"):
        read_boxes(tmp_path / name)


@pytest.mark.parametrize(
    "content", [[], 3, None, True, {}, {"boxes": []}, {"frames": {}}, {"frames": None}, "frames"]
)
def test_a_file_of_another_form_is_told(tmp_path, content):
    with pytest.raises(InputError, match=r'in\.json: has no list "frames"'):
        read(tmp_path, json.dumps(content))


@pytest.mark.parametrize("faces", [None, 3, {}, "faces", {"box_xyxy": [1, 2, 3, 4]}])
def test_a_frame_of_another_form_is_told_by_its_number(tmp_path, faces):
    with pytest.raises(InputError, match=r"in\.json: frame 2: not a list of faces"):
        read(tmp_path, {"frames": [[], [], faces, []]})


GOOD = {"box_xyxy": [1, 2, 3, 4], "score": 0.5}
BAD = [
    *(None, 3, "face", [], [1, 2, 3, 4], {}, {"box": [1, 2, 3, 4]}),
    *({"box_xyxy": box} for box in (
        None, {}, 4, "1234", [], [1, 2, 3], [1, 2, 3, 4, 5], [1, 2, 3, "4"], [1, 2, 3, None],
        [1, 2, 3, True], [False, 2, 3, 4], [1, 2, 3, [4]], [1, 2, 3, float("nan")],
        [float("-inf"), 2, 3, 4], [1, 2, 3, float("inf")],
    )),
    *({"box_xyxy": [1, 2, 3, 4], "score": score} for score in (
        None, "0.9", True, [], {}, float("nan"), float("inf"),
    )),
]  # fmt: skip


@pytest.mark.parametrize("face", BAD, ids=map(str, BAD))
def test_a_face_of_another_form_is_told_by_its_frame(tmp_path, face):
    with pytest.raises(InputError, match=r'in\.json: frame 1: a face needs "box_xyxy"'):
        read(tmp_path, {"frames": [[GOOD], [GOOD, face], [GOOD]]})


@pytest.mark.parametrize("box", [[3, 2, 3, 4], [4, 2, 3, 4], [1, 4, 3, 4], [1, 5, 3, 4]])
def test_a_box_that_runs_backwards_is_told_by_its_frame(tmp_path, box):
    with pytest.raises(InputError, match=r"in\.json: frame 3: a box needs x1 < x2 and y1 < y2"):
        read(tmp_path, {"frames": [[], [GOOD], [], [{"box_xyxy": box}]]})


def test_a_number_too_large_for_a_fraction_is_told(tmp_path):
    with pytest.raises(InputError, match=r"in\.json: frame 0"):
        read(tmp_path, {"frames": [[{"box_xyxy": [1, 2, 3, 10**400]}]]})


def test_what_is_nested_without_end_is_told(tmp_path):
    with pytest.raises(InputError, match=r"in\.json: not JSON"):
        read(tmp_path, "[" * 100_000)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers(-(10**9), 10**9) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.sampled_from(["frames", "box_xyxy", "score", "x"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@FEW
@given(JSON)
def test_whatever_json_there_is_gives_boxes_or_an_error_with_the_files_name(folder, content):
    for whole in (content, {"frames": content}, {"frames": [[{"box_xyxy": content}]]}):
        try:
            frames = read(folder, json.dumps(whole))
        except InputError as error:
            assert "in.json: " in str(error)
        else:
            assert all(isinstance(face, Detection) for faces in frames for face in faces)
