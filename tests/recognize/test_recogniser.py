import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from ganonymization import Anonymizer
from ganonymization.cli.demo import astronaut
from ganonymization.detect.base import DetectorOptions
from ganonymization.detect.blazeface import BlazeFace
from ganonymization.errors import ModelError
from ganonymization.landmarks.facemesh import FaceMesh
from ganonymization.landmarks.search import find_landmarks
from ganonymization.recognize.recogniser import (
    ArcFaceRecogniser,
    DlibRecogniser,
    load_recogniser,
)

# Deng et al., "ArcFace", CVPR 2019: eyes, nose tip and mouth corners in a crop of 112 px.
TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655],
     [70.7299, 92.2041]]
)  # fmt: skip
PLACES = [468, 473, 1, 61, 291]
MEAN_AND_ONE = [
    helper.make_node("GlobalAveragePool", ["x"], ["pooled"]),
    helper.make_node("Flatten", ["pooled"], ["flat"]),
    helper.make_node("Concat", ["flat", "one"], ["y"], axis=1),
]
PIXELS = [helper.make_node("Flatten", ["x"], ["y"])]


@pytest.fixture
def network(tmp_path):
    """Writes a network of a few nodes and what is declared of it."""

    def write(nodes, declared=None, size=112):
        one = helper.make_tensor("one", TensorProto.FLOAT, [1, 1], [1.0])
        graph = helper.make_graph(
            nodes, "tiny",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, size, size])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, "numbers"])],
            [one],
        )  # fmt: skip
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.save(model, tmp_path / "tiny.onnx")
        if declared is not None:
            (tmp_path / "tiny.toml").write_text(declared)
        return tmp_path / "tiny.onnx"

    return write


def laid_out(scale: float = 2.0, shift: tuple[float, float] = (30.0, 20.0)) -> np.ndarray:
    """Landmarks whose five points lie in a picture just as in the template, larger."""
    points = np.zeros((478, 3))
    points[PLACES, :2] = TEMPLATE * scale + shift
    return points


def means_of(recogniser, colour) -> np.ndarray:
    """What the network saw of each channel: the constant undoes the unit length."""
    numbers = recogniser(np.full((300, 300, 3), colour, np.uint8), laid_out())
    assert np.linalg.norm(numbers) == pytest.approx(1)
    return numbers[:3] / numbers[3]


@pytest.mark.slow
def test_a_face_is_nearer_to_itself_in_other_light_than_to_another():
    """The other face is one that the generator draws."""
    recogniser, landmarker = DlibRecogniser(), FaceMesh()
    picture = astronaut()
    (face, *_) = BlazeFace(DetectorOptions())(picture)
    points = find_landmarks(picture, face, landmarker)
    darker = (picture * 0.7).astype(np.uint8)
    nobody = Anonymizer(detector="blazeface")(picture, seed=3).image
    same = recogniser(picture, points)
    assert same.shape == (128,)
    other_light = np.linalg.norm(same - recogniser(darker, points))
    assert other_light < recogniser.same_person / 3
    assert np.linalg.norm(same - recogniser(nobody, points)) > 2 * other_light


def test_without_declaration_the_usual_one_holds(network):
    recogniser = load_recogniser(network(MEAN_AND_ONE))
    expected = (np.array([200, 100, 50]) - 127.5) / 127.5
    assert means_of(recogniser, (200, 100, 50)) == pytest.approx(expected, abs=1e-4)
    assert recogniser.same_person == 1.2


def test_mean_scale_and_order_are_applied_as_declared(network):
    declared = 'mean = 10\nscale = 4.0\norder = "bgr"\nsame_person = 0.9'
    recogniser = ArcFaceRecogniser(network(MEAN_AND_ONE, declared))
    expected = (np.array([50, 100, 200]) - 10) / 4
    assert means_of(recogniser, (200, 100, 50)) == pytest.approx(expected, abs=1e-4)
    assert recogniser.same_person == 0.9


@pytest.mark.parametrize("size", [112, 56])
def test_the_five_points_come_to_lie_where_the_network_expects_them(network, size):
    recogniser = ArcFaceRecogniser(network(PIXELS, f"size = {size}\nmean = 0", size))
    points = laid_out()
    for place, wanted in zip(PLACES, TEMPLATE * size / 112, strict=True):
        picture = np.zeros((300, 300, 3), np.uint8)
        x, y = np.round(points[place, :2]).astype(int)
        picture[y - 2 : y + 3, x - 2 : x + 3] = 255
        seen = recogniser(picture, points).reshape(3, size, size)[0]
        rows, columns = np.mgrid[:size, :size]
        centre = [(columns * seen).sum() / seen.sum(), (rows * seen).sum() / seen.sum()]
        assert centre == pytest.approx(wanted, abs=0.5)


def test_a_turned_face_is_seen_as_an_upright_one(network):
    recogniser = ArcFaceRecogniser(network(PIXELS))
    picture = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    picture = picture.repeat(40, 0).repeat(40, 1)
    points = laid_out()
    turned = points.copy()
    turned[:, 0], turned[:, 1] = points[:, 1], 319 - points[:, 0]
    upright = recogniser(picture, points)
    assert upright @ recogniser(np.rot90(picture).copy(), turned) > 0.99
    assert upright @ recogniser(picture, turned) < 0.9


def test_the_name_tells_file_and_preprocessing(network):
    name = ArcFaceRecogniser(network(PIXELS, "mean = 7")).name
    other = ArcFaceRecogniser(network(PIXELS, "mean = 8")).name
    assert name.startswith("tiny.onnx")
    assert name != other


@pytest.mark.parametrize("declared", ["sise = 112", 'order = "grey"', "size = ", "size = 64"])
def test_a_declaration_that_cannot_hold_is_refused(network, declared):
    with pytest.raises(ModelError, match="tiny"):
        ArcFaceRecogniser(network(PIXELS, declared))


def test_what_is_no_network_is_refused(tmp_path):
    (tmp_path / "tiny.onnx").write_bytes(b"not a network")
    for name in ("tiny.onnx", "missing.onnx"):
        with pytest.raises(ModelError, match=name):
            ArcFaceRecogniser(tmp_path / name)


@pytest.mark.parametrize(
    "declared",
    ['size = "big"', "mean = [123, 116, 104]", 'same_person = "x"', "scale = 0", "scale = true"],
)
def test_a_declared_value_that_makes_no_sense_is_refused(network, declared):
    with pytest.raises(ModelError, match="may declare"):
        ArcFaceRecogniser(network(PIXELS, declared))


def test_a_declaration_in_another_encoding_is_refused(network):
    path = network(PIXELS)
    path.with_suffix(".toml").write_bytes(b"# caf\xe9\n")
    with pytest.raises(ModelError, match="cannot be read"):
        ArcFaceRecogniser(path)


def test_a_network_that_draws_maps_is_refused(tmp_path):
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 3, 112, 112]) for n in "xy"]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", ends[:1], ends[1:])
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), tmp_path / "m.onnx")
    with pytest.raises(ModelError, match="shape"):
        ArcFaceRecogniser(tmp_path / "m.onnx")
