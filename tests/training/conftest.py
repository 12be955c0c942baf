from pathlib import Path

import numpy as np
import pytest

from ganonymization import images
from ganonymization.demo import astronaut
from ganonymization.images import Picture
from ganonymization.training.prepare import prepare_folder


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
    assert {(path.name, reason) for path, reason in refused} >= {("wall.png", "no face found")}
    assert {path.name for path, _ in refused} == {"wall.png", "broken.jpg"}
    return out
