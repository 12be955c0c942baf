"""Devices, with ONNX Runtime's CUDA played by fakes; what needs a GPU is marked so."""

import subprocess
import sys
import tarfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image
from typer.testing import CliRunner

from ganonymization import DetectorOptions, OptionError, cli, onnx_session, weights
from ganonymization.detect.centerface import CenterFace
from ganonymization.errors import ModelError
from ganonymization.geometry import transforms
from ganonymization.geometry.wall import GeneratorInput
from ganonymization.synthesize.load import load

from .conftest import face_landmarks

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
DEFAULT = weights.SHIPPED["plain"].path


class FakeBinding:
    """Notes what is asked of it."""

    def __init__(self, asked: list) -> None:
        self.asked, self.given = asked, {}

    def bind_cpu_input(self, name, values):
        assert values.flags.c_contiguous
        assert values.dtype == np.float32
        self.asked.append(f"input {name}")
        self.given[name] = values

    def bind_output(self, name, device):
        self.asked.append(f"output {name} on {device}")

    def synchronize_inputs(self):
        self.asked.append("wait")

    def copy_outputs_to_cpu(self):
        self.asked.append("fetch")
        return [self.picture]


class FakeCuda:
    """A session that says it runs on CUDA, and computes on the processor."""

    def __init__(self, model, settings, providers, enable_fallback=True):
        self.asked, self.providers, self.settings = [], providers, settings
        self.fallback = enable_fallback
        self.real = RealSession(model, settings, providers=[CPU])

    def run(self, *arguments):
        return self.real.run(*arguments)

    def get_providers(self):
        return [CUDA, CPU]

    def get_modelmeta(self):
        return self.real.get_modelmeta()

    def disable_fallback(self):
        self.fallback = False

    def io_binding(self):
        self.asked.append("new")
        return FakeBinding(self.asked)

    def run_with_iobinding(self, binding):
        self.asked.append("run")
        (binding.picture,) = self.real.run(["picture"], binding.given)


class FallenBack(FakeCuda):
    """What ONNX Runtime makes where CUDA's libraries are missing."""

    def get_providers(self):
        return [CPU]


class Failing(FakeCuda):
    """Where the driver is missing."""

    def __init__(self, *_, **__):
        raise RuntimeError("CUDA failure 100:\n  no CUDA-capable device is detected")


RealSession = onnxruntime.InferenceSession


@pytest.fixture
def cuda(monkeypatch):
    """Let ONNX Runtime have CUDA; sessions are of the class that is given."""

    def play(session, complaint=""):
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU])
        monkeypatch.setattr(onnxruntime, "InferenceSession", session)
        monkeypatch.setattr(
            onnxruntime, "preload_dlls", lambda: print(complaint) if complaint else None
        )

    return play


def posed(size_px: int = 256, seed: int = 3) -> GeneratorInput:
    points = transforms.apply(
        transforms.generator_crop(face_landmarks(), size_px), face_landmarks()
    )
    return GeneratorInput.portrait(size_px, points, seed=seed)


def test_the_processor_is_asked_for_alone():
    assert onnx_session.providers("cpu") == [CPU]


def test_cuda_comes_first_where_there_is_one(cuda):
    cuda(FakeCuda)
    (name, options), second = onnx_session.providers("cuda")
    assert (name, second) == (CUDA, CPU)
    assert options["cudnn_conv_algo_search"] == "HEURISTIC"
    assert options["arena_extend_strategy"] == "kSameAsRequested"


def test_words_that_are_no_device_are_refused(make_anonymizer):
    with pytest.raises(OptionError, match="'tpu' is none of cpu, cuda"):
        onnx_session.providers("tpu")
    with pytest.raises(OptionError, match="cpu, cuda"):
        make_anonymizer(device="tpu")


