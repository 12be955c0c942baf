import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import balanced_accuracy_score

from ganonymization.evaluation.attackers import folds
from ganonymization.evaluation.classifiers import (
    balanced_accuracy,
    classes_of,
    cross_probabilities,
    discriminants,
)

PEOPLE, PICTURES = 60, 4
PERSON = np.repeat([f"p{i:02d}" for i in range(PEOPLE)], PICTURES)
LABELS = np.tile(["no", "yes"], len(PERSON) // 2)
CLASSES = ["no", "yes"]


def telling(width: int = 20, seed: int = 0) -> np.ndarray:
    """Features whose first number tells the label."""
    values = np.random.default_rng(seed).normal(size=(len(PERSON), width))
    values[:, 0] += 4 * (LABELS == "yes")
    return values


def right(probabilities: np.ndarray, labels: np.ndarray = LABELS) -> float:
    return float((np.array(CLASSES)[probabilities.argmax(1)] == labels).mean())


def test_labels_with_a_dozen_pictures_are_classes():
    labels = np.array(["a"] * 12 + ["b"] * 11 + ["c"] * 20 + [""] * 30)
    there = np.ones(len(labels), bool)
    assert classes_of(labels, there) == ["a", "c"]
    there[0] = False
    assert classes_of(labels, there) == ["c"]


def answers(count=400):
    """Whether answers are right, and uneven labels, of people with four pictures each."""
    rng = np.random.default_rng(0)
    labels = rng.choice(["a", "b", "c"], count, p=[0.7, 0.25, 0.05])
    said = np.where(rng.random(count) < 0.6, labels, "a")
    return said, labels, np.repeat([f"p{i:03d}" for i in range(count // 4)], 4)


def test_balanced_accuracy_is_that_of_scikit_learn():
    said, labels, person = answers()
    right = (said == labels).astype(float)
    value, low, high = balanced_accuracy(right, labels, person)
    assert value == pytest.approx(balanced_accuracy_score(labels, said))
    assert abs(value - right.mean()) > 0.05
    assert 0 < low < value < high < 1


def test_the_interval_of_the_accuracy_is_that_of_many_samples_of_people():
    said, labels, person = answers()
    right = (said == labels).astype(float)
    rng = np.random.default_rng(1)
    rows = [np.flatnonzero(person == name) for name in np.unique(person)]
    found = []
    for _ in range(1000):
        some = np.concatenate([rows[i] for i in rng.integers(0, len(rows), len(rows))])
        accuracies = [right[some][labels[some] == name].mean() for name in set(labels[some])]
        found.append(np.mean(accuracies))
    expected = np.quantile(found, [0.025, 0.975])
    assert balanced_accuracy(right, labels, person)[1:] == pytest.approx(expected, abs=0.015)


def test_pictures_of_one_person_make_the_interval_no_narrower():
    said, labels, _ = answers()
    right = (said == labels).astype(float)
    alone = np.arange(400).astype(str)
    _, low, high = balanced_accuracy(right, labels, alone)
    again = [np.repeat(values, 4) for values in (right, labels, alone)]
    assert balanced_accuracy(*again)[1:] == pytest.approx((low, high))


def test_a_class_that_a_sample_of_people_lacks_is_left_out_of_it():
    labels = np.array(["a"] * 40 + ["b"])
    right = np.ones(41)
    assert balanced_accuracy(right, labels, np.arange(41).astype(str)) == (1, 1, 1)


def test_the_accuracy_of_no_answers_is_unknown():
    nothing = np.array([], np.str_)
    assert np.isnan(balanced_accuracy(np.array([]), nothing, nothing)).all()


def test_what_tells_a_label_is_learnt():
    (found,) = cross_probabilities(telling(), [telling()], LABELS, PERSON, CLASSES)
    assert right(found) > 0.9
    assert np.allclose(found.sum(1), 1)


def test_nobody_is_classified_by_a_model_that_learnt_from_him():
    """A feature for each person tells his label to whoever knows him, and to nobody else."""
    labels = np.where(np.random.default_rng(0).permutation(PEOPLE) % 2, "yes", "no")
    labels = np.repeat(labels, PICTURES)
    values = (PERSON[:, None] == np.unique(PERSON)[None]).astype(float)
    values += np.random.default_rng(1).normal(0, 0.01, values.shape)
    knowing = discriminants(2).fit(values, labels).predict(values)
    assert (knowing == labels).all()
    (found,) = cross_probabilities(values, [values], labels, PERSON, CLASSES)
    assert right(found, labels) < 0.7


@pytest.mark.parametrize("width", [20, 500])
def test_probabilities_are_those_of_scikit_learn(width):
    """With fewer and with more numbers than there are pictures."""
    values = telling(width)
    (found,) = cross_probabilities(values, [values], LABELS, PERSON, CLASSES)
    part = folds(PERSON)
    for fold in range(3):
        learnt, asked = part != fold, part == fold
        components = PCA(min(100, width), svd_solver="full").fit(values[learnt])
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1, priors=[0.5, 0.5])
        model.fit(components.transform(values[learnt]), LABELS[learnt])
        expected = model.predict_proba(components.transform(values[asked]))
        assert np.allclose(found[asked], expected, atol=1e-6)


def test_missing_faces_have_no_probability():
    learnt, asked = telling(), telling()
    learnt[:10] = np.nan
    asked[[20, 30], 3] = np.nan
    one, other = cross_probabilities(learnt, [learnt, asked], LABELS, PERSON, CLASSES)
    assert set(np.flatnonzero(np.isnan(one).any(1))) == set(range(10))
    assert set(np.flatnonzero(np.isnan(other).all(1))) == {20, 30}
    assert right(other) > 0.9
    without = np.where(np.arange(len(LABELS)) < 10, "", LABELS)
    (same,) = cross_probabilities(telling(), [asked], without, PERSON, CLASSES)
    assert np.allclose(other, same, equal_nan=True)


def test_columns_are_in_the_order_of_the_classes():
    (found,) = cross_probabilities(telling(), [telling()], LABELS, PERSON, ["no", "yes"])
    (turned,) = cross_probabilities(telling(), [telling()], LABELS, PERSON, ["yes", "no"])
    assert np.allclose(found, turned[:, ::-1])


def test_labels_outside_the_classes_are_classified_but_not_learnt():
    values = telling()
    unsure = (LABELS == "yes") & (np.arange(len(LABELS)) % 4 == 1)
    labels = np.where(unsure, "maybe", LABELS)
    assert unsure.sum() == 60
    (found,) = cross_probabilities(values, [values], labels, PERSON, CLASSES)
    others = values.copy()
    others[unsure] = 1e3
    (same,) = cross_probabilities(others, [values], labels, PERSON, CLASSES)
    assert np.allclose(found, same)
    assert (found[unsure, 1] > 0.5).mean() > 0.9


def test_a_rare_class_counts_as_much_as_a_common_one():
    rare = np.where(np.arange(len(PERSON)) % 10 == 0, "yes", "no")
    noise = np.random.default_rng(0).normal(size=(len(PERSON), 2))
    (found,) = cross_probabilities(noise, [noise], rare, PERSON, CLASSES)
    assert found[:, 1].mean() == pytest.approx(0.5, abs=0.1)


def test_a_class_that_only_one_fold_has_is_not_guessed():
    labels = np.where(folds(PERSON) == 0, "yes", "no")
    (found,) = cross_probabilities(telling(), [telling()], labels, PERSON, CLASSES)
    assert np.isnan(found[folds(PERSON) == 0]).all()
    assert np.isfinite(found[folds(PERSON) == 1]).all()
