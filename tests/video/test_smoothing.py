import pickle

import cv2
import numpy as np
import pytest

from ganonymization.geometry import topology
from ganonymization.geometry.wall import GeneratorInput
from ganonymization.surrogate.eye_mouth_opening import EYE_OPENNESS, EYES
from ganonymization.surrogate.shape_model import Posed
from ganonymization.video.smoothing import REACH, EyesAtRest, settled, steadied, toned

from ..conftest import face_landmarks

EYES_PX = 60.0
UPPER_LIDS = topology.EYE_RIGHT[1:8] + topology.EYE_LEFT[1:8]


def posed(frontal, scale=EYES_PX, roll=0.0, yaw=0.0, shift=(200.0, 150.0, 0.0)):
    """A face of the canonical frame in pixels."""
    cos, sin = np.cos(roll), np.sin(roll)
    tilt = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    cos, sin = np.cos(yaw), np.sin(yaw)
    turn = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    return scale * frontal @ (tilt @ turn).T + np.array(shift)


def canonical():
    return topology.canonical_face().astype(float)


def smiling(amount):
    """The canonical face with its lips moved, which no pose is fitted to."""
    face = canonical()
    face[list(topology.EXPRESSIVE["mouth"]), :2] += [0.1 * amount, -0.2 * amount]
    return face


def steady_clip(clip):
    return [steadied(clip, i) if points is not None else None for i, points in enumerate(clip)]


def moving(i):
    """Everything changes evenly: place, size, tilt, and the mouth."""
    return posed(
        smiling(0.05 * i), EYES_PX + 0.7 * i, roll=0.01 * i, shift=(200 + 3 * i, 90 - i, i)
    )


def test_what_moves_evenly_stays_where_it_is():
    clip = [moving(i) for i in range(12)]
    assert np.abs(clip[1] - clip[0]).max() > 0.05 * EYES_PX  # it does move
    for was, now in zip(clip, steady_clip(clip), strict=True):
        assert np.abs(now - was).max() < 1e-6 * EYES_PX


def test_a_turning_head_stays_where_it_is():
    clip = [posed(canonical(), yaw=0.05 * i, roll=0.3) for i in range(9)]
    for was, now in zip(clip, steady_clip(clip), strict=True):
        assert np.abs(now - was).max() < 1e-6 * EYES_PX


@pytest.mark.parametrize("gaps", [{1}, {4}, {5, 6}, {2, 3, 7, 8}, {0, 9}])
def test_gaps_do_not_let_it_lag(gaps):
    clip = [None if i in gaps else moving(i) for i in range(10)]
    for was, now in zip(clip, steady_clip(clip), strict=True):
        assert now is None or np.abs(now - was).max() < 1e-6 * EYES_PX


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5])
def test_short_clips_and_the_ends_of_a_clip_stay_where_they_are(length):
    clip = [moving(i) + i**3 for i in range(length)]  # unevenly, so that a lag would show
    for end in (0, length - 1):
        assert np.abs(steadied(clip, end) - clip[end]).max() < 1e-9 * EYES_PX


def test_a_frame_without_seen_neighbours_stays_as_it_is():
    points = moving(0)
    clip = [None] * 4 + [points] + [None] * 4
    assert np.abs(steadied(clip, 4) - points).max() < 1e-9 * EYES_PX


@pytest.mark.parametrize("sigma_eyes", [0.001, 0.003, 0.006])
@pytest.mark.parametrize("kind", ["each landmark", "all of them"])
def test_jitter_is_at_least_halved(kind, sigma_eyes):
    rng = np.random.default_rng(0)
    still = posed(canonical())
    shape = (120, 478, 2) if kind == "each landmark" else (120, 1, 2)
    noise = np.zeros((120, 478, 3))
    noise[..., :2] = rng.normal(0, sigma_eyes * EYES_PX, shape)
    out = np.stack(steady_clip(list(still + noise)))[REACH:-REACH, :, :2]
    left = (out - still[:, :2]).std()
    assert left <= 0.5 * noise[REACH:-REACH, :, :2].std()


