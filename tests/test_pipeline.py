import numpy as np
import pytest

from ganonymization.errors import FaceNotRedrawnError, InputError, LandmarksError, OptionError
from ganonymization.geometry import transforms
from ganonymization.geometry.wall import Wall
from ganonymization.landmarks.search import find_landmarks
from ganonymization.surrogate.shape_model import ShapeModel
from ganonymization.synthesize import compositing
from ganonymization.synthesize.fill import SOLID_RGB
from ganonymization.types import Detection

from .conftest import (
    BlindLandmarker,
    FakeDetector,
    FakeLandmarker,
    FakeSynthesizer,
    RaisingSynthesizer,
    box_of,
    face_landmarks,
)


class NoDetector:
    def __call__(self, image):
        return []


def inside_box(points, shape):
    """The ellipse within a face's box, (H, W) bool."""
    left, top, right, bottom = box_of(points)
    y, x = np.mgrid[: shape[0], : shape[1]]
    u = (x - (left + right) / 2) / ((right - left) / 2)
    v = (y - (top + bottom) / 2) / ((bottom - top) / 2)
    return u**2 + v**2 <= 1


def test_a_face_is_redrawn_and_the_rest_stays(make_anonymizer, picture, face):
    result = make_anonymizer()(picture, seed=3)
    assert [f.outcome for f in result.faces] == ["synthesized"]
    outside = ~result.composite_mask
    assert np.array_equal(result.image[outside], picture[outside])
    assert outside.any()
    assert result.composite_mask[inside_box(face, picture.shape)].all()
    changed = (result.image != picture).any(axis=2)
    assert changed[inside_box(face, picture.shape)].mean() > 0.9


def test_noise_behind_the_wall_changes_nothing(make_anonymizer, picture, face):
    """The wall: same landmarks, other pixels of the face, the same output to the bit."""
    anonymizer = make_anonymizer()
    before = anonymizer(picture, seed=3)
    noisy = picture.copy()
    # All that is fully new in the output lies behind the wall: the composite mask less its ring.
    wall = _walls(anonymizer, picture)
    noisy[wall] = np.random.default_rng(1).integers(0, 256, (wall.sum(), 3))
    assert not np.array_equal(noisy, picture)
    after = anonymizer(noisy, seed=3)
    assert np.array_equal(before.image, after.image)


def test_a_pixel_in_front_of_the_wall_does_matter(make_anonymizer, picture, face):
    """The test above can fail: what the generator may see reaches its output."""
    anonymizer = make_anonymizer()
    before = anonymizer(picture, seed=3)
    other = picture.copy()
    wall = _walls(anonymizer, picture)
    other[~before.composite_mask & ~wall] ^= 255
    after = anonymizer(other, seed=3)
    assert not np.array_equal(before.image[wall], after.image[wall])


def _walls(anonymizer, picture):
    """Every pixel behind a wall, from the geometry alone."""
    from ganonymization.geometry import transforms
    from ganonymization.geometry.wall import Place, Wall, ellipses
    from ganonymization.landmarks.search import find_landmarks

    wall = np.zeros(picture.shape[:2], bool)
    for detection in anonymizer._detector(picture):
        points = find_landmarks(picture, detection, anonymizer.landmarks)
        crop_from_image = transforms.generator_crop(points, 64)
        outline = transforms.apply(crop_from_image, ellipses(detection))
        shape = Wall.around(transforms.apply(crop_from_image, points), outline, 64)
        place = Place(shape, crop_from_image, 64)
        window = place.window(picture.shape, 1.0)
        wall[window] |= place.radius(window) <= 1
    return wall


def test_a_neighbours_face_does_not_reach_the_generator(make_anonymizer, picture):
    """Both walls are closed before either face is drawn."""
    faces = face_landmarks((40, 60), 16), face_landmarks((88, 64), 16)
    anonymizer = make_anonymizer(detector=FakeDetector(*faces))
    before = anonymizer(picture, seed=1)
    noisy = picture.copy()
    wall = _walls(anonymizer, picture)
    noisy[wall] = 0
    after = anonymizer(noisy, seed=1)
    assert [f.synthesized for f in before.faces] == [True, True]
    assert np.array_equal(before.image, after.image)


