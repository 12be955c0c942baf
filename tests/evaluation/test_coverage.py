from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ganonymization.evaluation import coverage
from ganonymization.evaluation.coverage import (
    face_left,
    has_output,
    likeness_rank,
    mixed_up,
    own_face,
)

from .made_pairs import first_of, made_pairs, with_gender, without_face, without_output

COUNT = 160


def shuffled(pairs, seed=0):
    """Outputs that belong to other originals."""
    order = np.random.default_rng(seed).permutation(len(pairs.file))
    landmarks_px = pairs.after.landmarks_px[order]
    return replace(pairs, after=replace(pairs.after, landmarks_px=landmarks_px))


def scenes(pairs, unchanged=0.1, surroundings=1.0):
    whole = len(pairs.file)
    return replace(
        pairs,
        scene=True,
        unchanged=np.broadcast_to(unchanged, whole).astype(float),
        surroundings=np.broadcast_to(surroundings, whole).astype(float),
    )


def test_any_output_is_an_output():
    np.testing.assert_array_equal(has_output(np.array([0, 1, 3])), [0, 1, 1])


def test_more_than_half_of_a_face_is_a_face_that_is_left():
    unchanged = np.array([0.0, 0.5, 0.51, 1.0, np.nan])
    np.testing.assert_array_equal(face_left(unchanged), [0, 0, 1, 1, np.nan])


def test_a_file_that_two_originals_got_is_nobodys_own():
    hashes = np.array(["a", "b", "a", "", "", "c"])
    np.testing.assert_array_equal(own_face(hashes), [0, 1, 0, np.nan, np.nan, 1])


def test_outputs_resemble_their_own_originals_most():
    assert np.mean(likeness_rank(made_pairs())) < 0.05


def test_outputs_of_other_originals_rank_in_the_middle():
    rank = np.concatenate([likeness_rank(shuffled(made_pairs(), seed)) for seed in range(5)])
    assert rank.mean() == pytest.approx(0.5, abs=0.05)
    assert 0 <= rank.min() < 0.1 < 0.9 < rank.max() <= 1


def test_a_constant_output_resembles_nobody():
    pairs = made_pairs()
    constant = np.repeat(pairs.after.landmarks_px[:1], COUNT, 0)
    rank = likeness_rank(replace(pairs, after=replace(pairs.after, landmarks_px=constant)))
    assert rank.mean() == pytest.approx(0.5, abs=0.1)


def test_size_and_place_of_the_output_do_not_matter():
    pairs = made_pairs()
    moved = replace(pairs.after, landmarks_px=pairs.after.landmarks_px * 2.5 + 40)
    expected = likeness_rank(pairs)
    np.testing.assert_allclose(likeness_rank(replace(pairs, after=moved)), expected, atol=0.01)


def test_what_all_outputs_have_alike_does_not_matter():
    """Every output looks further aside, as a generator may make faces do."""
    pairs = made_pairs()
    turn = Rotation.from_euler("y", 20, degrees=True).as_matrix()
    aside = replace(pairs.after, landmarks_px=pairs.after.landmarks_px @ turn.T)
    assert likeness_rank(replace(pairs, after=aside)).mean() < 0.05


def test_where_all_are_alike_each_is_in_the_middle():
    pairs = made_pairs(10)
    same = np.repeat(pairs.before.landmarks_px[:1], 40, 0)
    seen = [replace(side, landmarks_px=same) for side in (pairs.before, pairs.after)]
    rank = likeness_rank(replace(pairs, before=seen[0], after=seen[1]))
    np.testing.assert_array_equal(rank, 0.5)


def test_missing_faces_have_no_rank():
    pairs = made_pairs()
    gone = first_of(pairs, 30)
    rank = likeness_rank(replace(pairs, after=without_face(pairs.after, gone)))
    np.testing.assert_array_equal(np.isnan(rank), gone)


@pytest.mark.parametrize(("left", "told"), [(19, False), (20, True)])
def test_few_faces_are_not_compared(left, told):
    pairs = made_pairs()
    after = without_face(pairs.after, ~first_of(pairs, left))
    assert np.isfinite(likeness_rank(replace(pairs, after=after))).any() == told


def test_what_resembles_others_more_or_shows_another_background_is_mixed_up():
    rank = np.array([0.5, 0.51, np.nan, np.nan, 0.0, 0.0, np.nan])
    surroundings = np.array([np.nan, np.nan, 0.49, 0.5, 0.49, 1.0, np.nan])
    np.testing.assert_array_equal(mixed_up(rank, surroundings), [0, 1, 1, 0, 1, 0, np.nan])


def test_what_is_covered_passes():
    family = coverage.measure(made_pairs())
    assert family.verdict == "pass"
    assert family.findings == (
        "All 160 pictures with a face have an output of their own.",
        "Outputs are cut otherwise: whether a face was left was not compared.",
    )
    assert family.figure("has an output").value == 1
    assert np.isnan(family.figure("an original face is left").value)
    assert set(family.pictures) == {f.title for f in family.figures}


@pytest.mark.parametrize(("missing", "verdict"), [(1, "warn"), (8, "warn"), (9, "fail")])
def test_a_missing_output_is_told(missing, verdict):
    pairs = made_pairs()
    family = coverage.measure(without_output(pairs, first_of(pairs, missing)))
    assert family.verdict == verdict
    assert f"{missing} of 160 pictures with a face have no output." in family.findings


def test_a_single_face_that_is_left_fails():
    pairs = made_pairs()
    assert coverage.measure(scenes(pairs)).verdict == "pass"
    family = coverage.measure(scenes(pairs, unchanged=np.where(first_of(pairs, 1), 0.6, 0.1)))
    assert family.verdict == "fail"
    assert family.findings == ("An original face is left in 1 of 160 outputs.",)


def test_a_file_that_two_originals_got_fails():
    pairs = made_pairs()
    hashes = pairs.after.sha256.copy()
    hashes[7] = hashes[3]
    family = coverage.measure(replace(pairs, after=replace(pairs.after, sha256=hashes)))
    assert family.verdict == "fail"
    assert family.findings[0] == "2 of 160 outputs are the same file as another's."


def test_another_background_is_noticed():
    pairs = made_pairs()
    for mixed, verdict in ((16, "pass"), (17, "warn"), (41, "fail")):
        around = np.where(first_of(pairs, mixed), 0.0, 1.0)
        rank = likeness_rank(pairs)
        assert not (rank > 0.5).any()
        family = coverage.measure(scenes(pairs, surroundings=around))
        assert family.verdict == verdict
        assert family.figure("mixed up").value == pytest.approx(mixed / COUNT)


def test_outputs_of_other_originals_fail():
    family = coverage.measure(shuffled(made_pairs()))
    assert family.verdict == "fail"
    assert "seem to belong to another original" in family.findings[0]


def test_groups_are_told():
    pairs = with_gender(made_pairs())
    female = pairs.labels["gender"] == "female"
    family = coverage.measure(without_output(pairs, female))
    assert family.figure("has an output", "gender: female").value == 0
    assert family.figure("has an output", "gender: male").value == 1