def test_without_cuda_the_message_has_the_commands(monkeypatch, make_anonymizer):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CPU])
    for ask in (
        lambda: load(DEFAULT, device="cuda"),
        lambda: CenterFace(DetectorOptions(device="cuda")),
        lambda: make_anonymizer(model="plain", device="cuda"),
        lambda: make_anonymizer(detector="centerface", device="cuda"),
        lambda: make_anonymizer(
            detector="centerface", detector_options=DetectorOptions(min_score=0.3), device="cuda"
        ),
    ):
        with pytest.raises(OptionError) as told:
            ask()
        message = str(told.value)
        assert "\n" not in message
        assert f"ONNX Runtime {onnxruntime.__version__} is installed without CUDA" in message
        assert "pip uninstall -y onnxruntime onnxruntime-gpu && pip install" in message


@pytest.mark.parametrize("options", [None, DetectorOptions(min_score=0.3)])
def test_the_detector_follows_the_anonymizer_to_its_device(cuda, make_anonymizer, options):
    cuda(FakeCuda)
    made = make_anonymizer(detector="centerface", detector_options=options, device="cuda")
    assert made._detector.scales.network._session.providers[0][0] == CUDA


def test_the_detectors_own_device_comes_first(cuda, make_anonymizer):
    cuda(FakeCuda)
    own = DetectorOptions(device="cpu")
    sessions = []

    def opened(*_, **options):
        sessions.append(options["providers"])
        return SimpleNamespace(run=None)

    onnxruntime.InferenceSession = opened
    make_anonymizer(detector="centerface", detector_options=own, device="cuda")
    assert sessions and all(providers == [CPU] for providers in sessions)


def test_a_silent_fallback_is_refused(cuda, capfd):
    cuda(FallenBack, "Failed to load libcudnn.so.9: no such file\nSee elsewhere.")
    with pytest.raises(OptionError, match=r"cannot use CUDA here \(Failed to load libcudnn") as e:
        load(DEFAULT, device="cuda")
    assert "\n" not in str(e.value)
    assert "nvidia-smi" in str(e.value)
    assert capfd.readouterr().out == ""  # a command's output may be JSON
    with pytest.raises(OptionError, match="cannot use CUDA here"):
        CenterFace(DetectorOptions(device="cuda"))


def test_a_driver_that_is_missing_is_told_in_one_line(cuda):
    cuda(Failing)
    with pytest.raises(OptionError, match="CUDA failure 100: no CUDA-capable device") as told:
        load(DEFAULT, device="cuda")
    assert "\n" not in str(told.value)


def test_an_onnx_runtime_that_cannot_preload_is_used_as_it_is(cuda, monkeypatch):
    cuda(FakeCuda)
    monkeypatch.delattr(onnxruntime, "preload_dlls")
    assert load(DEFAULT, device="cuda").size_px == 256


def test_a_wrong_file_is_no_fault_of_the_device(cuda, tmp_path):
    cuda(FakeCuda)
    (tmp_path / "a.onnx").write_bytes(b"nonsense")
    with pytest.raises(ModelError, match="not a readable ONNX model"):
        load(tmp_path / "a.onnx", device="cuda")


def test_a_published_checkpoint_is_to_be_exported_first(tmp_path):
    with pytest.raises(OptionError, match=r"ganonymize export .*p\.ckpt .*p\.onnx"):
        load(tmp_path / "p.ckpt", device="cuda")


def test_faces_are_drawn_through_a_binding_of_each_call(cuda):
    expected = load(DEFAULT, 1)(posed())
    cuda(FakeCuda)
    generator = load(DEFAULT, 1, "cuda")
    session = generator._session
    assert not session.fallback
    assert session.settings.get_session_config_entry("session.disable_quant_qdq") == "1"
    drawn = generator(posed())
    once = ["new", "input input", "input style", "output picture on cpu", "wait", "run", "fetch"]
    assert session.asked == once
    assert np.abs(drawn.astype(int) - expected).mean() < 3  # floating point, not integers
    generator(posed())
    assert session.asked == once * 2


def test_one_word_reaches_generator_and_detector(cuda, make_anonymizer):
    cuda(FakeCuda)
    anonymizer = make_anonymizer(model="plain", detector="centerface", device="cuda")
    sessions = anonymizer._synthesizer._session, anonymizer._detector.scales.network._session
    assert all(session.providers[0][0] == CUDA for session in sessions)
    own = make_anonymizer(
        model="plain", detector="centerface", device="cuda", detector_options=DetectorOptions()
    )
    assert isinstance(own._detector.scales.network._session, FakeCuda)


