from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ganonymization.evaluation import expression
from ganonymization.evaluation.expression import (
    expression_distance,
    opening_correlation,
    pose_error_deg,
)
from ganonymization.surrogate.shape_model import Posed

from .made_pairs import (
    CLASSES,
    copied,
    first_of,
    made_pairs,
    told_by,
    with_gender,
    without_output,
)

RNG = np.random.default_rng(0)


def rotations(count):
    return Rotation.random(count, random_state=0)


def turned(landmarks_px, rotation):
    """Faces turned about their middle."""
    middle = landmarks_px.mean(1, keepdims=True)
    return (landmarks_px - middle) @ rotation.as_matrix().T + middle


def seen_at(pairs, landmarks_px):
    """The same pairs where landmarks of the outputs lie elsewhere."""
    return replace(pairs, after=replace(pairs.after, landmarks_px=landmarks_px))


def test_the_pose_error_is_the_angle_of_scipys_rotation():
    before, after = rotations(30), rotations(60)[30:]
    expected = np.degrees((before.inv() * after).magnitude())
    np.testing.assert_allclose(pose_error_deg(before.as_matrix(), after.as_matrix()), expected)


def test_equal_poses_have_no_error_and_opposite_ones_a_half_turn():
    same = rotations(5).as_matrix()
    np.testing.assert_allclose(pose_error_deg(same, same), 0, atol=1e-5)
    back = Rotation.from_euler("y", 180, degrees=True).as_matrix()[None]
    assert pose_error_deg(np.eye(3)[None], back) == pytest.approx(180)


def test_what_all_faces_change_by_is_no_expression():
    faces = RNG.normal(0, 1, (6, 478, 3))
    moved = faces + RNG.normal(0, 1, (478, 3))
    np.testing.assert_allclose(expression_distance(faces, moved), 0, atol=1e-12)


def test_the_expression_distance_is_the_root_mean_square_over_landmarks():
    """Two of 478 landmarks of one of two faces move by (0.3, 0.4): half of it is the mean's."""
    before = np.zeros((2, 478, 3))
    after = before.copy()
    after[1, [13, 14], :2] = 0.3, 0.4
    expected = np.sqrt(2 * 0.25**2 / 478)
    np.testing.assert_allclose(expression_distance(before, after), [expected, expected])


def test_depth_does_not_count_and_missing_faces_have_no_distance():
    before = np.zeros((3, 478, 3))
    after = before.copy()
    after[1, :, 2] = 5
    after[2] = np.nan
    np.testing.assert_array_equal(expression_distance(before, after), [0, 0, np.nan])


def test_the_opening_correlation_is_pearsons():
    a, noise = RNG.normal(size=80), RNG.normal(size=80)
    person = np.repeat([f"p{i}" for i in range(20)], 4)
    value, low, high = opening_correlation(a, a + noise, person)
    assert value == pytest.approx(np.corrcoef(a, a + noise)[0, 1])
    assert low < value < high


def test_without_a_change_nothing_is_lost():
    family = expression.measure(copied(with_gender(made_pairs())))
    assert family.figure("landmark distance, pose removed").value == pytest.approx(0, abs=1e-9)
    assert family.figure("head pose error in degrees").value == pytest.approx(0, abs=1e-4)
    assert family.figure("mouth opening").value == pytest.approx(1)
    assert family.figure("eye opening").value == pytest.approx(1)
    assert family.figure("probability change").value == pytest.approx(0, abs=1e-12)
    assert family.figure("head pose error in degrees", "gender: female").count == 80
    assert family.verdict == "pass"


@pytest.mark.parametrize("axis", ["x", "y"])
def test_a_head_that_turns_is_an_error(axis):
    pairs = made_pairs(12)
    turn = Rotation.from_euler(axis, 20, degrees=True)
    family = expression.measure(seen_at(pairs, turned(pairs.before.landmarks_px, turn)))
    assert family.figure("head pose error in degrees").value == pytest.approx(20, abs=1)
    assert family.figure("landmark distance, pose removed").value == pytest.approx(0, abs=1e-9)


def test_a_tilt_in_the_pictures_plane_is_none_for_portraits_take_it_out():
    pairs = made_pairs(12)
    aside = turned(pairs.before.landmarks_px, Rotation.from_euler("yx", [30, 15], degrees=True))
    pairs = replace(pairs, before=replace(pairs.before, landmarks_px=aside))
    tilted = turned(aside, Rotation.from_euler("z", 40, degrees=True))
    family = expression.measure(seen_at(pairs, tilted))
    assert family.figure("head pose error in degrees").value == pytest.approx(0, abs=0.01)


def test_closed_mouths_fail():
    pairs = made_pairs()
    closed = pairs.before.landmarks_px[0]
    family = expression.measure(seen_at(pairs, np.repeat(closed[None], len(pairs.file), 0)))
    assert np.isnan(family.figure("mouth opening").value)
    assert family.verdict == "fail"


def test_mouths_that_open_at_random_fail():
    pairs = made_pairs()
    order = np.random.default_rng(1).permutation(len(pairs.file))
    family = expression.measure(seen_at(pairs, pairs.after.landmarks_px[order]))
    assert abs(family.figure("mouth opening").value) < 0.3
    assert family.verdict == "fail"


