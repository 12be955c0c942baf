import dataclasses
import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ganonymization import seeds
from ganonymization.errors import FaceNotRedrawnError
from ganonymization.geometry.transforms import CROP_SIDE_EYES
from ganonymization.geometry.wall import GeneratorInput
from ganonymization.landmarks.search import find_landmarks
from ganonymization.synthesize.compositing import covered_share
from ganonymization.synthesize.face_state import DrawnFace, LocatedFace
from ganonymization.synthesize.fill import SOLID_RGB
from ganonymization.types import DonorPair
from ganonymization.video.drawing import Chains, Link, redraw
from ganonymization.video.expression import Readings
from ganonymization.video.frames import _shot, _steady_faces, anonymize_frames
from ganonymization.video.sightings import Sighting
from ganonymization.video.smoothing import EyesAtRest, steadied
from ganonymization.video.waiting import Frame

from ..conftest import FakeSynthesizer, RaisingSynthesizer, box_of, face_landmarks
from .test_tracking import (
    BLUE,
    NO_LANDMARKS,
    SEEN,
    Disc,
    DiscDetector,
    DiscLandmarker,
    covers,
    draw,
    is_at,
    tracked,
)


def stages(**options):
    """Fakes that know discs; they keep their shape, for that is the canonical face's."""
    fakes = {"detector": DiscDetector(), "landmarker": DiscLandmarker(), "privacy": None}
    return fakes | options


@pytest.fixture
def make(make_anonymizer):
    return lambda **options: make_anonymizer(**stages(**options))


def within(seconds, work):
    """Do it in a thread of its own, for it must not hang; give or raise what it does."""
    outcome = []

    def run():
        try:
            outcome.append((work(), None))
        except BaseException as error:
            outcome.append((None, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), "it hangs"
    result, error = outcome[0]
    if error is not None:
        raise error
    return result


def anonymized(anonymizer, clip, seed=1, name="a.mp4", **options):
    pairs = [(image, i) for i, image in enumerate(clip)]
    frames = anonymize_frames(anonymizer, pairs, seed, name, **options)
    return within(30, lambda: list(frames))


def passing(length=16):
    """Two faces that move towards each other, (frames, paths)."""
    paths = [(Disc(50 + 3 * i, 45), Disc(190 - 2 * i, 60, 16, colour=BLUE)) for i in range(length)]
    return [draw(*pair) for pair in paths], paths


class Witness(FakeSynthesizer):
    """Keeps whether it was told of a film."""

    def __init__(self):
        self.filmed = []

    def __call__(self, inputs):
        self.filmed.append(inputs.filmed)
        return super().__call__(inputs)


def test_the_generator_is_told_that_a_frame_is_a_films(make):
    witness, clip = Witness(), passing(3)[0]
    anonymizer = make(model=witness)
    anonymized(anonymizer, clip)
    assert witness.filmed == [True] * 6
    anonymizer(clip[0], seed=1)
    assert witness.filmed[6:] == [False] * 2


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 7, 12, 13, 14, 20])
def test_every_frame_gives_one_result_in_order(make, length):
    clip = [draw(Disc(60 + 3 * i)) for i in range(length)]
    frames = anonymized(make(), clip)
    assert [frame.payload for frame in frames] == list(range(length))
    for frame, image in zip(frames, clip, strict=True):
        assert [face.synthesized for face in frame.result.faces] == [True]
        outside = ~frame.result.composite_mask
        assert outside.any()
        assert np.array_equal(frame.result.image[outside], image[outside])
        assert not np.array_equal(frame.result.image, image)


@pytest.mark.parametrize("look_ahead", [0, 1, 5])
def test_any_look_ahead_gives_every_frame(make, look_ahead):
    clip = [draw(Disc(60))] * 11
    frames = anonymized(make(), clip, look_ahead=look_ahead)
    assert [frame.payload for frame in frames] == list(range(11))


def test_the_faces_are_covered_where_they_are(make):
    clip, paths = passing()
    for frame, pair in zip(anonymized(make(), clip), paths, strict=True):
        for disc in pair:
            assert covered_share(box_of(disc.landmarks_px), frame.result.composite_mask) > 0.97