def test_no_face_gives_an_equal_array(make_anonymizer, picture):
    result = make_anonymizer(detector=NoDetector())(picture)
    assert np.array_equal(result.image, picture)
    assert result.image is not picture
    assert result.faces == ()
    assert not result.composite_mask.any()


def test_the_input_is_not_changed(make_anonymizer, picture):
    before = picture.copy()
    make_anonymizer()(picture)
    assert np.array_equal(picture, before)


def test_the_same_seed_repeats_and_another_does_not(make_anonymizer, picture):
    anonymizer = make_anonymizer()
    first, again, other = (anonymizer(picture, seed=s) for s in (5, 5, 6))
    assert np.array_equal(first.image, again.image)
    assert not np.array_equal(first.image, other.image)


def test_another_name_gives_another_face(make_anonymizer, picture):
    anonymizer = make_anonymizer()
    a, b = (anonymizer(picture, seed=5, name=n).faces[0].seed for n in ("a.jpg", "b.jpg"))
    assert a != b


def test_a_fresh_seed_is_drawn_and_told(make_anonymizer, picture):
    anonymizer = make_anonymizer()
    fresh = anonymizer(picture)
    assert fresh.seed != anonymizer(picture).seed
    assert np.array_equal(fresh.image, anonymizer(picture, seed=fresh.seed).image)


FAILING = {
    "no landmarks": {"landmarker": BlindLandmarker()},
    "synthesis raises": {"model": RaisingSynthesizer()},
}


class Folding(FakeLandmarker):
    """Gives points in the wrong order."""

    def __call__(self, crop):
        points = super().__call__(crop)
        points[:200] = points[:200][::-1]
        return points


class LosesTheNewFace(FakeLandmarker):
    """Sees the original but not what was drawn."""

    def __call__(self, crop):
        if crop.shape[0] != 384:
            raise LandmarksError("no landmarks found")
        return super().__call__(crop)


class SeesItElsewhere(FakeLandmarker):
    """Finds the new face beside where it was asked for."""

    def __call__(self, crop):
        points = super().__call__(crop)
        return points if crop.shape[0] == 384 else points + np.array([9, 0, 0])


class WrongShape(FakeSynthesizer):
    def __call__(self, inputs):
        return np.zeros((8, 8, 3), np.uint8)


class Nothing(FakeSynthesizer):
    def __call__(self, inputs):
        return None


class RaisingLandmarker:
    def __call__(self, crop):
        raise np.linalg.LinAlgError("did not converge")


class SeesLessAgain(FakeLandmarker):
    """Has other points for the new face."""

    def __call__(self, crop):
        points = super().__call__(crop)
        return points if crop.shape[0] == 384 else points[:468]


FAILING |= {
    "folded": {"landmarker": Folding()},
    "not found again": {"landmarker": LosesTheNewFace()},
    "found far off": {"landmarker": SeesItElsewhere()},
    "wrong output": {"model": WrongShape()},
    "no output": {"model": Nothing()},
    "landmarks raise": {"landmarker": RaisingLandmarker()},
    "fewer points again": {"landmarker": SeesLessAgain()},
}


@pytest.mark.parametrize("options", FAILING.values(), ids=FAILING)
def test_a_face_that_cannot_be_redrawn_is_covered(make_anonymizer, picture, face, options):
    result = make_anonymizer(**options)(picture, seed=1)
    assert result.faces[0].outcome.startswith("filled: ")
    covered = inside_box(face, picture.shape)
    assert (result.image[covered] == SOLID_RGB).all()
    assert result.composite_mask[covered].all()
    outside = ~result.composite_mask
    assert np.array_equal(result.image[outside], picture[outside])