def test_a_glance_is_followed():
    pairs = made_pairs(12)
    aside = RNG.normal(0, 0.02, len(pairs.file))
    posed = Posed.of(pairs.before.landmarks_px)
    both = []
    for sign in (1, -1):
        frontal = posed.frontal.copy()
        frontal[:, 468:, 0] += sign * aside[:, None]
        both.append(posed.posed(frontal))
    pairs = replace(pairs, before=replace(pairs.before, landmarks_px=both[0]))
    assert expression.measure(seen_at(pairs, both[0])).figure("glance aside").value > 0.99
    assert expression.measure(seen_at(pairs, both[1])).figure("glance aside").value < -0.8


def test_without_labels_no_classifier_is_asked():
    family = expression.measure(made_pairs(labels={}))
    assert family.verdict == "inconclusive"
    assert "not labelled" in family.missing[0].what
    assert "--labels" in family.missing[0].remedy
    assert family.tables == {}
    assert {f.metric for f in family.figures} == {
        "opening_correlation", "expression_distance", "pose_error_deg"
    }  # fmt: skip


@pytest.mark.parametrize(("wrong", "verdict"), [(0.1, "pass"), (0.2, "warn"), (0.3, "fail")])
def test_the_labels_that_are_left_beyond_chance_decide(wrong, verdict):
    pairs = copied(made_pairs())
    other = dict(zip(CLASSES, np.roll(CLASSES, 1), strict=True))
    after = pairs.expression.copy()
    for name in CLASSES:
        members = np.flatnonzero(pairs.expression == name)
        after[members[: round(wrong * len(members))]] = other[name]
    family = expression.measure(pairs, told_by(CLASSES, pairs.expression, after))
    assert family.verdict == verdict


def test_labels_that_are_read_by_chance_alone_fail():
    """Half of two labels is what a constant answer gets; of originals 60 % are read."""
    pairs = copied(made_pairs())
    label = np.where(np.arange(160) % 2 == 0, "happiness", "neutral")
    other = np.where(label == "neutral", "happiness", "neutral")
    before = np.where(np.arange(160) // 2 % 10 < 6, label, other)
    classify = told_by(["happiness", "neutral"], before, np.full(160, "neutral"))
    family = expression.measure(replace(pairs, labels={"expression": label}), classify)
    assert family.figure("labels read from outputs").value == pytest.approx(0.5)
    assert family.verdict == "fail"


def test_expressions_without_an_output_are_gone():
    pairs = copied(made_pairs())
    gone = first_of(pairs, len(pairs.file) // 2)
    after = np.where(gone, "", pairs.expression)
    classify = told_by(CLASSES, pairs.expression, after)
    assert expression.measure(pairs, classify).verdict == "fail"
    assert expression.measure(without_output(pairs, gone), classify).verdict == "fail"


def test_expressions_on_too_few_pictures_are_told():
    pairs = made_pairs()
    alone = np.where(pairs.expression == "neutral", "neutral", "")
    family = expression.measure(replace(pairs, labels={"expression": alone}))
    assert family.verdict == "inconclusive"
    (missing,) = family.missing
    assert (
        missing.what
        == f"too few labelled expressions to tell apart (neutral {(alone != '').sum()})"
    )
    assert "label 12 pictures or more each of two expressions" in missing.remedy


def test_an_expression_of_one_person_alone_is_inconclusive():
    """Nobody else could teach a classifier to read it."""
    pairs = made_pairs(12, 16)
    labels = np.where(pairs.person == pairs.person[0], "fear", pairs.expression)
    family = expression.measure(replace(pairs, labels={"expression": labels}))
    assert family.verdict == "inconclusive"
    assert any("labelled originals were not read" in each.what for each in family.missing)


def test_labels_that_a_network_does_not_know_are_told():
    pairs = copied(made_pairs())
    known = np.where(pairs.expression == "surprise", "", pairs.expression)
    classify = told_by(CLASSES[:2], known, known)
    family = expression.measure(pairs, classify)
    count = (pairs.expression == "surprise").sum()
    assert f"unknown to the classifier: surprise {count}" in family.missing[0].what
    assert family.verdict == "inconclusive"


def test_a_network_whose_answers_are_not_labelled_decides_nothing():
    pairs = copied(made_pairs())
    classify = told_by(CLASSES, pairs.expression, pairs.expression)
    family = expression.measure(replace(pairs, labels={}), classify)
    assert family.verdict == "inconclusive"
    assert "not labelled" in family.missing[0].what
    assert family.figure("probability change").value == 0


def test_the_classifier_that_is_trained_here_tells_expressions_by_landmarks():
    pairs = made_pairs()
    blank = np.zeros((len(pairs.file), 1568), np.float32)
    seen = [replace(side, gradients=blank) for side in (pairs.before, pairs.after)]
    family = expression.measure(replace(pairs, before=seen[0], after=seen[1]))
    assert family.figure("labels read from originals").value > 0.7
    assert family.figure("labels read from outputs").value > 0.7
    assert family.verdict == "pass"
    assert all(row["F1 learnt from outputs"] > 0.7 for row in family.tables["classes"])


def test_without_any_output_nothing_of_landmarks_is_told():
    pairs = made_pairs(labels={})
    family = expression.measure(without_output(pairs, np.ones(len(pairs.file), bool)))
    assert np.isnan(family.figure("mouth opening").value)
    assert family.figure("head pose error in degrees").count == 0
    assert family.verdict == "inconclusive"
    assert any(each.what.startswith("mouths: no pair") for each in family.missing)
    assert "nan" not in " ".join(family.findings)
