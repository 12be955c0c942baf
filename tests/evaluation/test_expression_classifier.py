from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from sklearn import metrics

from ganonymization.evaluation import expression_classifier
from ganonymization.evaluation.expression_classifier import (
    by_face,
    f1,
    face_features,
    kappa,
    mean_probability_change,
    read,
)
from ganonymization.geometry import topology

from .made_pairs import (
    CLASSES,
    copied,
    first_of,
    made_pairs,
    told_by,
    with_gender,
    without_face,
    without_output,
)

RNG = np.random.default_rng(0)
ANEW = "labels read from outputs, learnt from outputs"


def figure(found, title, group="all"):
    (told,) = (f for f in found.figures if (f.title, f.group) == (title, group))
    return told


def groups_of(found, title):
    return {f.group for f in found.figures if f.title == title}


def read_as(pairs, classes, before, after):
    """What is read where a classifier says so."""
    return read(pairs, *told_by(classes, before, after)(pairs))


def plain():
    """People whose landmarks alone tell what they show."""
    pairs = made_pairs()
    blank = np.zeros((160, 1568), np.float32)
    before, after = (replace(seen, gradients=blank) for seen in (pairs.before, pairs.after))
    return replace(pairs, before=before, after=after)


@pytest.fixture(scope="module")
def pairs():
    return copied(plain())


@pytest.mark.parametrize("of", range(4))
def test_f1_and_kappa_are_those_of_scikit_learn(of):
    true = RNG.integers(0, 4, 200)
    said = np.where(RNG.random(200) < 0.6, true, RNG.integers(0, 4, 200))
    (expected,) = metrics.f1_score(true, said, labels=[of], average=None)
    assert f1(said, true, of) == pytest.approx(expected)
    assert kappa(true, said, of) == pytest.approx(metrics.cohen_kappa_score(true == of, said == of))


def test_f1_and_kappa_of_a_class_that_nobody_names_are_unknown():
    nobody = np.zeros(5, np.int64)
    assert np.isnan(f1(nobody, nobody, 1))
    assert np.isnan(kappa(nobody, nobody, 1))


def test_contrary_answers_have_a_kappa_of_minus_one():
    assert kappa(np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0]), 0) == -1


def test_the_probability_change_is_the_mean_over_classes():
    before = np.array([[0.7, 0.2, 0.1], [1, 0, 0], [np.nan] * 3])
    after = np.array([[0.1, 0.5, 0.4], [0, 0, 1], [1, 0, 0]])
    np.testing.assert_allclose(mean_probability_change(before, after), [0.4, 2 / 3, np.nan])


def test_features_of_missing_faces_are_missing():
    pairs = made_pairs(4)
    gone = first_of(pairs, 3)
    found = face_features(without_face(pairs.before, gone))
    assert found.shape == (16, 1568 + 2 * topology.SURFACE_COUNT)
    np.testing.assert_array_equal(np.isfinite(found).all(1), ~gone)


def test_features_do_not_hang_on_pose_and_size():
    seen = made_pairs(4).before
    middle = seen.landmarks_px.mean(1, keepdims=True)
    turn = Rotation.from_euler("xyz", [10, 20, 30], degrees=True).as_matrix()
    moved = 3 * ((seen.landmarks_px - middle) @ turn.T + middle) + 7
    elsewhere = face_features(replace(seen, landmarks_px=moved))
    np.testing.assert_allclose(face_features(seen), elsewhere, atol=1e-6)


def test_the_small_classifier_answers_about_every_face():
    pairs = plain()
    gone = first_of(pairs, 5)
    classes, before, after = by_face(without_output(pairs, gone))
    assert classes == CLASSES
    np.testing.assert_allclose(before.sum(1), 1)
    np.testing.assert_array_equal(np.isnan(after).any(1), gone)
    assert (np.array(classes)[before.argmax(1)] == pairs.expression).mean() > 0.7


def test_where_all_show_one_expression_there_is_nothing_to_tell():
    pairs = made_pairs(12)
    classes, before, after = by_face(replace(pairs, labels={"expression": np.full(48, "neutral")}))
    assert classes == []
    assert before.shape == after.shape == (48, 0)


@pytest.fixture(scope="module")
def answered(pairs):
    """Labels, answers on originals and outputs, and what is made of them."""
    true = pairs.expression
    rng = np.random.default_rng(0)
    said = [
        np.where(rng.random(len(true)) < right, true, rng.choice(CLASSES, len(true)))
        for right in (0.9, 0.8)
    ]
    return true, *said, read_as(pairs, CLASSES, *said)


def test_labels_are_read_as_often_as_scikit_learn_says(answered):
    true, before, after, found = answered
    for title, said in (("originals", before), ("outputs", after)):
        told = figure(found, f"labels read from {title}")
        assert told.value == pytest.approx(metrics.balanced_accuracy_score(true, said))
        assert told.low < told.value < told.high
        assert told.reference == {"chance": pytest.approx(1 / 3)}
        assert told.count == len(true)


def test_the_share_is_that_of_what_is_beyond_chance(answered):
    true, before, after, found = answered
    real, kept = (
        metrics.balanced_accuracy_score(true, said, adjusted=True) for said in (before, after)
    )
    assert 0.5 < found.share < 1
    assert found.share == pytest.approx(kept / real)
    assert f"{kept / real:.0%} of what is beyond chance (33%)" in found.finding


def test_each_class_has_its_row(answered):
    true, before, after, found = answered
    assert [row["expression"] for row in found.rows] == CLASSES
    for row in found.rows:
        name = row["expression"]
        assert row["pictures"] == (true == name).sum()
        assert row["kappa"] == pytest.approx(
            metrics.cohen_kappa_score(before == name, after == name)
        )
        changed = (before == name) != (after == name)
        assert row["mean |change of p|"] == pytest.approx(changed.mean())