def test_a_track_keeps_its_seed_and_others_have_another(make):
    clip, _ = passing()
    of_track = {}
    for frame in anonymized(make(), clip):
        assert sorted(frame.tracks) == [0, 1]
        for number, face in zip(frame.tracks, frame.result.faces, strict=True):
            of_track.setdefault(number, set()).add(face.seed)
    assert of_track == {n: {seeds.face_seed(1, "a.mp4", n)} for n in (0, 1)}


def test_faces_lie_in_the_order_of_their_tracks(make):
    clip, paths = passing()
    frames = anonymized(make(), clip)
    first = {covers_box(frames[0], disc): disc.colour for disc in paths[0]}
    for frame, pair in zip(frames, paths, strict=True):
        for disc in pair:
            assert first[covers_box(frame, disc)] == disc.colour


def covers_box(frame, disc):
    """The track whose box in the result is this disc's."""
    gaps = [np.abs(np.array(f.box_xyxy) - box_of(disc.landmarks_px)).max()
            for f in frame.result.faces]  # fmt: skip
    assert min(gaps) < 4
    return frame.tracks[int(np.argmin(gaps))]


def test_the_same_seed_repeats_and_other_seeds_and_names_do_not(make):
    clip, _ = passing(10)
    first = [f.result.image for f in anonymized(make(), clip)]
    for options, same in (({}, True), ({"seed": 2}, False), ({"name": "b.mp4"}, False)):
        again = [f.result.image for f in anonymized(make(), clip, **options)]
        assert all(np.array_equal(a, b) == same for a, b in zip(first, again, strict=True))


def test_without_a_seed_a_fresh_one_is_drawn_and_told(make):
    clip, _ = passing(3)
    told = []
    for _ in range(2):
        frames = anonymized(make(), clip, seed=None)
        assert len({frame.result.seed for frame in frames}) == 1
        told.append(frames[0].result.seed)
        again = anonymized(make(), clip, seed=told[-1])
        assert np.array_equal(again[1].result.image, frames[1].result.image)
    assert told[0] != told[1]


def test_the_face_before_a_cut_is_another_after_it(make):
    clip = [draw(Disc(80))] * 6 + [draw(Disc(80), ground=200)] * 6
    told = [f.result.faces[0].seed for f in anonymized(make(), clip)]
    assert told == [told[0]] * 6 + [told[-1]] * 6
    assert told[0] != told[-1]


class Wobbly(DiscLandmarker):
    """Wrong by a little, differently each time."""

    def __init__(self):
        super().__init__()
        self._rng = np.random.default_rng(0)

    def __call__(self, crop):
        points = super().__call__(crop)
        if crop.shape[0] == 64:
            return points
        noise = np.zeros((478, 3))
        noise[:, :2] = self._rng.normal(0, 0.004 * crop.shape[0] / 3, (478, 2))
        return points + noise


def drawn_from(monkeypatch, anonymizer, clip):
    """The landmarks that each frame's faces are drawn from."""
    asked = []
    prepare = type(anonymizer).prepare

    def remember(self, image, located):
        asked.append((id(image), located))
        return prepare(self, image, located)

    monkeypatch.setattr(type(anonymizer), "prepare", remember)
    anonymized(anonymizer, clip)
    by_image = dict(asked)
    return [by_image[id(image)] for image in clip]


def test_landmarks_are_steadied(make, monkeypatch):
    clip = [draw(Disc(80)) for _ in range(40)]
    asked = drawn_from(monkeypatch, make(landmarker=Wobbly()), clip)
    out = np.stack([located[0].landmarks_px for located in asked])[4:-4, :, :2]
    raw = np.stack([f.seen[0].landmarks_px for f in tracked(clip, landmarker=Wobbly())])
    assert (out - out.mean(0)).std() < 0.6 * (raw - raw.mean(0))[4:-4, :, :2].std()


def test_each_frame_is_steadied_by_its_own_neighbours(make, monkeypatch):
    path = [Disc(50 + 3 * i + 2 * (i % 2)) for i in range(20)]
    clip = [draw(disc) for disc in path]
    asked = drawn_from(monkeypatch, make(), clip)
    raw = [f.seen[0].landmarks_px for f in tracked(clip)]
    for i, located in enumerate(asked):
        assert np.allclose(located[0].landmarks_px, steadied(raw, i), atol=1e-9), i


