"""Every public name has an example that works, and the package itself has some."""

import doctest
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

import ganonymization
from ganonymization.io import images
from ganonymization.io.images import Picture

from .video.test_container import make_clip

PORTRAIT = Path(ganonymization.__file__).parent / "cli" / "astronaut.webp"


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    """What examples read: a portrait, a folder with it, a clip of it."""
    folder = tmp_path_factory.mktemp("examples")
    pixels = np.asarray(Pillow.open(PORTRAIT).convert("RGB"))
    images.write(folder / "portrait.jpg", Picture(pixels))
    (folder / "photos").mkdir()
    shutil.copy(folder / "portrait.jpg", folder / "photos")
    make_clip(folder / "clip.mp4", [pixels[:384, 64:448]] * 3)
    return folder, pixels


@pytest.mark.parametrize("name", ["ganonymization", *ganonymization.__all__])
def test_the_example_of_a_public_name_works(name, material, tmp_path, monkeypatch):
    folder, pixels = material
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    thing = ganonymization if name == "ganonymization" else getattr(ganonymization, name)
    known = {each: getattr(ganonymization, each) for each in ganonymization.__all__}
    globs = known | {"picture": pixels, "ganonymization": ganonymization, "Path": Path}
    tests = doctest.DocTestFinder(recurse=False).find(thing, name, globs=globs)
    assert any(test.examples for test in tests), f"{name} has no example"
    told = []
    for test in tests:
        doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE).run(
            test, out=told.append
        )
    assert not told, "".join(told)