def test_each_picture_has_its_change_of_probability(answered):
    _, before, after, found = answered
    np.testing.assert_allclose(found.changes, np.where(before == after, 0, 2 / 3))


def test_a_classifier_that_reads_nothing_from_originals_proves_nothing(pairs):
    found = read_as(pairs, CLASSES, np.full(160, "neutral"), pairs.expression)
    assert np.isnan(found.share)
    assert "an unknown share" in found.finding


def test_a_missing_output_is_no_agreement(pairs):
    gone = first_of(pairs, 80)
    after = np.where(gone, "", pairs.expression)
    found = read_as(without_output(pairs, gone), CLASSES, pairs.expression, after)
    told = figure(found, "labels read from outputs")
    assert told.count == 160
    assert told.value == pytest.approx(
        metrics.recall_score(pairs.expression, after, labels=CLASSES, average="macro")
    )


def test_the_share_and_its_interval_end_at_one(pairs):
    found = read_as(pairs, CLASSES, pairs.expression, pairs.expression)
    told = figure(found, "labels read from originals")
    assert (told.value, told.low, told.high) == (1, 1, 1)


def test_a_group_is_asked_about_the_classes_that_it_has(pairs):
    smiles = np.where(pairs.expression == "happiness", "yes", "no")
    grouped = replace(pairs, groups={"smiles": smiles})
    found = read_as(grouped, CLASSES, pairs.expression, pairs.expression)
    title = "labels read from originals"
    told = figure(found, title, "smiles: no")
    assert told.value == pytest.approx(1)
    assert told.reference == {"chance": 1 / 2}
    assert groups_of(found, title) == {"all", "smiles: no"}  # one class alone is always right


def test_groups_of_few_pictures_are_not_told(pairs):
    some = replace(pairs, groups={"hat": np.where(first_of(pairs, 9), "yes", "no")})
    more = replace(pairs, groups={"hat": np.where(first_of(pairs, 10), "yes", "no")})
    for grouped, told in ((some, {"all", "hat: no"}), (more, {"all", "hat: no", "hat: yes"})):
        found = read_as(grouped, CLASSES, pairs.expression, pairs.expression)
        assert groups_of(found, "labels read from outputs") == told


def test_each_groups_accuracy_is_its_own(pairs):
    gendered = with_gender(pairs)
    female = gendered.labels["gender"] == "female"
    after = np.where(female, pairs.expression, "neutral")
    found = read_as(gendered, CLASSES, pairs.expression, after)
    title = "labels read from outputs"
    assert figure(found, title, "gender: female").value == 1
    assert figure(found, title, "gender: male").value == pytest.approx(1 / 3)


@pytest.fixture(scope="module")
def of_eight(pairs):
    """What a network reads that knows of classes that nobody shows."""
    more = [*CLASSES, "anger", "contempt"]
    return read_as(pairs, more, pairs.expression, pairs.expression)


def test_classes_that_nobody_shows_do_not_lower_the_accuracy(of_eight):
    told = figure(of_eight, "labels read from originals")
    assert told.value == pytest.approx(1)
    assert told.reference == {"chance": pytest.approx(1 / 3)}
    assert [row["pictures"] > 0 for row in of_eight.rows] == [True] * 3 + [False] * 2


def test_classes_that_nobody_shows_do_not_keep_the_others_from_being_learnt(of_eight, answered):
    learnt = figure(of_eight, ANEW)
    assert learnt.value == pytest.approx(figure(answered[-1], ANEW).value)
    assert learnt.value > 0.7
    unlearnt = [np.isnan(row["F1 learnt from outputs"]) for row in of_eight.rows]
    assert unlearnt == [False] * 3 + [True] * 2


def test_where_nothing_is_learnt_from_outputs_nothing_of_it_is_told(pairs):
    lacking = without_output(pairs, ~first_of(pairs, 9))
    after = np.where(first_of(pairs, 9), pairs.expression, "")
    found = read_as(lacking, CLASSES, pairs.expression, after)
    assert ANEW not in {f.title for f in found.figures}
    assert "labels read from outputs" in {f.title for f in found.figures}


def test_answers_without_labels_are_compared_but_not_judged(pairs):
    unlabelled = replace(pairs, labels={})
    found = read_as(unlabelled, CLASSES, pairs.expression, np.roll(pairs.expression, 1))
    assert {f.metric for f in found.figures} == {
        expression_classifier.mean_probability_change.__name__
    }
    assert figure(found, "probability change").value > 0
    assert np.isnan(found.share)
    assert "not labelled" in found.missing[0].what
    assert "nan" not in found.finding


def test_what_is_drawn_otherwise_does_not_mislead_landmarks(pairs):
    """Gradients that say another class on outputs than on originals."""
    patterns = RNG.normal(0, 1, (len(CLASSES), 1568)).astype(np.float32)
    which = np.array([CLASSES.index(label) for label in pairs.expression])
    misled = replace(
        pairs,
        before=replace(pairs.before, gradients=patterns[which]),
        after=replace(pairs.after, gradients=patterns[(which + 1) % len(CLASSES)]),
    )
    found = read(misled, *by_face(misled))
    told = [
        figure(found, f"labels read from {name}, by landmarks alone").value
        for name in ("originals", "outputs")
    ]
    assert told[0] == told[1] > 0.8
    assert figure(found, "labels read from originals").value > 0.8
    assert figure(found, "labels read from outputs").value < 0.5
