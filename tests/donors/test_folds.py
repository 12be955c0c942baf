import numpy as np

from ganonymization.donors import folds

from ..conftest import face_landmarks

SIZE = 112
NEUTRAL, ANGRY, SAD = np.eye(7)[0], np.eye(7)[3], np.eye(7)[2]
LAYOUT = face_landmarks((56, 56), 50)


def frowning(count: int = 60):
    """Grey faces; the angry half has a dark fold on both sides of the forehead."""
    textures = np.full((count, SIZE, SIZE, 3), 128, np.uint8)
    textures[count // 2 :, 10:16, 20:30] = textures[count // 2 :, 10:16, 82:92] = 80
    readings = np.stack([NEUTRAL] * (count // 2) + [ANGRY] * (count - count // 2))
    openings, years = np.zeros((count, 2)), np.full(count, 40.0)
    return list(textures), readings, openings, years, np.array(["f", "m"] * (count // 2))


def test_a_fold_goes_with_the_expression_that_has_it():
    textures, *rest = frowning()
    maps = folds.fit(textures, LAYOUT, *rest)
    assert maps.shape == (6, 224, 224) and maps.dtype == np.int8
    assert maps[2, 22:30, 44:56].max() < -40  # angry; the forehead's fold, twice as large here
    assert abs(maps[2, 100:110, 100:110].astype(int)).max() <= 1
    assert abs(maps[[0, 1, 3, 4, 5]].astype(int)).max() <= 1


def test_a_neutral_donor_frowns_and_an_angry_one_stops():
    textures, *rest = frowning()
    maps, share = folds.fit(textures, LAYOUT, *rest), np.ones((SIZE, SIZE), np.float32)
    more = ANGRY - NEUTRAL
    frown = folds.folded(textures[0], maps, more, more, share)
    assert 55 < float(frown[11:15, 22:28].mean()) < 80  # a little more than it is of most
    assert abs(float(frown[60:].mean()) - 128) < 2
    calm = folds.folded(textures[-1], maps, -more, -more, share)
    assert 120 < float(calm[11:15, 22:28].mean()) < 165
    half = folds.folded(textures[0], maps, 0 * more, more, share)
    assert np.array_equal(half, folds.folded(textures[0], maps, 0 * more, 0 * more, share))


def test_folds_are_stronger_on_lasting_donors_and_never_strange():
    """A film's donors have no expression of their own; a brow is not drawn twice."""
    faint = [np.maximum(t, 122) for t in frowning()[0]]
    rest, share = frowning()[1:], np.ones((SIZE, SIZE), np.float32)
    more = ANGRY - NEUTRAL

    def fold(textures, lasting):
        maps = folds.fit(textures, LAYOUT, *rest)
        made = folds.folded(textures[0], maps, more, more, share, lasting)
        return 128 - float(made[11:15, 22:28].mean())

    assert fold(faint, True) > 1.6 * fold(faint, False) > 5
    strong = frowning()[0]
    assert fold(strong, False) > 48 and 30 < fold(strong, True) < 36  # 128 less exp(-0.3) of it


def test_eyes_and_mouth_have_no_folds():
    textures, *rest = frowning()
    for texture in textures[30:]:
        texture[:] = np.random.default_rng(0).integers(90, 160, texture.shape)
    maps = folds.fit(textures, LAYOUT, *rest)
    for a, b in ((159, 145), (386, 374)):
        x, y = np.round(LAYOUT[a, :2] + LAYOUT[b, :2]).astype(int)  # of 224 px: twice the mean
        assert (maps[:, y, x] == 0).all()


def test_a_bank_without_folds_changes_nothing():
    texture, none = np.full((SIZE, SIZE, 3), 90, np.uint8), np.zeros((0, 224, 224), np.int8)
    share = np.ones((SIZE, SIZE), np.float32)
    assert folds.folded(texture, none, ANGRY, ANGRY, share) is texture
