"""A neck tells the tone of a face, and nothing behind the wall does."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from ganonymization.donors.surroundings import Guess
from ganonymization.geometry.wall import GeneratorInput
from ganonymization.synthesize.neck import neck_lab, with_neck

from ..conftest import face_landmarks

SIZE = 128
POINTS = face_landmarks((64, 50), 40)
CHIN_Y = round(float(POINTS[152, 1]))
HIDDEN = np.zeros((SIZE, SIZE), bool)
HIDDEN[10 : CHIN_Y + 3, 24:104] = True
NECK, SHIRT = (150, 105, 85), (60, 90, 160)


def inputs(neck=NECK):
    context = np.full((SIZE, SIZE, 3), SHIRT, np.uint8)
    context[CHIN_Y : CHIN_Y + 12, 40:88] = neck
    return GeneratorInput(POINTS, context * ~HIDDEN[..., None], HIDDEN, 1)


def lab(colour):
    return cv2.cvtColor(np.array([[colour]], np.float32) / 255, cv2.COLOR_RGB2LAB)[0, 0]


def guess(lightness, seen=0.2):
    return Guess(skin_lab=np.array([lightness, 14, 18], np.float32), skin_seen=seen)


def test_the_necks_tone_is_found_beside_a_shirt():
    given = inputs()
    tone, belief = neck_lab(given.context, given.wall_mask, POINTS)
    assert tone == pytest.approx(lab(NECK), abs=0.5)
    assert belief > 0.9


@pytest.mark.parametrize("neck", [SHIRT, (128, 128, 128), (70, 140, 50)])
def test_a_collar_is_no_neck(neck):
    given = inputs(neck)
    assert neck_lab(given.context, given.wall_mask, POINTS) is None
    told = guess(60)
    assert with_neck(told, given) is told


def test_a_face_below_the_picture_has_no_neck():
    given = inputs()
    below = POINTS + np.array([0, SIZE, 0])
    assert neck_lab(given.context, given.wall_mask, below) is None


def test_a_guess_goes_towards_the_neck_and_is_believed_more():
    given = inputs()
    usual = float(lab(NECK)[0]) + 18  # a neck is in the shade of the chin
    for lightness in (30.0, 90.0):
        found = with_neck(guess(lightness), given)
        assert abs(found.skin_lab[0] - usual) < 0.6 * abs(lightness - usual)
        assert found.skin_seen > 0.9


def test_what_is_behind_the_wall_tells_nothing():
    clean = inputs()
    noise = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    dirty = replace(clean, context=np.where(HIDDEN[..., None], noise, clean.context))
    found = [with_neck(guess(60), each).skin_lab for each in (clean, dirty)]
    assert np.array_equal(*found)


def test_a_head_on_black_is_left_as_guessed():
    portrait = GeneratorInput.portrait(SIZE, POINTS, 1)
    assert with_neck(Guess(), portrait) == Guess()