def test_jitter_of_a_moving_head_is_halved_too():
    rng = np.random.default_rng(1)
    clean = np.stack([moving(i) for i in range(100)])
    noise = rng.normal(0, 0.003 * EYES_PX, clean.shape)
    out = np.stack(steady_clip(list(clean + noise)))
    inner = slice(REACH, -REACH)
    assert (out - clean)[inner, :, :2].std() <= 0.5 * noise[inner, :, :2].std()


@pytest.mark.parametrize("px_a_frame", [12, 30])
def test_jitter_of_a_fast_head_is_halved(px_a_frame):
    """What moves evenly is no jerk, however fast."""
    rng = np.random.default_rng(2)
    clean = np.stack([posed(canonical(), shift=(px_a_frame * i, 0, 0)) for i in range(60)])
    noise = rng.normal(0, 0.003 * EYES_PX, (60, 1, 3))
    out = np.stack(steady_clip(list(clean + noise)))
    inner = slice(REACH, -REACH)
    assert (out - clean)[inner, :, :2].std() <= 0.5 * noise[inner, :, :2].std()


def test_jitter_of_lips_that_open_evenly_is_halved():
    rng = np.random.default_rng(2)
    clean = np.stack([posed(smiling(0.25 * (5 - abs(i % 20 - 10)))) for i in range(60)])
    noise = rng.normal(0, 0.003 * EYES_PX, clean.shape)
    out = np.stack(steady_clip(list(clean + noise)))
    evenly = [i for i in range(60) if 3 <= i % 10 <= 7 and 3 <= i < 57]
    lips = list(topology.EXPRESSIVE["mouth"])
    left = (out - clean)[evenly][:, lips, :2].std()
    assert left <= 0.55 * noise[evenly][:, lips, :2].std()


def openness(points):
    return np.mean([eye.openness(Posed.of(points).frontal) for eye in EYES])


def shut(share):
    """The canonical face with its lids closed so far."""
    face = canonical()
    for eye in (topology.EYE_RIGHT, topology.EYE_LEFT):
        for upper, lower in zip(eye[1:8], eye[:8:-1], strict=True):
            face[upper] += share * (face[lower] - face[upper])
    return face


def blink(shares):
    return [posed(shut(share)) for share in shares]


def depths(shares):
    """How far the eyes are closed in each frame after steadying, 0 to 1."""
    opened, closed = openness(posed(shut(0))), openness(posed(shut(1)))
    return [(opened - openness(p)) / (opened - closed) for p in steady_clip(blink(shares))]


def test_a_blink_of_one_frame_keeps_its_depth():
    assert depths([0] * 6 + [1] + [0] * 6)[6] >= 0.9


def test_a_blink_of_three_frames_keeps_its_depth():
    assert depths([0] * 6 + [0.5, 1, 0.5] + [0] * 6)[7] >= 0.85


def test_a_blink_is_not_smeared_to_its_neighbours():
    shown = depths([0] * 6 + [1] + [0] * 6)
    assert max(abs(depth) for i, depth in enumerate(shown) if i != 6) <= 0.05


def test_an_opening_mouth_opens_in_the_same_frame():
    """A step of 0.2 eye distances is an expression, and stays a step."""
    clip = [posed(smiling(0))] * 6 + [posed(smiling(1))] * 6
    lips = list(topology.EXPRESSIVE["mouth"])
    for was, now in zip(clip, steady_clip(clip), strict=True):
        assert np.abs(now - was)[lips].max() < 0.05 * 0.2 * EYES_PX


def test_a_jerk_of_the_head_is_not_smeared():
    clip = [posed(canonical())] * 5 + [posed(canonical(), shift=(230.0, 150, 0))] * 5
    for was, now in zip(clip, steady_clip(clip), strict=True):
        assert np.abs(now - was).max() < 0.05 * 30


