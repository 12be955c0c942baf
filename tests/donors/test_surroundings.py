import numpy as np
import pytest

from ganonymization.donors.surroundings import (
    ANY,
    Guess,
    Kind,
    SurroundingsReader,
    lab_of,
    surroundings,
)
from ganonymization.errors import OptionError


class FakeSession:
    """Says what it was told to."""

    def __init__(self, odds, hundreds, rgb=(0.8, 0.6, 0.5), seen=0.02):
        self.found, self.fed = np.array([[odds, hundreds, *rgb, seen]], np.float32), []

    def get_inputs(self):
        return [type("Input", (), {"name": "x"})]

    def run(self, names, feeds):
        self.fed.append(feeds["x"])
        return [self.found]


def scene(size=128):
    hidden = np.zeros((size, size), bool)
    hidden[32:96, 32:96] = True
    context = np.full((size, size, 3), 200, np.uint8) * ~hidden[..., None]
    return context.astype(np.uint8), hidden


def test_odds_and_hundreds_become_a_kind():
    guess = SurroundingsReader(FakeSession(2.0, 0.62))(*scene())
    assert guess.skin_lab == pytest.approx(lab_of(np.array([0.8, 0.6, 0.5])))
    kind = guess.kind
    assert kind.female == pytest.approx(1 / (1 + np.exp(-2)))
    assert kind.years == pytest.approx(62) and kind.skin_ita_deg == pytest.approx(39.9, abs=0.1)
    assert SurroundingsReader(FakeSession(0.0, 0.05))(*scene()).kind.years == 18


def test_a_tone_is_told_as_far_as_skin_is_seen():
    assert SurroundingsReader(FakeSession(0.0, 0.3))(*scene()).skin_seen == 1
    half = SurroundingsReader(FakeSession(0.0, 0.3, seen=0.00275))(*scene())
    assert half.skin_seen == pytest.approx(0.5, abs=0.01)
    none = SurroundingsReader(FakeSession(0.0, 0.3, seen=0.001))(*scene())
    assert none.skin_seen == 0 and none.kind.skin_ita_deg is None  # a wall's colour is nobody's
    assert Guess().skin_seen == 0


def test_behind_the_wall_nothing_is_seen():
    context, hidden = scene()
    session = FakeSession(0.0, 0.3)
    SurroundingsReader(session)(context, hidden)
    assert session.fed[0].shape == (1, 4, 64, 64)
    assert not session.fed[0][0, :3, 16:48, 16:48].any()
    assert session.fed[0][0, 3, 16:48, 16:48].all()
    assert surroundings(context, hidden)[0, 0, 0] == pytest.approx(200 / 127.5 - 1)


def test_a_head_on_black_can_be_anybodys():
    session = FakeSession(5.0, 0.3)
    hidden = np.ones((64, 64), bool)
    assert SurroundingsReader(session)(np.zeros((64, 64, 3), np.uint8), hidden) == Guess()
    assert session.fed == []


def test_what_is_asked_for_goes_before_a_guess():
    guess = Kind(0.9, 33.0)
    assert Kind(female=0.0).over(guess) == Kind(0.0, 33.0)
    assert Kind(years=70).over(guess) == Kind(0.9, 70)
    assert ANY.over(guess) == guess
    assert Kind(skin_ita_deg=5.0).over(Kind(0.9, 33.0, 40.0)) == Kind(0.9, 33.0, 5.0)


def test_words_become_a_kind():
    assert Kind.asked(None, None, None) == ANY
    assert Kind.asked(70, "male", "dark") == Kind(0.0, 70, -10.0)
    assert Kind.asked(None, "female", "light") == Kind(1.0, None, 50.0)


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(OptionError, match="18 to 90"):
        Kind.asked(9, None, None)
    with pytest.raises(OptionError, match="female, male"):
        Kind.asked(None, "other", None)
    with pytest.raises(OptionError, match="light, medium, dark"):
        Kind.asked(None, None, "green")


@pytest.mark.parametrize("rgb", [(235, 200, 185), (150, 105, 80), (70, 45, 35)])
def test_the_tone_is_one_that_is_seen(rgb):
    """Whatever the rest of the picture is: no mean of colours is another colour."""
    context, hidden = scene()
    context[~hidden] = rgb
    guess = SurroundingsReader()(context, hidden)
    assert np.abs(guess.skin_lab - lab_of(np.array(rgb) / 255)).max() < 15


def test_the_shipped_network_answers():
    guess = SurroundingsReader()(*scene())
    assert guess.skin_lab is not None and 0 <= guess.skin_lab[0] <= 100
    kind = guess.kind
    assert 0 <= kind.female <= 1 and 18 <= kind.years <= 90


@pytest.mark.parametrize("rgb", [(30, 60, 200), (0, 0, 0), (60, 160, 60), (250, 250, 250)])
def test_surroundings_without_skin_tell_no_skin(rgb):
    context, hidden = scene()
    context[~hidden] = rgb
    guess = SurroundingsReader()(context, hidden)
    assert guess.skin_seen < 0.3 and guess.kind.skin_ita_deg is None