@pytest.mark.parametrize("options", FAILING.values(), ids=FAILING)
def test_on_failure_error_raises(make_anonymizer, picture, options):
    with pytest.raises(FaceNotRedrawnError, match="face 0"):
        make_anonymizer(on_failure="error", **options)(picture)


@pytest.mark.parametrize("fill", ["blur", "pixelate"])
def test_other_fills_leave_no_feature_of_a_face(make_anonymizer, face, fill):
    """Stripes as wide as an eye, a fifth of the face, are gone."""
    stripes = np.zeros((128, 128, 3), np.uint8)
    left, _, right, _ = box_of(face)
    stripes[:, (np.arange(128) // ((right - left) / 10)).astype(int) % 2 == 0] = 255
    anonymizer = make_anonymizer(on_failure=fill, landmarker=BlindLandmarker())
    result = anonymizer(stripes)
    covered = inside_box(face, stripes.shape)
    assert stripes[covered].std() > 120
    assert result.image[covered].std() < 40
    assert result.composite_mask[covered].all()


@pytest.mark.parametrize("fill", ["blur", "pixelate"])
def test_a_fill_does_not_read_behind_a_neighbours_wall(picture, make_anonymizer, fill):
    """One face is redrawn, the next is blurred: noise behind the first wall changes nothing."""
    faces = face_landmarks((40, 60), 16), face_landmarks((88, 64), 16)

    class SeesTheFirst(FakeLandmarker):
        def __call__(self, crop):
            if crop.shape[0] == 384 and not crop[190:194, 190:194].any():
                raise LandmarksError("no landmarks found")
            return super().__call__(crop)

    marked = picture.copy()
    left, top, right, bottom = (round(v) for v in box_of(faces[1]))
    marked[top:bottom, left:right] = 0
    anonymizer = make_anonymizer(
        detector=FakeDetector(*faces), landmarker=SeesTheFirst(), on_failure=fill
    )
    before = anonymizer(marked, seed=1)
    assert [f.synthesized for f in before.faces] == [True, False]
    first = make_anonymizer(detector=FakeDetector(faces[0]))
    wall = _walls(first, marked)
    noisy = marked.copy()
    noisy[wall] = np.random.default_rng(1).integers(1, 256, (wall.sum(), 3))
    after = anonymizer(noisy, seed=1)
    assert np.array_equal(before.image, after.image)


def test_faces_that_fail_and_faces_that_do_not_stand_side_by_side(make_anonymizer, picture):
    faces = face_landmarks((40, 60), 16), face_landmarks((88, 64), 16)

    class FailsOnce(FakeSynthesizer):
        calls = 0

        def __call__(self, inputs):
            self.calls += 1
            if self.calls == 1:
                raise MemoryError("once")
            return super().__call__(inputs)

    result = make_anonymizer(detector=FakeDetector(*faces), model=FailsOnce())(picture, seed=1)
    assert [f.synthesized for f in result.faces] == [False, True]
    for face in faces:
        unchanged = (result.image == picture).all(axis=2)
        assert unchanged[inside_box(face, picture.shape)].mean() < 0.02


@pytest.mark.parametrize("shift", [6, 14, 40])
def test_a_merged_box_that_sticks_out_is_covered(make_anonymizer, picture, face, shift):
    """By a wider wall, or where the crop has no room for one, by a fill."""
    detector = FakeDetector(face)
    left, top, right, bottom = detector.detections[0].box_xyxy
    beside = (left + shift, top, right + shift, bottom)
    detector.detections[0] = Detection((left, top, right, bottom), 0.9, None, (beside,))
    result = make_anonymizer(detector=detector)(picture)
    assert compositing.covered_share(beside, result.composite_mask) == 1
    # 3 % of the ellipse may be feathered, where the crop ends
    same = (result.image == picture).all(axis=2)
    assert compositing.covered_share(beside, same) < 0.05
    assert result.faces[0].synthesized == (shift < 40)


def test_portraits_show_no_pixel_of_the_picture(make_anonymizer, picture):
    anonymizer = make_anonymizer(mode="portrait")
    result = anonymizer(picture, seed=2)
    assert result.image is None
    assert [p.shape for p in result.portraits] == [(512, 512, 3)]
    other = anonymizer(255 - picture, seed=2)
    assert np.array_equal(result.portraits[0], other.portraits[0])


def test_a_portrait_that_cannot_be_drawn_is_a_fill(make_anonymizer, picture):
    result = make_anonymizer(mode="portrait", model=RaisingSynthesizer())(picture)
    assert (result.portraits[0] == SOLID_RGB).all()
    assert "out of memory" in result.faces[0].outcome


def test_a_tilted_portrait_keeps_its_tilt_when_asked(make_anonymizer, picture):
    class Bright(FakeSynthesizer):
        def __call__(self, inputs):
            drawn = np.zeros((64, 64, 3), np.uint8)
            drawn[:20] = 255
            return drawn

    face = face_landmarks(angle_rad=np.pi / 2)
    detector = FakeDetector(face)
    left, top, right, bottom = detector.detections[0].box_xyxy
    x, y = (left + right) / 2, (top + bottom) / 2
    detector.detections[0] = Detection((left, top, right, bottom), 0.9, ((x, y - 8), (x, y + 8)))
    options = {"detector": detector, "model": Bright(), "mode": "portrait"}
    level = make_anonymizer(**options)(picture).portraits[0]
    tilted = make_anonymizer(level_portraits=False, **options)(picture).portraits[0]
    assert level[:100].mean() > 200 > 50 > level[-100:].mean()
    assert tilted[:, -100:].mean() > 200 > 50 > tilted[:, :100].mean()


def test_models_are_built_once_over_twenty_faces(monkeypatch, picture):
    """The published project rebuilt all of them for every face."""
    from ganonymization import Anonymizer, registry, weights

    built = []
    face = face_landmarks()

    def counted(name, make):
        def build(*_):
            built.append(name)
            return make()

        return build

    stages = {
        "file": counted("generator", FakeSynthesizer),
        "centerface": counted("detector", lambda: FakeDetector(face)),
        "facemesh": counted("landmarker", FakeLandmarker),
    }
    real = registry.load
    monkeypatch.setattr(registry, "load", lambda t, n: stages[n] if n in stages else real(t, n))
    monkeypatch.setattr(weights, "resolve", lambda name: None)
    anonymizer = Anonymizer()
    drawn = [anonymizer(picture).faces[0] for _ in range(20)]
    assert all(f.synthesized for f in drawn)
    assert sorted(built) == ["detector", "generator", "landmarker"]


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((8, 8, 5), np.uint8),
        np.zeros((8, 8, 3), np.int32),
        np.full((8, 8, 3), 2, np.float32),
        np.full((8, 8, 3), np.nan),
        np.zeros((0, 8, 3), np.uint8),
        [[1, 2, 3]],
        None,
    ],
    ids=["channels", "integers", "too bright", "no numbers", "empty", "list", "nothing"],
)
def test_other_arrays_are_refused(make_anonymizer, wrong):
    with pytest.raises(InputError, match=r"a picture (of floating-point numbers )?must"):
        make_anonymizer()(wrong)