@pytest.mark.parametrize("command", ["image", "folder", "video", "dataset", "serve"])
def test_the_commands_pass_the_device_on(command, tmp_path, picture, monkeypatch):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CPU])
    (tmp_path / "in").mkdir()
    image = Image.fromarray(picture)
    image.save(tmp_path / "in" / "a.png")
    image.save(tmp_path / "a.gif")
    with tarfile.open(tmp_path / "a.tar", "w") as shard:
        shard.add(tmp_path / "in" / "a.png", "a.png")
    given = {"image": "in/a.png", "folder": "in", "video": "a.gif", "dataset": "a.tar"}
    words = [str(tmp_path / given[command]), str(tmp_path / "out.webp")] if command in given else []
    answer = CliRunner().invoke(cli.app, [command, *words, "--device", "cuda"])
    assert isinstance(answer.exception, OptionError), answer.output
    assert "without CUDA" in str(answer.exception)


@pytest.mark.slow
@pytest.mark.skipif(CUDA in onnxruntime.get_available_providers(), reason="there is CUDA")
def test_the_command_line_tells_it_in_one_line(tmp_path):
    words = ["image", "x.jpg", str(tmp_path / "out.jpg"), "--device", "cuda"]
    answer = subprocess.run(
        [sys.executable, "-m", "ganonymization", *words], capture_output=True, text=True
    )
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1
    assert answer.stderr.startswith("error: ONNX Runtime")
    assert "pip install 'onnxruntime-gpu" in answer.stderr


def in_floating_point(model: Path, out: Path) -> Path:
    """The generator without the rounding between its convolutions."""
    network = onnx.load(str(model))
    rounded = {n.output[0]: n.input[0] for n in network.graph.node if n.op_type == "QuantizeLinear"}
    source = {}
    for node in network.graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in rounded:
            source[node.output[0]] = rounded[node.input[0]]
    kept = [n for n in network.graph.node if not {*n.output} & {*rounded, *source}]
    for node in kept:
        node.input[:] = [source.get(name, name) for name in node.input]
    del network.graph.node[:]
    network.graph.node.extend(kept)
    onnx.save(network, str(out))
    return out


def difference(model: Path, device: str, seed: int) -> np.ndarray:
    """Grey levels between the device's face and the processor's."""
    here, there = load(model)(posed(seed=seed)), load(model, device=device)(posed(seed=seed))
    return np.abs(here.astype(int) - there)


@pytest.mark.gpu
@pytest.mark.parametrize("seed", [1, 2])
def test_a_gpu_draws_what_the_processor_draws(tmp_path, seed):
    model = in_floating_point(DEFAULT, tmp_path / "float.onnx")
    assert difference(model, "cuda", seed).max() <= 2
    assert difference(DEFAULT, "cuda", seed).mean() < 3  # a rounding elsewhere goes far


@pytest.mark.gpu
def test_a_gpu_finds_what_the_processor_finds():
    from ganonymization.cli.demo import astronaut

    here, there = (CenterFace(DetectorOptions(device=d))(astronaut()) for d in ("cpu", "cuda"))
    assert len(here) == len(there) == 1
    assert np.allclose(here[0].box_xyxy, there[0].box_xyxy, atol=1)


def test_work_is_given_up_before_a_network_runs_and_no_cover_is_made_of_it(make_anonymizer):
    anonymizer = make_anonymizer(landmarker="facemesh")
    picture = np.zeros((128, 128, 3), np.uint8)
    asked = []

    def refuse():
        asked.append(True)
        raise onnx_session.InterruptedWork

    with pytest.raises(onnx_session.InterruptedWork), onnx_session.interruptible(refuse):
        anonymizer(picture, seed=1)
    assert asked == [True]
    assert anonymizer(picture, seed=1).faces  # other work is not