@pytest.mark.parametrize("step", [0.02, 0.5, 2.0, np.pi])
def test_a_rotation_stays_a_rotation(step):
    """However the head is thrown about, the face keeps its shape and is never mirrored."""
    rng = np.random.default_rng(3)
    clip = [
        posed(canonical(), roll=step * rng.normal(), yaw=min(step, 0.5) * rng.normal())
        for _ in range(20)
    ]
    for points in steady_clip(clip):
        assert np.abs(Posed.of(points).frontal - canonical()).max() < 1e-6


def test_the_input_is_not_changed():
    clip = [moving(i) for i in range(7)]
    before = [points.copy() for points in clip]
    steadied(clip, 3)
    assert all(np.array_equal(a, b) for a, b in zip(before, clip, strict=True))


def test_a_face_that_stands_still_stays(face):
    clip = [face_landmarks((80.0, 70.0), 25.0, 0.4)] * 9
    assert all(np.abs(points - clip[0]).max() < 1e-9 * 25 for points in steady_clip(clip))


def noise(seed, deviation, size=96):
    rng = np.random.default_rng(seed)
    return np.clip(120 + rng.normal(0, deviation, (size, size, 3)), 0, 255).astype(np.uint8)


STILL_PX = posed(canonical(), scale=30.0, shift=(48.0, 48.0, 0.0))


def test_small_flicker_is_settled():
    before, changes, raw = noise(0, 2), [], []
    drawn = [noise(i, 2) for i in range(1, 30)]
    for old, new in zip([before, *drawn], drawn, strict=False):
        raw.append(np.abs(old.astype(int) - new).mean())
        after = settled(new, before, STILL_PX, STILL_PX)
        changes.append(np.abs(before.astype(int) - after).mean())
        before = after
    assert np.mean(changes[5:]) < 0.5 * np.mean(raw)


def test_what_moves_is_not_held_back():
    before, drawn = noise(0, 1), noise(1, 1)
    drawn[30:60, 30:60] = (200, 40, 40)  # a mouth opens
    after = settled(drawn, before, STILL_PX, STILL_PX)
    assert np.abs(after[33:57, 33:57].astype(int) - drawn[33:57, 33:57]).max() <= 1
    still = np.ones((96, 96), bool)
    still[24:66, 24:66] = False
    assert (
        np.abs(after[still].astype(int) - before[still]).mean()
        < 0.6 * np.abs(drawn[still].astype(int) - before[still]).mean()
    )


def test_a_picture_settles_to_what_is_drawn_again_and_again():
    before, drawn = noise(0, 2), noise(1, 2)
    for _ in range(30):
        before = settled(drawn, before, STILL_PX, STILL_PX)
    assert np.abs(before.astype(int) - drawn).max() <= 3  # a share of less rounds to nothing


def test_what_was_drawn_before_moves_with_the_landmarks():
    rng = np.random.default_rng(3)
    small = rng.integers(20, 235, (24, 24, 3), np.uint8)
    picture = cv2.resize(small, (96, 96), interpolation=cv2.INTER_CUBIC)
    clean = np.roll(picture, 3, axis=1).astype(int)
    drawn = np.clip(clean + rng.normal(0, 3, clean.shape), 0, 255).astype(np.uint8)
    inside = (slice(35, 61), slice(38, 64))

    def noise_left(landmarks_px):
        after = settled(drawn, picture, landmarks_px, STILL_PX)
        return np.abs(after[inside].astype(int) - clean[inside]).mean()

    own = np.abs(drawn[inside].astype(int) - clean[inside]).mean()
    assert noise_left(STILL_PX + np.array([3.0, 0, 0])) < 0.7 * own
    assert noise_left(STILL_PX) > 0.9 * own  # nothing lies over it, so nothing is mixed in


