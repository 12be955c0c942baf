import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from ganonymization import seeds
from ganonymization.errors import ModelError, OptionError
from ganonymization.geometry import conditioning, transforms
from ganonymization.geometry.wall import GeneratorInput
from ganonymization.synthesize.load import load
from ganonymization.training import layout
from ganonymization.training.export import export, open_checkpoint

from ..conftest import face_landmarks
from ..synthesize.test_pix2pix import published  # noqa: F401


def crossing(seed: int = 3, size: int = 64) -> GeneratorInput:
    points = transforms.apply(transforms.generator_crop(face_landmarks(), size), face_landmarks())
    return GeneratorInput.portrait(size, points, seed=seed)


@pytest.mark.parametrize(("precision", "decibels"), [("fp32", 90), ("fp16", 50)])
def test_an_export_draws_what_torch_draws(checkpoint, tmp_path, precision, decibels):
    report = export(checkpoint, tmp_path / "new" / "g.onnx", precision, size_px=64)
    assert [p.name for p in report.path.parent.iterdir()] == ["g.onnx"]
    assert report.psnr_db > decibels
    assert report.milliseconds > 0
    generator = load(report.path)
    assert generator.size_px == 64
    here = crossing()
    mesh = torch.from_numpy(
        conditioning.mesh(here.surrogate_px, 64).transpose(2, 0, 1).copy()
    ).float()
    x = torch.cat([mesh / 127.5 - 1, torch.zeros(3, 64, 64), torch.ones(1, 64, 64)])[None]
    with torch.no_grad():
        network = open_checkpoint(checkpoint, 64).network
        expected = network(x, torch.from_numpy(seeds.style(3, 16))[None])
    expected = ((expected[0].permute(1, 2, 0).numpy() + 1) * 127.5).round()
    drawn = generator(here)
    assert np.abs(drawn - expected).max() <= 2
    assert np.array_equal(drawn, generator(crossing()))
    feed = {"input": x.numpy()}
    session = onnxruntime.InferenceSession(str(report.path))
    first, other = (
        session.run(None, feed | {"style": seeds.style(seed, 16)[None]})[0] for seed in (3, 4)
    )
    assert not np.array_equal(first, other)  # a young network: less than a grey level apart


def test_half_and_integer_files_are_smaller_and_draw_nearly_the_same(
    checkpoint, prepared, tmp_path
):
    reports = {
        precision: export(checkpoint, tmp_path / f"{precision}.onnx", precision, 64, prepared)
        for precision in ("fp32", "fp16", "int8")
    }
    sizes = {name: report.path.stat().st_size for name, report in reports.items()}
    assert sizes["fp16"] < 0.55 * sizes["fp32"]
    assert sizes["int8"] < 0.6 * sizes["fp16"]
    assert sizes["fp16"] < 16_000_000
    assert 25 < reports["int8"].psnr_db < reports["fp16"].psnr_db
    assert not list(tmp_path.glob("*.part"))
    assert load(tmp_path / "int8.onnx")(crossing()).shape == (64, 64, 3)


def test_a_prepared_folder_is_opened_once(checkpoint, prepared, tmp_path, monkeypatch):
    opened = []
    load_array = layout.load
    monkeypatch.setattr(layout, "load", lambda *a: (opened.append(a[1]), load_array(*a))[1])
    export(checkpoint, tmp_path / "g.onnx", "fp32", 64, prepared)
    assert sorted(opened) == ["chroma.npy", "crops.npy", "landmarks.npy", "skin_ita_deg.npy"]


def test_integer_exports_need_pictures(checkpoint, tmp_path):
    with pytest.raises(OptionError, match="`calibrate`"):
        export(checkpoint, tmp_path / "g.onnx", "int8")


@pytest.mark.slow
def test_a_published_checkpoint_becomes_onnx(published, tmp_path):  # noqa: F811
    report = export(published, tmp_path / "p.onnx", "fp32")
    assert report.psnr_db > 80
    model = onnx.load(str(report.path))
    assert [i.name for i in model.graph.input] == ["input"]
    ours, theirs = load(report.path), load(published)
    assert not ours.draws_scenes
    here = crossing(size=256)
    assert np.abs(ours(here).astype(int) - theirs(here)).max() <= 1


def test_wrong_checkpoints_are_refused(tmp_path):
    torch.save({"nets": {"generator.stem.weight": torch.zeros(1)}}, tmp_path / "partial.pt")
    (tmp_path / "text.pt").write_text("hello")
    for name in ("partial.pt", "text.pt", "none.pt"):
        with pytest.raises(ModelError, match=name):
            export(tmp_path / name, tmp_path / "g.onnx")
    assert not (tmp_path / "g.onnx").exists()
