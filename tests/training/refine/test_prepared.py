"""What is held out of training."""

import numpy as np

from ganonymization.training.refine import prepared
from ganonymization.training.refine.prepared import add_readings

from ...conftest import face_landmarks

COUNT = 60


def folder_of(path, monkeypatch):
    """A prepared folder of COUNT grey faces whose expression nobody needs to read."""
    monkeypatch.setattr(prepared, "ExpressionReader", lambda: lambda *_: np.eye(7, dtype="f")[0])
    np.save(path / "crops.npy", np.full((COUNT, 64, 64, 4), 128, np.uint8))
    np.save(path / "landmarks.npy", np.stack([face_landmarks((32, 32), 20)] * COUNT))
    (path / "files.txt").write_text("\n".join(f"{i}.webp" for i in range(COUNT)))
    return path


def table(path, header, rows):
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_a_fifth_of_the_vivid_ones_is_held_out_and_always_the_same(tmp_path, monkeypatch):
    folder = folder_of(tmp_path, monkeypatch)
    rows = [f"{i}.webp,{'angry' if i < 50 else 'neutral'},31" for i in range(COUNT)]
    index = table(tmp_path / "index.csv", "file,label,age_estimate", rows)
    add_readings(folder, index)
    first = np.load(folder / "held_out.npy")
    assert 4 <= first[:50].sum() <= 18 and not first[50:].any()
    assert (np.load(folder / "age.npy") == 31).all()
    add_readings(folder, index)
    assert np.array_equal(np.load(folder / "held_out.npy"), first)


def test_a_persons_vivid_pictures_are_held_out_all_or_none(tmp_path, monkeypatch):
    folder = folder_of(tmp_path, monkeypatch)
    rows = [f"{i}.webp,{'happy' if i % 6 == 0 else 'angry'}" for i in range(COUNT)]
    index = table(tmp_path / "index.csv", "file,label", rows)
    persons = [f"{i}.webp,{i // 6}" for i in range(COUNT)]
    people = table(tmp_path / "people.csv", "file,person", persons)
    add_readings(folder, index, people)
    held = np.load(folder / "held_out.npy").reshape(-1, 6)
    assert not held[:, 0].any()  # plain pictures are learned from
    assert (held[:, 1:].all(1) == held[:, 1:].any(1)).all()
    assert 1 <= held[:, 1].sum() <= 6
