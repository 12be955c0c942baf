import numpy as np
import pytest

from ganonymization.cli.demo import astronaut
from ganonymization.errors import InputError, OptionError
from ganonymization.io import images
from ganonymization.io.images import Picture
from ganonymization.paper.preprocess import preprocess


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """Eight pictures with a face, one without, one broken."""
    folder = tmp_path_factory.mktemp("faces")
    for number in range(8):
        pixels = np.roll(astronaut(), 3 * number, axis=1)
        images.write(folder / "sub" / f"{number}.png", Picture(pixels))
    images.write(folder / "wall.png", Picture(np.full((64, 64, 3), 90, np.uint8)))
    (folder / "broken.jpg").write_bytes(b"x")
    return folder


@pytest.fixture(scope="module")
def done(faces, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    return out, preprocess(faces, out, size_px=256, test_size=0.2, workers=2)


@pytest.mark.slow
def test_every_picture_is_in_one_split_or_listed(faces, done):
    out, report = done
    found = {
        split: sorted(p.stem for p in (out / "FacialLandmarks478" / split).rglob("*.png"))
        for split in ("train", "val", "test")
    }
    assert {split: len(names) for split, names in found.items()} == report.faces
    assert sorted(name for names in found.values() for name in names) == [str(i) for i in range(8)]
    assert len(list((out / "original").rglob("*.*"))) == 9  # all that can be read
    assert {path.name for path, *_ in report.skipped} == {"wall.png", "broken.jpg"}
    listed = (out / "left_out.txt").read_text()
    assert "no face found" in listed
    assert "broken.jpg" in listed
    assert len(list(faces.rglob("*.png"))) == 9  # the input stays


@pytest.mark.slow
def test_pictures_and_landmark_maps_stand_side_by_side(done):
    out, _ = done
    (path, *_) = (out / "FacialLandmarks478").rglob("*.png")
    pair = images.read(path).pixels
    assert pair.shape == (256, 512, 3)
    name = path.relative_to(out / "FacialLandmarks478")
    crop = images.read(out / "FaceCrop" / name).pixels
    head = images.read(out / "FaceSegmentation" / name).pixels
    assert np.array_equal(pair[:, :256], head)
    assert set(np.unique(pair[:, 256:])) == {0, 224}
    assert (pair[96:160, 352:416] > 0).any()
    assert np.array_equal(head[100:156, 100:156], crop[100:156, 100:156])
    assert (head == 0).all(2).mean() > (crop == 0).all(2).mean() + 0.03


@pytest.mark.slow
def test_splits_that_are_there_are_kept_and_not_mixed_by_a_second_call(tmp_path):
    source = tmp_path / "in"
    for split in ("train", "test"):
        images.write(source / split / "sub" / f"{split}.png", Picture(astronaut()))
    report = preprocess(source, source, size_px=64, align_faces=False, workers=1)
    assert report.faces == {"train": 1, "val": 0, "test": 1}
    assert (source / "FaceCrop" / "train" / "sub" / "train.png").exists()
    with pytest.raises(InputError, match="not empty"):
        preprocess(source, source, size_px=64, workers=1)


@pytest.mark.slow
def test_pictures_of_one_stem_do_not_overwrite_one_another(tmp_path):
    two = np.hstack([astronaut(), astronaut()])
    for name in ("a.png", "a.jpg", "b.png", "b_1.png"):
        pixels = two if name == "b.png" else astronaut()
        images.write(tmp_path / "in" / name, Picture(pixels))
    report = preprocess(tmp_path / "in", tmp_path / "out", size_px=64, test_size=0, workers=2)
    made = sorted(p.name for p in (tmp_path / "out" / "FaceCrop" / "train").iterdir())
    assert made == ["a.jpg.png", "a.png.png", "b.png", "b.png_1.png", "b_1.png"]
    assert report.faces["train"] == 5
    assert not report.skipped


def test_settings_and_folders_that_make_no_sense_are_refused(faces, tmp_path):
    with pytest.raises(OptionError, match="test_size"):
        preprocess(faces, tmp_path, test_size=0.7)
    with pytest.raises(OptionError, match="img_size"):
        preprocess(faces, tmp_path, size_px=3)
    with pytest.raises(InputError, match="not a folder"):
        preprocess(tmp_path / "none", tmp_path)
    with pytest.raises(InputError, match="no pictures"):
        preprocess(tmp_path, tmp_path)


@pytest.mark.slow
def test_a_folder_without_faces_is_refused_and_listed(tmp_path):
    images.write(tmp_path / "in" / "wall.png", Picture(np.full((64, 64, 3), 90, np.uint8)))
    with pytest.raises(InputError, match="no face was found in 1 pictures"):
        preprocess(tmp_path / "in", tmp_path / "out")
    assert "wall.png" in (tmp_path / "out" / "left_out.txt").read_text()
