import numpy as np
import pytest

from ganonymization.geometry.rasterisation import render
from ganonymization.geometry.skin import skin_lab
from ganonymization.synthesize.tone import toned

from ..conftest import face_landmarks

SIZE = 128
POINTS = face_landmarks((64, 64), SIZE / 3.4)
SKIN = render(np.zeros((SIZE, SIZE, 3), np.uint8), POINTS, POINTS, SIZE).skin


def lit(slope):
    """A face lit from the left by so much of a logarithm a crop."""
    ramp = np.exp(slope * np.linspace(-0.5, 0.5, SIZE))
    return np.clip(np.full((SIZE, SIZE, 3), (170, 130, 110)) * ramp[:, None], 0, 255).astype("u1")


@pytest.mark.parametrize("lightness", [30, 55, 80])
def test_skin_takes_a_tone_and_black_and_white_stay(lightness):
    face = lit(0.2)
    face[:10], face[-10:] = 0, 255
    wanted = np.array([lightness, 12, 18], np.float32)
    out = toned(face, POINTS, SKIN, wanted)
    assert np.abs(skin_lab(out, POINTS) - wanted).max() < 4
    assert out[:9].max() < 4 and out[-9:].min() > 251


def test_a_tone_that_is_there_changes_nothing():
    face = lit(0.2)
    out = toned(face, POINTS, SKIN, skin_lab(face, POINTS))
    assert np.abs(out.astype(int) - face).max() <= 1


@pytest.mark.parametrize("scarf_lab", [(60, 45, -5), (45, 2, -3), (40, -5, -30)])
def test_the_colour_of_a_scarf_is_no_tone(scarf_lab):
    face = lit(0.2)
    out = toned(face, POINTS, SKIN, np.array(scarf_lab, np.float32))
    assert np.abs(out.astype(int) - face).max() <= 1