@pytest.mark.parametrize("option", ["mode", "on_failure", "detector", "landmarker"])
def test_unknown_words_are_refused_with_the_known_ones(make_anonymizer, option):
    with pytest.raises(OptionError, match="nonsense"):
        make_anonymizer(**{option: "nonsense"})


def test_timings_are_told_by_stage(make_anonymizer, picture):
    result = make_anonymizer()(picture)
    assert {"detect", "landmarks", "synthesize", "composite", "check", "total"} <= set(
        result.timings_ms
    )
    assert set(result.faces[0].timings_ms) >= {"landmarks", "synthesize"}


@pytest.mark.parametrize("tilt", np.linspace(-0.6, 0.6, 7))
@pytest.mark.parametrize(("width", "height"), [(30, 40), (20, 60), (60, 20), (30, 47)])
def test_a_cover_holds_the_whole_ellipse_of_any_box(make_anonymizer, picture, tilt, width, height):
    box = (64 - width / 2, 64 - height / 2, 64 + width / 2, 64 + height / 2)
    x, y = 5 * np.cos(tilt), 5 * np.sin(tilt)
    detector = FakeDetector()
    detector.detections = [Detection(box, 0.9, ((64 - x, 64 - y), (64 + x, 64 + y)))]
    result = make_anonymizer(detector=detector, landmarker=BlindLandmarker())(picture)
    assert compositing.covered_share(box, result.composite_mask) == 1


