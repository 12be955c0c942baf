"""Faces that alpha alone shows."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

import ganonymization
from ganonymization import Anonymizer
from ganonymization.io import images
from ganonymization.io.images import Picture
from ganonymization.picture_file import anonymize_bytes, anonymize_file, boxes_by_alpha

PORTRAIT = Path(ganonymization.__file__).parent / "cli" / "astronaut.webp"


@pytest.fixture(scope="module")
def anonymizer():
    return Anonymizer(audit=False)


def stencil(kind):
    """The portrait as alpha over one colour, or over noise."""
    with Pillow.open(PORTRAIT) as opened:
        grey = np.asarray(opened.convert("L").resize((320, 320)))
    pixels = np.zeros((*grey.shape, 3), np.uint8)
    if kind == "white ink":
        pixels[:] = 255
    if kind == "noise":
        pixels[:] = np.random.default_rng(0).integers(0, 256, pixels.shape)
    return Picture(pixels, grey if kind == "white ink" else 255 - grey)


@pytest.mark.parametrize("kind", ["black ink", "white ink", "noise"])
def test_a_face_in_alpha_is_covered(tmp_path, anonymizer, kind):
    picture = stencil(kind)
    boxes = boxes_by_alpha(anonymizer, picture)
    images.write(tmp_path / "a.png", picture)
    result, _ = anonymize_file(anonymizer, tmp_path / "a.png", tmp_path / "b.png", seed=1)
    made = images.read(tmp_path / "b.png")
    assert result.faces and not all(face.synthesized for face in result.faces)
    for box in boxes:
        left, top, right, bottom = map(round, box)
        assert (picture.alpha[top:bottom, left:right] == 255).mean() < 0.2
        assert (made.alpha[top:bottom, left:right] == 255).all()
        assert np.ptp(made.pixels[top:bottom, left:right], (0, 1)).max() == 0
    _, (content,) = anonymize_bytes(anonymizer, (tmp_path / "a.png").read_bytes(), seed=1)
    assert np.array_equal(images.decode(io.BytesIO(content), "b").alpha, made.alpha)


def test_plain_alpha_is_not_searched(make_anonymizer, picture):
    anonymizer = make_anonymizer(detector=lambda image: pytest.fail("searched"))
    assert boxes_by_alpha(anonymizer, Picture(picture)) == []
    assert boxes_by_alpha(anonymizer, Picture(picture, np.full((128, 128), 255, np.uint8))) == []
