from dataclasses import replace

import numpy as np
import torch
from pytest import approx, mark, raises
from torch.nn import functional as F

from ganonymization.donors.surroundings import Guess, Kind
from ganonymization.errors import SynthesisError
from ganonymization.geometry.rasterisation import Texture
from ganonymization.geometry.skin import skin_lab
from ganonymization.geometry.wall import NEUTRAL, GeneratorInput
from ganonymization.synthesize import outline
from ganonymization.synthesize.refiner import ZERO, Refiner, compose
from ganonymization.training.refine import network
from ganonymization.types import DonorPair

from ..conftest import face_landmarks
from ..donors.conftest import bank_of

SIZE = 64


class FakeSession:
    """Draws grey, and keeps what it was fed."""

    def __init__(self, level=153):
        self.fed, self.level = [], level

    def run(self, names, feeds):
        assert names == ["picture", "opacity"]
        self.fed.append(feeds)
        plain = np.full((1, SIZE, SIZE, 3), self.level, np.uint8)
        return plain, np.full((1, 1, SIZE // 2, SIZE // 2), 0.5, np.float32)


def inputs(seed=3, reading=NEUTRAL):
    return GeneratorInput.portrait(SIZE, face_landmarks((32, 32), 18), seed, reading)


def test_run_time_and_training_compose_alike():
    rng = np.random.default_rng(0)
    smooth = rng.integers(60, 200, (8, 8, 3)).astype(np.float32)
    drawn = np.asarray(
        F.interpolate(torch.from_numpy(smooth.transpose(2, 0, 1))[None], SIZE, mode="bilinear")
    )[0].transpose(1, 2, 0).astype(np.uint8)  # fmt: skip
    image = rng.integers(40, 220, (SIZE, SIZE, 3), dtype=np.uint8)
    skin = np.zeros((SIZE, SIZE), np.uint8)
    skin[10:50, 14:52] = 255
    texture = Texture(image, skin, np.zeros_like(skin))
    share = rng.random((SIZE // 2, SIZE // 2)).astype(np.float32)
    found = compose(drawn, share, texture)

    def planes(picture):
        return torch.from_numpy(picture.transpose(2, 0, 1).astype(np.float32))[None] / 127.5 - 1

    wanted = network.compose(
        planes(drawn), torch.from_numpy(share)[None, None], planes(image),
        torch.from_numpy(skin / np.float32(255))[None, None],
    )  # fmt: skip
    levels = ((wanted[0].permute(1, 2, 0) + 1) * 127.5).numpy()
    assert np.abs(found - levels).max() < 1.5
    assert np.array_equal(found[skin == 0], drawn[skin == 0])


def test_what_covers_nothing_changes_nothing():
    nothing = np.zeros((SIZE, SIZE), np.uint8)
    drawn = np.full((SIZE, SIZE, 3), 90, np.uint8)
    texture = Texture(np.zeros_like(drawn), nothing, nothing)
    assert np.array_equal(compose(drawn, np.ones((32, 32), np.float32), texture), drawn)


def test_same_inputs_same_face_and_the_reading_is_passed_on():
    bank = bank_of(30)
    session = FakeSession()
    refiner = Refiner(session, SIZE, bank)
    first, again = refiner(inputs()), refiner(inputs())
    assert np.array_equal(first, again)
    assert first.shape == (SIZE, SIZE, 3) and first.dtype == np.uint8
    angry = np.eye(7, dtype=np.float32)[3]
    refiner(inputs(reading=angry))
    assert np.array_equal(session.fed[-1]["reading"], angry[None])
    blob = session.fed[0]["input"]
    assert blob.shape == (1, SIZE, SIZE, 12) and blob.dtype == np.uint8
    assert (blob[..., 3:6] == ZERO).all() and (blob[..., 6] == 255).all()  # all is behind the wall
    covered = (blob[..., 10] > ZERO) | (blob[..., 11] > ZERO)
    assert covered.any() and (blob[..., 7:10][~covered] == ZERO).all()


def test_the_style_is_the_upper_donors():
    bank = bank_of(30, styles=np.arange(30, dtype=np.float32)[:, None] * np.ones((1, 16), "f"))
    session = FakeSession()
    refiner = Refiner(session, SIZE, bank)
    near = {round(float(session_style(refiner, session, seed).mean())) for seed in range(20)}
    assert len(near) > 8


def session_style(refiner, session, seed):
    refiner(inputs(seed))
    return session.fed[-1]["style"]


def test_donors_that_were_chosen_before_are_worn():
    bank = bank_of(30, styles=np.arange(30, dtype=np.float32)[:, None] * np.ones((1, 16), "f"))
    session = FakeSession()
    refiner = Refiner(session, SIZE, bank)
    for seed in range(5):
        refiner(replace(inputs(seed), worn=DonorPair(7, 9)))
        assert abs(float(session.fed[-1]["style"].mean()) - 7) < 0.5


def test_lasting_donors_do_not_depend_on_the_first_frame():
    readings = np.eye(7, dtype=np.float32)[[0] * 15 + [3] * 15]
    refiner = Refiner(FakeSession(), SIZE, bank_of(30, readings=readings))
    angry = np.eye(7, dtype=np.float32)[3]
    chosen = [refiner.lasting_donors(inputs(seed, angry)) for seed in range(10)]
    assert chosen == [refiner.lasting_donors(inputs(seed)) for seed in range(10)]
    assert len(set(chosen)) > 5


def test_who_is_asked_for_goes_before_the_surroundings_and_skin_is_of_portraits():
    class SaysManOf30:
        def __call__(self, context, wall_mask):
            return Guess(Kind(0.0, 30.0, 40.0))

    asked = Kind(female=1.0, skin_ita_deg=-10.0)
    refiner = Refiner(FakeSession(), SIZE, bank_of(30), asked, SaysManOf30())
    hidden = np.zeros((SIZE, SIZE), bool)
    hidden[20:44, 20:44] = True
    scene = GeneratorInput(inputs().surrogate_px, np.zeros((SIZE, SIZE, 3), np.uint8), hidden, 1)
    guess = Guess(Kind(0.0, 30.0, 40.0))
    assert refiner._kind(scene, guess) == Kind(1.0, 30.0, 40.0)
    unseen = Guess(Kind(0.0, 30.0, None))
    assert refiner._kind(scene, unseen) == Kind(1.0, 30.0, -10.0)
    assert refiner._kind(inputs(), guess) == asked


class SaysTone:
    """A tone, of which so much skin is seen."""

    def __init__(self, lightness, seen=1.0):
        self.lab, self.seen = np.array([lightness, 12, 18], np.float32), seen

    def __call__(self, context, wall_mask):
        return Guess(skin_lab=self.lab, skin_seen=self.seen)


def scene(colour=(150, 110, 90)):
    hidden = np.zeros((SIZE, SIZE), bool)
    hidden[12:52, 12:52] = True
    context = np.broadcast_to(np.array(colour, np.uint8), (SIZE, SIZE, 3)) * ~hidden[..., None]
    return GeneratorInput(inputs().surrogate_px, context.astype(np.uint8), hidden, 1)


def tone_drawn(reader, seen_in):
    face = Refiner(FakeSession(), SIZE, bank_of(30), reader=reader)(seen_in)
    return skin_lab(face, seen_in.surrogate_px)


def test_skin_gets_the_hue_that_goes_with_the_surroundings():
    found = [tone_drawn(SaysTone(lightness), scene()) for lightness in (35, 75)]
    assert max(np.abs(each[1:] - [12, 18]).max() for each in found) < 5  # likely() adds some


@mark.parametrize(("seen", "belief"), [(0, 0.5), (0.5, 0.675), (1, 0.85)])
def test_lightness_goes_the_further_the_more_skin_is_seen(seen, belief):
    blue = scene((90, 110, 150))  # no neck
    found = [tone_drawn(SaysTone(lightness, seen), blue)[0] for lightness in (35, 75)]
    assert found[1] - found[0] == approx(belief * 40, abs=4)


def test_numbers_that_are_none_are_no_face():
    class Broken(FakeSession):
        def run(self, names, feeds):
            picture, opacity = super().run(names, feeds)
            return picture, opacity * np.nan

    with raises(SynthesisError, match="not finite"):
        Refiner(Broken(), SIZE, bank_of(30))(inputs())


def test_where_no_skin_is_seen_a_grey_face_gets_a_donors_hue():
    found = tone_drawn(SaysTone(60, seen=0), scene((90, 110, 150)))
    assert found[1] > 8 and found[2] > 12  # what was drawn is grey
    grey = tone_drawn(SaysTone(60, seen=0), scene((110, 110, 110)))
    assert grey[0] == approx(found[0], abs=4)


def test_a_neck_tells_the_tone_where_the_reader_sees_none():
    necks = [(90, 60, 45), (190, 145, 125)]
    found = [tone_drawn(SaysTone(60, seen=0), scene(neck))[0] for neck in necks]
    assert found[1] - found[0] > 15


def test_a_soft_jaw_is_drawn_with_an_edge(monkeypatch):
    asked = []
    monkeypatch.setattr(outline, "with_crisp_jaw", lambda face, *_: asked.append(1) or face)
    Refiner(FakeSession(), SIZE, bank_of(30))(inputs())
    assert asked
