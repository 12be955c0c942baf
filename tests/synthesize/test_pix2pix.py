import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from ganonymization import OptionError
from ganonymization.errors import ModelError
from ganonymization.geometry import transforms
from ganonymization.geometry.wall import GeneratorInput
from ganonymization.paper.networks import (
    PatchDiscriminator,
    Pix2PixGenerator,
    load_checkpoint,
)
from ganonymization.synthesize.load import load

from ..conftest import face_landmarks

REFERENCE = Path(__file__).parents[3] / "shared" / "data" / "reference-pix2pix.json"


def filled(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Parameters by the reference's rule."""
    state = network.state_dict()
    for index, (name, tensor) in enumerate(state.items()):
        i = np.arange(tensor.numel(), dtype=np.float64)
        values = (0.05 * np.sin(0.7 * i + index)).astype(np.float32)
        state[name] = torch.from_numpy(values).reshape(tensor.shape)
    return state


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    """A checkpoint as the published project writes it, at 256 px."""
    path = tmp_path_factory.mktemp("published") / "model.ckpt"
    state = {f"generator.{k}": v for k, v in filled(Pix2PixGenerator()).items()}
    state |= {f"discriminator.{k}": v for k, v in filled(PatchDiscriminator()).items()}
    settings = {"img_size": 256, "lr": 2e-4, "device": 0, "data_dir": Path("data").absolute()}
    torch.save({"state_dict": state, "hyper_parameters": settings, "epoch": 3}, path)
    return path


@pytest.mark.shared
@pytest.mark.skipif(not REFERENCE.exists(), reason=f"{REFERENCE} is missing")
def test_the_networks_are_the_published_ones():
    reference = json.loads(REFERENCE.read_text())
    networks = {"generator": Pix2PixGenerator(), "discriminator": PatchDiscriminator()}
    for name, network in networks.items():
        shapes = {key: list(tensor.shape) for key, tensor in network.state_dict().items()}
        assert list(shapes.items()) == list(reference[name].items())
        network.load_state_dict(filled(network))
        network.eval()
    x = torch.sin(0.01 * torch.arange(3 * 256 * 256, dtype=torch.float64)).float()
    x = x.reshape(1, 3, 256, 256)
    with torch.no_grad():
        picture = networks["generator"](x)
        scores = networks["discriminator"](picture, x)
    for found, wanted in ((picture, "generator_output"), (scores, "discriminator_output")):
        expected = reference[wanted]
        assert list(found.shape) == expected["shape"]
        assert float(found.mean()) == pytest.approx(expected["mean"], abs=1e-4)
        for *place, value in expected["samples"]:
            index = (0, *place) if len(place) == 3 else (0, 0, *place)
            assert float(found[index]) == pytest.approx(value, abs=1e-4)


def test_a_published_checkpoint_draws_portraits(published, make_anonymizer):
    pix2pix = load(published)
    assert pix2pix.size_px == 256
    crop = transforms.generator_crop(face_landmarks(), 256, pix2pix.crop_side_eyes)
    drawn = pix2pix(GeneratorInput.portrait(256, transforms.apply(crop, face_landmarks()), seed=1))
    assert drawn.shape == (256, 256, 3)
    assert drawn.std() > 5
    with pytest.raises(OptionError, match="portraits only"):
        make_anonymizer(model=str(published))
    portraits = make_anonymizer(model=str(published), mode="portrait")
    with pytest.raises(OptionError, match="portraits only"):
        portraits.using(mode="scene")


def spoilt(published: Path, out: Path, change) -> Path:
    content = torch.load(published, weights_only=False)
    change(content["state_dict"])
    torch.save(content, out)
    return out


def test_wrong_checkpoints_are_refused_by_the_first_missing_name(published, tmp_path):
    def expect(change, message):
        path = spoilt(published, tmp_path / "bad.ckpt", change)
        with pytest.raises(ModelError, match=message):
            load_checkpoint(path)

    def widen(state):
        state["generator.up3.model.0.weight"] = torch.zeros(1, 2, 4, 4)

    def remove(state):
        del state["generator.down2.model.0.weight"], state["generator.up1.model.0.weight"]

    expect(remove, r"lacks 'generator\.down2\.model\.0\.weight'")
    expect(lambda s: s.pop("discriminator.model.12.weight"), r"lacks 'discriminator\.model\.12")
    expect(widen, re.escape("'generator.up3.model.0.weight' has shape [1, 2, 4, 4]"))
    expect(lambda s: s.update({"generator.more": torch.zeros(1)}), "unknown parameter")
    expect(lambda s: s.update({"encoder.weight": torch.zeros(1)}), "unknown parameter 'encoder")


class Harmful:
    def __reduce__(self):
        return (open, ("harm", "w"))


def test_a_checkpoint_cannot_run_code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": {}, "callbacks": Harmful()}, tmp_path / "bad.ckpt")
    with pytest.raises(ModelError, match=r"bad\.ckpt: .* it wants to call .*open"):
        load_checkpoint(tmp_path / "bad.ckpt")
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04"])
def test_files_that_are_none_are_refused(tmp_path, content):
    (tmp_path / "x.ckpt").write_bytes(content)
    with pytest.raises(ModelError, match=r"x\.ckpt"):
        load(tmp_path / "x.ckpt")


def test_checkpoints_without_state_are_refused(tmp_path):
    torch.save([1, 2], tmp_path / "list.ckpt")
    with pytest.raises(ModelError, match="state_dict"):
        load(tmp_path / "list.ckpt")