def test_nothing_is_steadied_across_a_cut(make, monkeypatch):
    """Two shots with a face in places between which a mean would lie in neither."""
    clip = [draw(Disc(80)) for _ in range(6)]
    clip += [draw(Disc(84, colour=BLUE), ground=200) for _ in range(6)]
    asked = drawn_from(monkeypatch, make(), clip)
    for i, located in enumerate(asked):
        assert is_at(located[0], Disc(80 if i < 6 else 84)), i
        assert abs(located[0].landmarks_px[0, 0] - (80 if i < 6 else 84)) < 0.5


def test_only_the_same_shot_steadies_even_under_one_number():
    """A tracker ends its tracks at cuts; nothing here depends on it."""
    window = []
    for i, x in enumerate((50, 50.4, 50.1, 50.5, 50.2, 50.6, 50)):
        seen = {0: Sighting.of(Disc(x).landmarks_px, 0.9)}
        window.append(Frame(draw(size_wh=(8, 8)), i, i, seen, starts_shot=i in (0, 3, 6)))
    points = [frame.seen[0].landmarks_px for frame in window]
    for centre, shot in ((1, slice(0, 3)), (2, slice(0, 3)), (3, slice(3, 6)), (4, slice(3, 6))):
        readings = Readings(lambda image, points: None)
        around = _shot(window, centre)
        located = _steady_faces(*around, lambda track: 7, EyesAtRest(), readings)[0]
        expected = steadied(points[shot], centre - shot.start)
        assert np.allclose(located.landmarks_px, expected, atol=1e-9), centre
        assert located.seed == 7


def test_a_face_without_landmarks_is_filled(make):
    clip = [draw(Disc(80, level=NO_LANDMARKS if 5 <= i < 8 else SEEN)) for i in range(14)]
    frames = anonymized(make(), clip)
    outcomes = [face.outcome for frame in frames for face in frame.result.faces]
    expected = ["synthesized"] * 14
    expected[5:8] = ["filled: not seen well enough in this frame"] * 3
    assert outcomes == expected
    assert tuple(frames[6].result.image[62, 80]) == SOLID_RGB
    assert covered_share(box_of(Disc(80).landmarks_px), frames[6].result.composite_mask) == 1


def test_a_face_that_is_not_there_for_a_frame_is_covered(make):
    """Where nobody can tell whether it was seen, its place is filled."""
    clip = [draw() if i == 6 else draw(Disc(80)) for i in range(14)]
    frames = anonymized(make(), clip)
    assert [len(frame.tracks) for frame in frames] == [1] * 14
    assert not frames[6].result.faces[0].synthesized


def test_a_synthesizer_that_fails_leaves_covers(make):
    frames = anonymized(make(model=RaisingSynthesizer()), [draw(Disc(80))] * 8)
    assert {f.result.faces[0].outcome for f in frames} == {"filled: RuntimeError: out of memory"}


class Fails:
    """Works so many times, and then not."""

    def __init__(self, stage, times=5):
        self.stage, self.left = stage, times

    def __call__(self, image):
        self.left -= 1
        if self.left < 0:
            raise RuntimeError("out of memory")
        return self.stage(image)


@pytest.mark.parametrize("times", [0, 1, 5, 9])
@pytest.mark.parametrize(
    ("name", "stage"), [("detector", DiscDetector), ("landmarker", DiscLandmarker)]
)
def test_what_a_stage_raises_ends_the_video(make, name, stage, times):
    anonymizer = make(**{name: Fails(stage(), times)})
    with pytest.raises(RuntimeError, match="out of memory"):
        anonymized(anonymizer, [draw(Disc(80))] * 100)


def test_what_the_frames_raise_ends_the_video(make):
    def frames():
        for i in range(20):
            yield draw(Disc(80)), i
        raise OSError("the disk is gone")

    came = []
    with pytest.raises(OSError, match="the disk is gone"):
        within(30, lambda: came.extend(anonymize_frames(make(), frames(), 1)))


def test_on_failure_error_ends_the_video(make):
    clip = [draw(Disc(80, level=NO_LANDMARKS))] * 8
    with pytest.raises(FaceNotRedrawnError, match="not seen well enough"):
        anonymized(make(on_failure="error"), clip)


