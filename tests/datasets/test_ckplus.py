import pytest

from ganonymization.datasets import read_dataset
from ganonymization.errors import InputError

from .trees import plant, reasons, write


def sequence(folder, name, frames, code=None, peak=None):
    """Frames by number and, if there is a code, the label's file of the peak."""
    subject, _, number = name.partition("/")
    stem = f"{subject}_{number}"
    plant(folder, *(f"cohn-kanade-images/{name}/{stem}_{n:08}.png" for n in frames))
    (folder / "Emotion" / name).mkdir(parents=True, exist_ok=True)
    if code is not None:
        path = folder / "Emotion" / name / f"{stem}_{peak or max(frames):08}_emotion.txt"
        write(path, f"   {code:.7e}\n")


def test_the_peak_and_the_first_frame_of_each_label_are_used(tmp_path):
    names = ["anger", "contempt", "disgust", "fear", "happy", "sad", "surprise"]
    for code, _ in enumerate(names, 1):
        sequence(tmp_path, f"S{code:03}/001", range(1, 12), code)
    table, left_out = read_dataset(tmp_path)
    assert table.files.tolist()[:2] == [
        "cohn-kanade-images/S001/001/S001_001_00000011.png",
        "cohn-kanade-images/S001/001/S001_001_00000001.png",
    ]
    assert table.labels["expression"].tolist()[::2] == names
    assert table.labels["expression"].tolist()[1::2] == ["neutral"] * 7
    assert table.person.tolist()[:4] == ["S001", "S001", "S002", "S002"]
    assert set(table.split) == {"train", "val", "test"}
    reasons_of = reasons(tmp_path / "cohn-kanade-images", left_out)
    assert reasons_of == {f"S{n:03}/001": "9 of its 11 frames have no label" for n in range(1, 8)}


def test_a_subject_with_many_sequences_is_in_one_split(tmp_path):
    for subject in range(20):
        for number in range(1, 4):
            sequence(tmp_path, f"S{subject:03}/{number:03}", [1, 2], 5)
    table, left_out = read_dataset(tmp_path, "ckplus")
    assert left_out == [] and len(table.files) == 120
    splits = {p: set(table.split[table.person == p].tolist()) for p in set(table.person)}
    assert all(len(found) == 1 for found in splits.values())
    assert sum(found == {"test"} for found in splits.values()) == 2


def test_what_does_not_fit_is_reported(tmp_path):
    sequence(tmp_path, "S001/001", [1, 2], 0)
    sequence(tmp_path, "S002/001", [1, 2, 3])  # never labelled
    sequence(tmp_path, "S003/001", [1, 2], 9)
    sequence(tmp_path, "S004/001", [2, 3], 1)  # its first frame is lost
    sequence(tmp_path, "S005/001", [1, 2], 1, peak=7)  # its peak is lost
    sequence(tmp_path, "S006/001", [1, 2], 6)
    sequence(tmp_path, "S006/001", [1, 2], 7, peak=1)
    plant(tmp_path, "cohn-kanade-images/stray.png", "cohn-kanade-images/.DS_Store")
    write(tmp_path / "Emotion/S007/001/S007_001_00000004_emotion.txt", "3")
    table, left_out = read_dataset(tmp_path)
    found = list(zip(table.person.tolist(), table.labels["expression"].tolist(), strict=True))
    assert found == [
        ("S001", "neutral"), ("S001", "neutral"), ("S004", "anger"), ("S005", "neutral"),
        ("S006", "surprise"),
    ]  # fmt: skip
    unlabelled, lost = "{} of its {} frames have no label", "no such file, but a label for it"
    no_neutral = "its frame 1, the neutral one, is missing"
    assert sorted((item.path.name, item.reason) for item in left_out if item.unreadable) == [
        ("001", no_neutral),
        ("001", no_neutral),
        ("S005_001_00000007.png", lost),
        ("S007_001_00000004.png", lost),
    ]
    assert reasons(tmp_path, [item for item in left_out if not item.unreadable]) == {
        "Emotion/S003/001/S003_001_00000002_emotion.txt": "holds the unknown label '9.0000000e+00'",
        "Emotion/S006/001/S006_001_00000002_emotion.txt": (
            "its sequence has another label; that one is used"
        ),
        "cohn-kanade-images/S002/001": unlabelled.format(3, 3),
        "cohn-kanade-images/S003/001": unlabelled.format(2, 2),
        "cohn-kanade-images/S004/001": unlabelled.format(1, 2),
        "cohn-kanade-images/S005/001": unlabelled.format(1, 2),
        "cohn-kanade-images/S006/001": unlabelled.format(1, 2),
        "cohn-kanade-images/stray.png": "is not in a folder SUBJECT/SEQUENCE",
    }


def test_a_damaged_label_is_reported(tmp_path):
    sequence(tmp_path, "S001/001", [1, 2], 1)
    sequence(tmp_path, "S002/001", [1, 2], 1)
    damaged = tmp_path / "Emotion/S002/001/S002_001_00000002_emotion.txt"
    damaged.write_bytes(b"\xff")
    table, left_out = read_dataset(tmp_path)
    assert set(table.person) == {"S001"}
    assert [item.path for item in left_out if item.unreadable] == [damaged]


def test_folders_as_the_archives_unpack_them(tmp_path):
    sequence(tmp_path, "S001/001", [1, 2], 5)
    for name, around in (("cohn-kanade-images", "extended"), ("Emotion", "Emotion_labels")):
        (tmp_path / around).mkdir()
        (tmp_path / name).rename(tmp_path / around / name)
    table, _ = read_dataset(tmp_path)
    assert table.labels["expression"].tolist() == ["happy", "neutral"]
    assert (tmp_path / table.files[0]).is_file()


def test_frames_without_labels_are_refused(tmp_path):
    plant(tmp_path, "cohn-kanade-images/S001/001/S001_001_00000001.png")
    with pytest.raises(InputError, match="Emotion is missing"):
        read_dataset(tmp_path)
