import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning.fabric import Fabric

from ganonymization.errors import InputError, OptionError
from ganonymization.geometry import conditioning
from ganonymization.io import images
from ganonymization.io.images import Picture
from ganonymization.paper.side_by_side import SideBySide
from ganonymization.paper.train_pix2pix import (
    Pix2PixRun,
    Pix2PixSettings,
    newest_checkpoint,
    train_pix2pix,
)
from ganonymization.synthesize.load import load

from ..synthesize.test_pix2pix import published  # noqa: F401
from ..training.test_train import assert_same, state_of


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Pix2PixSettings:
    """Eight drawn pairs in ``train`` and two in ``val``."""
    root = tmp_path_factory.mktemp("pairs")
    rng = np.random.default_rng(0)
    for number in range(10):
        face = np.full((256, 256, 3), rng.integers(0, 256, 3), np.uint8)
        dots = conditioning.dots(rng.uniform(60, 200, (478, 2)), 256)
        split = "val" if number < 2 else "train"
        images.write(root / "data" / split / f"{number}.png", Picture(np.hstack([face, dots])))
    return Pix2PixSettings(
        data_dir=str(root), models_dir=str(root / "models"), output_dir=str(root / "out"),
        n_epochs=1, dataset_name="data", batch_size=4, lr=2e-4, b1=0.5, b2=0.999, n_cpu=0,
        img_size=256, device=-1,
    )  # fmt: skip


def at(settings, folder, **changes):
    return replace(
        settings, models_dir=str(folder / "models"), output_dir=str(folder / "out"), **changes
    )


@pytest.mark.slow
def test_a_run_goes_on_exactly_and_its_checkpoint_is_a_published_one(settings, tmp_path):
    """Stopped in the middle of an epoch of two batches."""
    first = train_pix2pix(at(settings, tmp_path), tmp_path / "log", minutes=0)
    assert first.name == "epoch=0-step=2.ckpt"
    second = train_pix2pix(at(settings, tmp_path), tmp_path / "log")
    assert second.name == "epoch=1-step=4.ckpt"
    assert first.exists()  # only what the same process wrote makes room
    whole = train_pix2pix(at(settings, tmp_path / "w"), tmp_path / "w", checkpoint_interval=1)
    assert [p.name for p in (tmp_path / "w" / "models").iterdir()] == [second.name]
    a, b = state_of(second), state_of(whole)
    for key in ("state_dict", "optimizer_states", "epoch", "global_step", "batches_in_epoch"):
        assert_same(a[key], b[key], key)
    assert set(a["hyper_parameters"]) == {
        "data_dir", "models_dir", "output_dir", "n_epochs", "dataset_name", "batch_size", "lr",
        "b1", "b2", "n_cpu", "img_size", "device",
    }  # fmt: skip
    assert load(second).size_px == 256
    shown = list((tmp_path / "out" / "data").glob("*.png"))
    assert images.read(shown[0]).pixels.shape == (768, 512, 3)
    assert train_pix2pix(at(settings, tmp_path), tmp_path / "log") == second  # it is over


@pytest.mark.slow
def test_a_published_checkpoint_is_gone_on_with(settings, published, tmp_path):  # noqa: F811
    """It counts two steps a batch, tells no batch, holds paths, and stays where it is."""
    content = torch.load(published, weights_only=False)
    fresh = Pix2PixRun(Fabric(accelerator="cpu", devices=1), settings).state()
    content |= {"epoch": 7, "global_step": 4000, "optimizer_states": fresh["optimizer_states"]}
    theirs = tmp_path / "models" / "epoch=7-step=4000.ckpt"
    theirs.parent.mkdir()
    torch.save(content, theirs)
    changed = at(settings, tmp_path, n_epochs=8, lr=1e-4)
    ours = train_pix2pix(changed, tmp_path / "log")
    assert ours.name == "epoch=8-step=4004.ckpt"
    assert theirs.exists()
    assert state_of(ours)["optimizer_states"][0]["param_groups"][0]["lr"] == 1e-4


@pytest.mark.slow
def test_a_picture_that_cannot_be_read_is_named_in_a_line(settings, tmp_path):
    folder = tmp_path / "data" / "train"
    folder.mkdir(parents=True)
    (folder / "broken.png").write_bytes(b"x")
    broken = at(settings, tmp_path, data_dir=str(tmp_path), n_cpu=1)
    with pytest.raises(InputError, match=r"^[^\n]*broken\.png: not a picture[^\n]*$"):
        train_pix2pix(broken, tmp_path / "log")


@pytest.mark.slow
def test_steps_on_one_batch_bring_the_pictures_closer(settings):
    run = Pix2PixRun(Fabric(accelerator="cpu", devices=1), settings)
    faces = SideBySide(Path(settings.data_dir) / "data" / "train", 256)
    batch = torch.utils.data.default_collate([faces[i] for i in range(4)])
    found = [float(run.train_step(batch)["l1"]) for _ in range(6)]
    assert found[-1] < 0.95 * found[0]


def test_halves_are_told_apart(settings):
    sample = SideBySide(Path(settings.data_dir) / "data" / "train", 256)[0]
    assert len(sample["picture"].flatten(1).unique(dim=1)[0]) == 1
    assert set(sample["condition"].unique().tolist()) == {0, 224}


def test_settings_and_folders_that_make_no_sense_are_refused(settings, tmp_path):
    with pytest.raises(OptionError, match="multiple of 256"):
        replace(settings, img_size=128)
    with pytest.raises(OptionError, match="batch_size"):
        replace(settings, batch_size=0)
    with pytest.raises(OptionError, match="--device -5"):
        replace(settings, device=-5)
    with pytest.raises(OptionError, match="--lr"):
        replace(settings, lr=-1.0)
    with pytest.raises(OptionError, match="checkpoint_interval"):
        train_pix2pix(settings, tmp_path / "log", checkpoint_interval=0)
    with pytest.raises(InputError, match="no pictures"):
        train_pix2pix(at(settings, tmp_path, data_dir=str(tmp_path)), tmp_path / "log")


def test_the_checkpoint_with_the_most_steps_is_the_newest(tmp_path):
    assert newest_checkpoint(tmp_path) is None
    for name in ("epoch=1-step=900.ckpt", "epoch=2-step=1000.ckpt", "last.ckpt"):
        (tmp_path / name).write_text(json.dumps(name))
    assert newest_checkpoint(tmp_path).name == "epoch=2-step=1000.ckpt"