def with_eyes(open_by):
    """The canonical face with its eyes open so far, in pixels."""
    face = canonical()
    surface = face[:468]
    for eye in EYES:
        surface = eye.opened(surface, np.float64(open_by))
    return posed(np.concatenate([surface, face[468:]]))


def test_a_blink_of_one_frame_stays_whole():
    rng = np.random.default_rng(5)
    clip = [with_eyes(0.2) for _ in range(9)]
    clip[4] = with_eyes(0.03)
    clip = [points + rng.normal(0, 0.003 * EYES_PX, points.shape) for points in clip]
    assert np.allclose(openness(steadied(clip, 4)), openness(clip[4]), atol=0.01)
    assert np.allclose(openness(steadied(clip, 3)), openness(clip[3]), atol=0.02)


def test_eyes_at_rest_are_the_median_of_a_track():
    eyes = EyesAtRest()
    assert np.allclose(eyes.after({0: None})[0], EYE_OPENNESS)
    for i in range(60):
        found = eyes.after({0: with_eyes(0.02 if i % 10 == 0 else 0.27), 1: None})
    assert np.allclose(found[0], 0.27, atol=0.01)
    assert np.allclose(found[1], EYE_OPENNESS)  # another track's are its own


def test_eyes_of_a_track_that_ended_are_forgotten():
    """Memory does not grow with the tracks of a long video, nor do numbers come back."""
    eyes = EyesAtRest()
    for track in range(200):
        eyes.after({track: with_eyes(0.27)})
    assert len(pickle.dumps(eyes)) < 2000
    for _ in range(30):
        eyes.after({0: with_eyes(0.27)})
    assert np.allclose(eyes.after({0: None})[0], 0.27, atol=0.01)
    eyes.after({})
    assert np.allclose(eyes.after({0: None})[0], EYE_OPENNESS)


def inputs_in(around, size=96):
    """A face in plain surroundings."""
    wall = np.zeros((size, size), bool)
    wall[12:84, 12:84] = True
    context = np.full((size, size, 3), around, np.uint8)
    context[wall] = 0
    face = posed(canonical(), scale=30.0, shift=(48.0, 48.0, 0.0))
    return GeneratorInput(face, context, wall, 1)


def test_the_tone_of_a_track_stays():
    usual, skin = None, np.array([180, 140, 120])
    for i in range(40):
        guess = skin * (1.25 if i % 2 else 0.8)
        drawn = np.full((96, 96, 3), guess, np.uint8)
        shown, usual = toned(drawn, inputs_in((90, 100, 110)), usual)
    middle = shown[48, 48].astype(float)
    assert np.abs(middle / (skin * 1.02) - 1).max() < 0.06
    assert np.array_equal(shown[:8], drawn[:8])  # the ring fits its surroundings already


def test_a_face_goes_with_the_light():
    skin, usual = np.array([150, 120, 100]), None
    for _ in range(30):
        _, usual = toned(np.full((96, 96, 3), skin, np.uint8), inputs_in((90, 90, 90)), usual)
    dark, _ = toned(np.full((96, 96, 3), skin // 2, np.uint8), inputs_in((45, 45, 45)), usual)
    light, _ = toned(np.full((96, 96, 3), skin // 2, np.uint8), inputs_in((90, 90, 90)), usual)
    assert dark[48, 48].mean() < 0.75 * skin.mean()
    assert light[48, 48].mean() > 0.75 * skin.mean()


def test_portraits_have_no_light_around_them():
    portrait = GeneratorInput.portrait(96, inputs_in((0, 0, 0)).surrogate_px, 1)
    drawn = np.full((96, 96, 3), 120, np.uint8)
    _, usual = toned(drawn, portrait, None)
    shown, _ = toned(drawn // 2 + 30, portrait, usual)
    assert shown[48, 48, 0] == pytest.approx(120, abs=2)
