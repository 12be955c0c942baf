import cv2
import numpy as np
import pytest

from ganonymization.geometry.rasterisation import render
from ganonymization.geometry.skin import skin_lab
from ganonymization.synthesize.tone import (
    colour_levels,
    fairness,
    is_coloured,
    lab_of_ita,
    likely,
    toned,
    wanted_tone,
)

from ..conftest import face_landmarks

SIZE = 128
POINTS = face_landmarks((64, 64), SIZE / 3.4)
SKIN = render(np.zeros((SIZE, SIZE, 3), np.uint8), POINTS, POINTS, SIZE).skin


def shown(face, told, belief=1.0, coloured=False):
    """The face in the tone that it should have by what it is told."""
    has = skin_lab(face, POINTS)
    return toned(face, SKIN, has, wanted_tone(has, told, belief, coloured))


def lit(slope):
    """A face lit from the left by so much of a logarithm a crop."""
    ramp = np.exp(slope * np.linspace(-0.5, 0.5, SIZE))
    return np.clip(np.full((SIZE, SIZE, 3), (170, 130, 110)) * ramp[:, None], 0, 255).astype("u1")


@pytest.mark.parametrize("lightness", [30, 55, 80])
def test_skin_takes_a_tone_and_black_and_white_stay(lightness):
    face = lit(0.2)
    face[:10], face[-10:] = 0, 255
    wanted = np.array([lightness, 12, 18], np.float32)
    out = shown(face, wanted)
    assert np.abs(skin_lab(out, POINTS) - wanted).max() < 4
    assert out[:9].max() < 4 and out[-9:].min() > 225


def test_of_a_tone_that_is_there_shade_gets_redder_and_light_greyer():
    """As light does that comes through skin; how light the face is, stays."""
    face = lit(1.2)
    out = shown(face, skin_lab(face, POINTS))
    place = int(POINTS[1, 1])  # across the nose
    before, after = (
        cv2.cvtColor(each[place : place + 1].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0]
        for each in (face, out)
    )
    assert np.abs(after[:, 0] - before[:, 0]).max() < 2
    more = np.hypot(*(after - before)[:, 1:].T) * np.sign((after - before)[:, 1])
    skin = np.flatnonzero(SKIN[place] == 255)
    dark, light = skin[before[skin, 0].argmin()], skin[before[skin, 0].argmax()]
    assert more[dark] > 0.5 and more[light] < -0.5
    assert np.abs(more[SIZE // 2]) < 1


@pytest.mark.parametrize("scarf_lab", [(60, 45, -5), (45, 2, -3), (40, -5, -30)])
def test_the_colour_of_a_scarf_is_no_tone(scarf_lab):
    face = lit(0.2)
    out = shown(face, np.array(scarf_lab, np.float32))
    assert np.abs(out.astype(int) - face).max() <= 1


@pytest.mark.parametrize("coloured", [True, False])
def test_a_grey_face_between_scarves_gets_a_hue_of_skin_but_in_a_grey_picture(coloured):
    grey = np.full((SIZE, SIZE, 3), 120, np.uint8)
    out = shown(grey, np.array([70, 1, 2], np.float32), coloured=coloured)
    lightness, red, yellow = skin_lab(out, POINTS)
    assert lightness == pytest.approx(skin_lab(grey, POINTS)[0], abs=2)
    if coloured:
        assert 8 < red < 18 and 12 < yellow < 24
    else:
        assert np.array_equal(out, grey)


def test_colours_are_told_from_grey():
    wall = np.zeros((SIZE, SIZE), bool)
    wall[40:80, 40:80] = True
    rng = np.random.default_rng(0)
    grey = np.repeat(rng.integers(0, 255, (SIZE, SIZE, 1), np.uint8), 3, 2)
    coloured = grey.copy()
    coloured[:, :60] = (180, 120, 60)
    behind = grey.copy()
    behind[wall] = (255, 0, 0)
    assert is_coloured(coloured, wall)
    assert not is_coloured(grey, wall) and not is_coloured(behind, wall)
    assert not is_coloured(coloured, np.ones_like(wall))


@pytest.mark.parametrize("ita_deg", [-40, 0, 30, 55])
def test_an_angle_is_that_of_its_tone(ita_deg):
    lightness, _, yellow = lab_of_ita(ita_deg)
    assert np.degrees(np.arctan2(lightness - 50, yellow)) == pytest.approx(ita_deg, abs=8)
    face = lit(0.0)
    out = skin_lab(shown(face, lab_of_ita(ita_deg), 1.0, True), POINTS)
    assert out[0] == pytest.approx(lightness, abs=4)


def test_fairness_rises_with_the_angle_and_dark_skin_has_none():
    found = [fairness(lab_of_ita(ita_deg)) for ita_deg in (-40, 10, 35, 60)]
    assert found[:2] == [0, 0] and 0.2 < found[2] < 0.8 and found[3] == 1


def test_more_degrees_are_never_darker():
    lightness = [lab_of_ita(degrees)[0] for degrees in range(-180, 181, 5)]
    assert (np.diff(lightness) >= 0).all()
    assert lightness[0] == 30 and lightness[-1] == 77


@pytest.mark.parametrize("chroma", [10.0, 18.0])
def test_a_dull_guess_gets_more_chroma_and_keeps_hue_and_lightness(chroma):
    guess = np.array([60, 0.6 * chroma, 0.8 * chroma], np.float32)
    found = likely(guess)
    assert found[0] == 60 and found[1] / found[2] == pytest.approx(0.75)
    assert chroma + 2 < np.hypot(*found[1:]) < 25


def test_a_guess_of_dark_skin_is_less_grey_than_it_is_told():
    """By a share that fades where skin is fair, so that no tone jumps."""
    chromas = [np.hypot(*likely(np.array([light, 17, 20], np.float32))[1:])
               for light in (40, 60, 66, 70, 74, 85)]  # fmt: skip
    assert chromas[0] == pytest.approx(chromas[1]) == pytest.approx(1.15 * chromas[-1])
    assert (np.diff(chromas[1:]) < 0).all()


def test_of_surroundings_that_are_hardly_seen_no_colour_is_told():
    """Neither that they have some nor that they have none."""
    context, hidden = np.zeros((64, 64, 3), np.uint8), np.ones((64, 64), bool)
    assert colour_levels(context, hidden) is None
    hidden[:, 61:] = False  # between the pixels that are looked at
    context[:, 61:] = (255, 0, 0)
    assert colour_levels(context, hidden) is None and not is_coloured(context, hidden)
    hidden[:, 60:] = False
    context[:, 60:] = (255, 0, 0)
    assert colour_levels(context, hidden) == 255 and is_coloured(context, hidden)