WIDER = 0.09  # of the search crop


class RecordingSynthesizer(FakeSynthesizer):
    """Keeps what crossed the wall."""

    def __init__(self) -> None:
        self.inputs = []

    def __call__(self, inputs):
        self.inputs.append(inputs)
        return super().__call__(inputs)


def inputs_of(make_anonymizer, picture, **options):
    recorder = RecordingSynthesizer()
    result = make_anonymizer(model=recorder, **options)(picture, seed=3)
    return recorder.inputs[0], result


@pytest.mark.parametrize("mode", ["scene", "portrait"])
def test_the_generator_gets_a_surrogate_unless_told_otherwise(make_anonymizer, picture, mode):
    kept, _ = inputs_of(make_anonymizer, picture, mode=mode, privacy=None)
    expected = transforms.apply(transforms.generator_crop(face_landmarks(), 64), face_landmarks())
    assert np.allclose(kept.surrogate_px, expected, atol=0.5)
    balanced, result = inputs_of(make_anonymizer, picture, mode=mode)
    surrogate = ShapeModel.load().surrogate(kept.surrogate_px, result.faces[0].seed, "balanced")
    assert np.array_equal(balanced.surrogate_px, surrogate)
    assert np.abs(surrogate - kept.surrogate_px).max() > 0.3
    high, _ = inputs_of(make_anonymizer, picture, mode=mode, privacy="high")
    assert not np.array_equal(high.surrogate_px, balanced.surrogate_px)


def test_the_wall_hides_the_old_outline_and_holds_the_new_one(make_anonymizer, picture):
    class Wide(FakeLandmarker):
        """Sees a face with broad cheeks, which no surrogate has."""

        def __call__(self, crop):
            points = super().__call__(crop)
            if crop.shape[0] == 384:
                points[[234, 454], 0] += np.array([-1, 1]) * WIDER * 384
            return points

    anonymizer = make_anonymizer(landmarker=Wide())
    (detection,) = anonymizer._detector(picture)
    points = find_landmarks(picture, detection, anonymizer.landmarks)
    cheeks = transforms.apply(transforms.generator_crop(points, 64), points)[[234, 454]]
    inputs, _ = inputs_of(make_anonymizer, picture, landmarker=Wide(), privacy="high")
    x, y = np.round(inputs.surrogate_px[:468, :2]).astype(int).T
    assert inputs.wall_mask[y, x].all()
    of_the_new_alone = Wall.around(inputs.surrogate_px)
    assert of_the_new_alone.radius(cheeks[:, 0], cheeks[:, 1]).max() > 1.02  # it would show them
    columns, rows = np.round(cheeks[:, :2]).astype(int).T
    assert inputs.wall_mask[rows, columns].all()


def test_a_surrogate_that_fails_is_a_fill(make_anonymizer, picture, face):
    class Broken:
        def coder(self, privacy):
            return None

        def surrogate(self, landmarks_px, seed, privacy, eyes_at_rest, reading):
            raise LandmarksError("landmarks have no extent")

    result = make_anonymizer(shape=Broken())(picture, seed=3)
    assert result.faces[0].outcome == "filled: landmarks have no extent"
    assert (result.image[inside_box(face, picture.shape)] == SOLID_RGB).all()