def test_whoever_stops_early_is_let_go(make):
    frames = anonymize_frames(make(), ((draw(Disc(80)), i) for i in range(10**6)), 1)

    def some():
        first = [next(frames).payload for _ in range(3)]
        frames.close()
        return first

    assert within(30, some) == [0, 1, 2]


def test_few_frames_wait(make):
    """Memory does not grow with the video."""
    taken = []

    def source():
        for i in range(200):
            taken.append(i)
            yield draw(Disc(80)), i

    frames = anonymize_frames(make(), source(), 1)
    most = within(60, lambda: max(len(taken) - frame.payload for frame in frames))
    assert most <= 12 + 3 + 4 + 2


def test_the_input_is_not_changed(make):
    clip, _ = passing(8)
    before = [image.copy() for image in clip]
    anonymized(make(), clip)
    assert all(np.array_equal(a, b) for a, b in zip(clip, before, strict=True))


def test_portraits_of_every_frame(make):
    clip, _ = passing(8)
    frames = anonymized(make(mode="portrait"), clip)
    assert [len(f.result.portraits) for f in frames] == [2] * 8
    assert all(f.result.image is None for f in frames)


def located_in(anonymizer, image, seed, name):
    return [
        LocatedFace(
            d, find_landmarks(image, d, anonymizer.landmarks), seeds.face_seed(seed, name, i)
        )
        for i, d in enumerate(anonymizer.detect(image))
    ]


@pytest.mark.parametrize("privacy", [None, "balanced", "high"])
@pytest.mark.parametrize("mode", ["scene", "portrait"])
def test_redrawing_located_faces_is_what_a_call_does(make, mode, privacy):
    image = draw(Disc(60, 45), Disc(170.0, 60, 16, colour=BLUE))
    anonymizer = make(mode=mode, privacy=privacy)
    called = anonymizer(image, seed=7, name="n")
    redrawn = anonymizer.redraw(image, located_in(anonymizer, image, 7, "n"), 7)
    assert len(called.faces) == 2
    plain = [[dataclasses.replace(f, timings_ms={}) for f in r.faces] for r in (called, redrawn)]
    assert plain[0] == plain[1]
    if mode == "scene":
        assert np.array_equal(called.image, redrawn.image)
        assert not np.array_equal(called.image, image)
    for a, b in zip(called.portraits, redrawn.portraits, strict=True):
        assert np.array_equal(a, b)
    assert np.array_equal(called.composite_mask, redrawn.composite_mask)
    assert called.seed == redrawn.seed == 7


def test_redraw_fills_what_has_no_landmarks_and_tells_why(make):
    image = draw(Disc(80))
    anonymizer = make()
    (detection,) = anonymizer.detect(image)
    for problem in (None, "too dark"):
        result = anonymizer.redraw(image, [LocatedFace(detection, None, 5, problem)], 3)
        (face,) = result.faces
        assert face.outcome == f"filled: {problem or 'no landmarks found'}"
        assert face.seed == 5
        assert covered_share(box_of(Disc(80).landmarks_px), result.composite_mask) == 1


def test_redraw_of_no_faces_gives_an_equal_array(make):
    image = draw(Disc(80))
    result = make().redraw(image, [])
    assert np.array_equal(result.image, image)
    assert result.image is not image


def test_redraw_does_not_ask_the_landmarker_where_the_old_face_is(make):
    """Only the check of what was drawn does, in the generator's crop."""
    sizes = []

    class Watched(DiscLandmarker):
        def __call__(self, crop):
            sizes.append(crop.shape[0])
            return super().__call__(crop)

    anonymizer = make(landmarker=Watched())
    (detection,) = anonymizer.detect(draw(Disc(80)))
    anonymizer.redraw(draw(Disc(80)), [LocatedFace(detection, Disc(80).landmarks_px, 5)])
    assert sizes == [FakeSynthesizer.size_px]


def test_the_fakes_agree_with_the_tracker():
    (frame,) = tracked([draw(Disc(80))])
    assert covers(frame, Disc(80)) == 0
    assert np.abs(frame.seen[0].landmarks_px - face_landmarks((80.0, 55.0), 18.0)).max() < 2


