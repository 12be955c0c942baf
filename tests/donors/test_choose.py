import cv2
import numpy as np

from ganonymization.donors.choose import choose, choose_lasting, openings
from ganonymization.donors.surroundings import Kind
from ganonymization.donors.wear import mixed, wear
from ganonymization.geometry import rasterisation
from ganonymization.types import DonorPair

from ..conftest import face_landmarks
from .conftest import SIZE, bank_of

NEUTRAL, ANGRY = np.eye(7)[0], np.eye(7)[3]


def chosen(bank, reading=NEUTRAL, seeds=range(200)):
    return [choose(bank, reading, face_landmarks(), seed) for seed in seeds]


def test_a_seed_chooses_the_same_donors_and_another_seed_others(bank):
    assert chosen(bank) == chosen(bank)
    assert len({(w.upper, w.lower) for w in chosen(bank)}) > 100


def test_nobody_is_worn_whole(bank):
    assert all(worn.upper != worn.lower for worn in chosen(bank))
    one_person = bank_of(30, people=np.array(["a"] * 15 + ["b"] * 15))
    people = one_person.people
    assert all(people[w.upper] != people[w.lower] for w in chosen(one_person))


def test_an_expression_is_lent_by_those_who_have_it():
    readings = np.eye(7, dtype=np.float32)[[0] * 15 + [3] * 15]
    bank = bank_of(30, readings=readings)
    for reading, first in ((NEUTRAL, 0), (ANGRY, 15)):
        numbers = {n for w in chosen(bank, reading) for n in (w.upper, w.lower)}
        assert numbers <= set(range(first, first + 15)) and len(numbers) == 15


def test_a_person_of_many_pictures_counts_once():
    """Twenty pictures of one person do not crowd out ten others."""
    bank = bank_of(30, people=np.array(["a"] * 20 + [f"p{i}" for i in range(10)]))
    upper = [bank.people[w.upper] for w in chosen(bank)]
    assert upper.count("a") < 40


def test_halves_are_of_one_sex_and_age():
    sexes, years = np.array(["f", "m"] * 30), np.repeat([25.0, 60.0], 30).astype(np.float32)
    bank = bank_of(60, sexes=sexes, years=years)
    for worn in chosen(bank):
        assert bank.years[worn.upper] == bank.years[worn.lower]
        assert bank.sexes[worn.upper] == bank.sexes[worn.lower]


def test_a_bank_of_one_picture_works():
    assert chosen(bank_of(1), seeds=[5])[0].upper == 0


def test_halves_meet_below_the_nose(bank):
    worn = chosen(bank, seeds=[1])[0]
    texture = mixed(bank, worn, NEUTRAL)
    for place, donor in ((9, worn.upper), (17, worn.lower)):  # between the brows, below the lips
        x, y = np.round(bank.layout_px[place, :2]).astype(int)
        assert np.allclose(texture[y, x], bank.texture(donor)[y, x], atol=1)


def test_hair_beside_a_donors_face_is_not_lent():
    """A turned face shows a temple that is wider than the feather at its outline."""
    black = [cv2.imencode(".webp", np.zeros((SIZE, SIZE, 3), np.uint8))[1].ravel()] * 30
    bank = bank_of(30, webp=np.concatenate(black), ends=np.cumsum([len(f) for f in black]))
    texture = mixed(bank, DonorPair(0, 1), NEUTRAL)
    within = rasterisation.hull(bank.layout_px, SIZE) > 0
    eyes_px = np.linalg.norm(bank.layout_px[33] - bank.layout_px[263])
    depth_px = cv2.distanceTransform(within.astype(np.uint8), cv2.DIST_L2, 5)
    assert (texture[(depth_px > 0) & (depth_px < 0.03 * eyes_px)] > 90).all()
    assert (texture[depth_px > 0.13 * eyes_px] < 3).all()


def test_eyes_are_never_lent_and_teeth_only_to_open_mouths():
    points = face_landmarks((32, 32), 18)
    lent = {}
    for wide in (0.0, 0.3):
        bank = bank_of(30, openings=np.full((30, 2), wide, np.float32))
        for asked in (0.0, 0.3):
            target = points.copy()
            middle = target[[13, 14], 1].mean()
            target[13, 1], target[14, 1] = middle - asked * 9, middle + asked * 9
            worn = choose(bank, NEUTRAL, target, 1)
            lent[wide, asked] = wear(bank, worn, NEUTRAL, target, SIZE).features
    assert lent[0.3, 0.3].any()
    assert not lent[0.3, 0.3][: int(points[1, 1])].any()  # eyes
    assert not lent[0.0, 0.3].any() and not lent[0.3, 0.0].any()


def test_openings_are_measured_in_eye_distances():
    points = face_landmarks(eyes_px=50.0)
    points[13, :2], points[14, :2] = (0, 0), (0, 20)
    assert openings(points)[0] == np.float64(0.4)


def test_who_fits_is_chosen_and_anybody_where_nothing_is_known():
    sexes, years = np.array(["f", "m"] * 30), np.repeat([25.0, 60.0], 30).astype(np.float32)
    bank = bank_of(60, sexes=sexes, years=years, readings=np.tile(NEUTRAL, (60, 1)).astype("f"))
    for kind, right in (
        (Kind(female=1.0), sexes == "f"),
        (Kind(female=0.0, years=60), (sexes == "m") & (years == 60)),
    ):
        for seed in range(50):
            assert right[choose(bank, NEUTRAL, face_landmarks(), seed, kind).upper]
    assert len({sexes[w.upper] for w in chosen(bank, seeds=range(30))}) == 2


def test_a_face_of_many_frames_has_donors_at_rest():
    """Whatever it does in its first frame."""
    readings = np.eye(7, dtype=np.float32)[[0] * 30 + [3] * 30]
    openings = np.tile(np.array([[0, 0.1], [0.3, 0.1]], np.float32), (30, 1))
    bank = bank_of(60, readings=readings, openings=openings)
    worn = [choose_lasting(bank, seed) for seed in range(50)]
    assert all(w.upper < 30 and w.lower < 30 and w.lower % 2 == 0 for w in worn)
    assert len({(w.upper, w.lower) for w in worn}) > 20


def test_small_faces_wear_textures_of_half_the_size():
    """They look the same, and lie in the same place."""
    size, crop = 448, 128
    rng = np.random.default_rng(0)
    files = [
        cv2.imencode(".webp", cv2.GaussianBlur(
            rng.integers(0, 256, (size, size, 3), np.uint8), (0, 0), 12) * 4)[1].ravel()
        for _ in range(2)
    ]  # fmt: skip
    bank = bank_of(
        2, webp=np.concatenate(files), ends=np.cumsum([len(f) for f in files]), size_px=size,
        layout_px=face_landmarks((224, 224), 210).astype(np.float32),
    )  # fmt: skip
    points = face_landmarks((crop / 2, crop / 2), crop / 3.4)
    worn = DonorPair(0, 1)
    half = wear(bank, worn, NEUTRAL, points, crop)
    whole = rasterisation.render(mixed(bank, worn, NEUTRAL), bank.layout_px, points, crop)
    assert np.array_equal(half.skin, whole.skin)
    inside = half.skin == 255
    gap = half.image.astype(int) - whole.image
    assert whole.image[inside].std() > 20
    assert np.abs(gap[inside]).mean() < 2
