import numpy as np
import onnx
import pytest

from ganonymization.errors import InputError, ModelError
from ganonymization.geometry import topology, transforms
from ganonymization.geometry.wall import Wall
from ganonymization.training.prepare import prepare_folder
from ganonymization.training.segment import OnnxSegmenter, head_mask

from ..conftest import face_landmarks


def test_crops_show_heads_and_landmarks_lie_on_them(prepared):
    crops, landmarks = np.load(prepared / "crops.npy"), np.load(prepared / "landmarks.npy")
    assert crops.shape == (2, 288, 288, 5)
    assert landmarks.shape == (2, 478, 3)
    assert (prepared / "files.txt").read_text().split() == ["a.png", "sub/b.png"]
    expected = transforms.apply(transforms.generator_crop(face_landmarks(), 256), face_landmarks())
    gap = landmarks[0, :, :2] - 16 - expected[:, :2]
    assert np.linalg.norm(gap, axis=1).mean() < 8
    head = crops[0, ..., 3] > 128
    x, y = landmarks[0, 1, :2].astype(int)
    assert head[y, x]
    assert not head[:, :10].any()
    assert 0.15 < head.mean() < 0.6
    assert not list(prepared.glob("*.part"))


def test_a_mirrored_picture_has_mirrored_landmarks(prepared):
    a, b = np.load(prepared / "landmarks.npy")
    mirrored = a[topology.mirror()] * [-1, 1, 1] + [287, 0, 0]
    assert np.linalg.norm((mirrored - b)[:, :2], axis=1).mean() < 3


def test_folders_without_faces_are_refused(tmp_path):
    with pytest.raises(InputError, match="not a folder"):
        prepare_folder(tmp_path / "none", tmp_path / "out")
    with pytest.raises(InputError, match="no pictures"):
        prepare_folder(tmp_path, tmp_path / "out")


def test_a_head_mask_ends_below_the_neck_and_has_no_hole_in_the_face():
    points = transforms.apply(transforms.generator_crop(face_landmarks(), 256), face_landmarks())
    wall = Wall.around(points + np.array([16, 16, 0]))  # a prepared crop is 288
    person = np.ones((288, 288), np.float32)
    person[136:146, 136:146] = 0.1
    mask = head_mask(person, wall)
    assert (mask[134:148, 134:148] == 255).all()
    assert (mask[-2:] == 0).all()
    assert (mask[:, :2] == 0).all()


def segmenter_file(path, side=32, channels=3):
    """A network that calls every bright pixel a person."""
    node = onnx.helper.make_node("ReduceMean", ["x"], ["y"], axes=[1], keepdims=1)
    kind = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        [node], "bright",
        [onnx.helper.make_tensor_value_info("x", kind, [1, channels, side, side])],
        [onnx.helper.make_tensor_value_info("y", kind, [1, 1, side, side])],
    )  # fmt: skip
    opsets = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8), str(path))
    return path


def test_another_segmenter_can_be_plugged_in(tmp_path):
    segmenter = OnnxSegmenter(segmenter_file(tmp_path / "s.onnx"))
    crop = np.zeros((64, 64, 3), np.uint8)
    crop[:, 32:] = 255
    person = segmenter(crop)
    assert person.shape == (64, 64)
    assert person[:, :28].max() == 0
    assert person[:, 36:].min() == 1


def test_networks_that_segment_nothing_are_refused(tmp_path):
    (tmp_path / "text.onnx").write_text("hello")
    with pytest.raises(ModelError, match=r"text\.onnx"):
        OnnxSegmenter(tmp_path / "text.onnx")
    with pytest.raises(ModelError, match=r"must be \(1, 3, S, S\)"):
        OnnxSegmenter(segmenter_file(tmp_path / "four.onnx", channels=4))