class Flickering:
    """Draws a face whose halves change a little with every call, and its mean does not."""

    size_px, crop_side_eyes, draws_scenes = 64, CROP_SIDE_EYES, True

    def __init__(self):
        self.calls = 0
        self._lock = threading.Lock()

    def __call__(self, inputs):
        with self._lock:
            self.calls += 1
            odd = self.calls % 2
        drawn = np.full((64, 64, 3), 100 + 5 * odd, np.uint8)
        drawn[32:] = 105 - 5 * odd
        return drawn


def middle_levels(made, disc):
    return [int(frame.result.image[round(disc.y) + 8, round(disc.x), 1]) for frame in made]


def test_a_track_settles_by_the_frame_before(make):
    made = anonymized(make(model=Flickering()), [draw(Disc(80))] * 24)
    levels = middle_levels(made, Disc(80))
    assert np.abs(np.diff(levels)).max() <= 3
    assert len(set(levels)) > 1


def plain(level):
    """A small portrait of one level."""
    inputs = GeneratorInput.portrait(4, np.zeros((478, 3)), 1)
    return DrawnFace(inputs, np.full((4, 4, 3), level, np.uint8))


def test_a_cut_starts_anew():
    """Links go from a frame to the next one of the same track, and no further."""
    chains = Chains()
    first, second, third = (chains.links(tracks) for tracks in ((0, 1), (1, 2), (0, 1)))
    for number, link in ((0, first[0]), (1, first[1]), (2, second[2]), (3, third[0])):
        drawn = plain(50 + 3 * number)
        assert np.array_equal(link.smooth(drawn).crop, drawn.crop)  # there was none before
    assert second[1].smooth(plain(56)).crop.max() < 56


def test_a_frame_whose_face_was_covered_is_not_waited_for():
    chains = Chains()
    first, second = chains.links([0]), chains.links([0])
    first[0].close()
    smooth = within(5, lambda: second[0].smooth(plain(56)))
    assert np.array_equal(smooth.crop, plain(56).crop)


def test_what_was_drawn_is_let_go_of():
    """Memory does not grow with a video: a link keeps no more than the one before, until drawn."""
    chains = Chains()
    earlier = []
    for level in range(20):
        (link,) = chains.links([0]).values()
        link.smooth(plain(50 + level))
        earlier.append(weakref.ref(link))
    del link
    gc.collect()
    assert [each() is None for each in earlier] == [True] * 19 + [False]
    chains.links([1])
    gc.collect()
    assert earlier[-1]() is None


def test_smoothing_that_fails_leaves_a_cover(make):
    class Broken(Link):
        def smooth(self, drawn):
            raise ValueError("no tone")

    anonymizer, image = make(), draw(Disc(80))
    located = located_in(anonymizer, image, 7, "n")
    result = redraw(anonymizer, image, located, [Broken(None)], 7)
    assert [face.outcome for face in result.faces] == ["filled: ValueError: no tone"]
    assert covered_share(box_of(Disc(80).landmarks_px), result.composite_mask) == 1


def test_donors_of_a_track_last(make):
    """They are chosen in the first frame that is drawn, whatever is covered before and later."""
    chains, asked = Chains(), []

    def choose(number):
        asked.append(number)
        return DonorPair(number, number + 1)

    found = []
    for number in range(6):
        (link,) = chains.links([0]).values()
        if number in (0, 3):  # covered: nobody is drawn
            link.close()
        else:
            found.append(link.donors(lambda number=number: choose(number)))
            link.smooth(plain(50))
    assert asked == [1]
    assert found == [DonorPair(1, 2)] * 4
    (other,) = chains.links([1]).values()
    assert other.donors(lambda: choose(9)) == DonorPair(9, 10)


def test_a_frame_waits_for_the_donors_of_the_one_before():
    chains = Chains()
    (first,) = chains.links([0]).values()
    (second,) = chains.links([0]).values()
    with ThreadPoolExecutor(1) as pool:
        later = pool.submit(second.donors, lambda: DonorPair(8, 9))
        assert first.donors(lambda: DonorPair(1, 2)) == DonorPair(1, 2)
        assert later.result(5) == DonorPair(1, 2)
