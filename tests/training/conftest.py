from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ganonymization.cli.demo import astronaut
from ganonymization.io import images
from ganonymization.io.images import Picture
from ganonymization.training import export
from ganonymization.training.config import Stage, TrainingConfig
from ganonymization.training.prepare import prepare_folder
from ganonymization.training.train import train

STAGES = (
    Stage(size_px=64, batch=4, samples=12, head_start=4),
    Stage(size_px=96, batch=2, samples=4, head_start=0, foreign_styles=False),
)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory) -> Path:
    """The astronaut and her mirror image, prepared; beside them a picture without a face."""
    source = tmp_path_factory.mktemp("faces")
    images.write(source / "a.png", Picture(astronaut()))
    images.write(source / "sub" / "b.png", Picture(np.ascontiguousarray(astronaut()[:, ::-1])))
    images.write(source / "wall.png", Picture(np.full((64, 64, 3), 90, np.uint8)))
    (source / "broken.jpg").write_bytes(b"x")
    out = tmp_path_factory.mktemp("prepared")
    made, refused = prepare_folder(source, out)
    assert made == 2
    assert {(path.name, reason) for path, reason, _ in refused} >= {("wall.png", "no face found")}
    assert {picture.path.name for picture in refused} == {"wall.png", "broken.jpg"}
    assert [picture.path.name for picture in refused if picture.unreadable] == ["broken.jpg"]
    return out


@pytest.fixture(scope="package", autouse=True)
def few_comparisons():
    """Exports are compared and calibrated on a few conditions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "_COMPARED", 4)
        patch.setattr(export, "_CALIBRATED", 8)
        yield


@pytest.fixture(scope="session")
def config(prepared) -> TrainingConfig:
    """Three steps of four pictures, then two of two."""
    return TrainingConfig(data=(str(prepared),), stages=STAGES, workers=0, log_every=1)


@pytest.fixture(scope="session")
def checkpoint(config, tmp_path_factory) -> Path:
    """A whole run in two calls: the second one brings the second stage."""
    out = tmp_path_factory.mktemp("run")
    train(replace(config, stages=STAGES[:1]), out, accelerator="cpu")
    return train(config, out, accelerator="cpu")
