"""Faces in these clips are discs; their colour tells one from another, its level who sees it."""

import sys
import threading
from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from ganonymization.errors import LandmarksError
from ganonymization.geometry import topology
from ganonymization.geometry.transforms import CROP_CENTRE_CANONICAL, CROP_SIDE_EYES
from ganonymization.types import Detection
from ganonymization.video.sightings import Motion, Sighting, follow, same_face
from ganonymization.video.tracking import LOOK_AHEAD, Tracker

from ..conftest import box_of, face_landmarks

SIZE_WH = (240, 120)
RED, GREEN, BLUE = 0, 1, 2
SEEN, UNDETECTED, NO_LANDMARKS = 230, 190, 150  # levels of a disc's colour
GROUND = 60
_DISC_EYES = 0.6  # radius
_MIDDLE_EYES = 0.33  # the disc's centre, below the eyes


@dataclass(frozen=True)
class Disc:
    """A face in a frame: its eyes' middle, and how it is drawn."""

    x: float
    y: float = 55.0
    eyes_px: float = 18.0
    colour: int = RED
    level: int = SEEN

    @property
    def landmarks_px(self):
        return face_landmarks((self.x, self.y), self.eyes_px)


def draw(*discs, ground=GROUND, size_wh=SIZE_WH):
    """A frame, (H, W, 3) uint8; later discs hide earlier ones."""
    width, height = size_wh
    y, x = np.mgrid[:height, :width]
    image = np.full((height, width, 3), float(ground))
    image += ((x // 8 + y // 8) % 2 * 8)[..., None]
    for disc in discs:
        gap = np.hypot(x - disc.x, y - disc.y - _MIDDLE_EYES * disc.eyes_px)
        share = np.clip(_DISC_EYES * disc.eyes_px - gap + 0.5, 0, 1)[..., None]
        colour = np.full(3, 20.0)
        colour[disc.colour] = disc.level
        image = share * colour + (1 - share) * image
    return image.round().astype(np.uint8)


def discs_in(image):
    """Whole discs in a frame or in a crop of one."""
    found = []
    planes = cv2.split(image)
    for colour in (RED, GREEN, BLUE):
        others = cv2.max(planes[colour - 1], planes[colour - 2])
        rows, columns = np.nonzero(cv2.subtract(planes[colour], others) >= 60)
        if len(rows) < 12:
            continue
        level = float(np.median(image[rows, columns, colour]))
        radius = np.sqrt(len(rows) / np.pi)
        extent = np.array([np.ptp(columns) + 1, np.ptp(rows) + 1])
        if np.abs(extent / 2 / radius - 1).max() > 0.25:  # partly hidden
            continue
        eyes_px = (radius + 0.5) / _DISC_EYES
        x, y = columns.mean(), rows.mean() - _MIDDLE_EYES * eyes_px
        kind = min((SEEN, UNDETECTED, NO_LANDMARKS), key=lambda k: abs(k - level))
        found.append(Disc(x, y, eyes_px, colour, kind))
    return found


class DiscDetector:
    """Sees whole discs that are not ``UNDETECTED``; remembers the frames that it was asked."""

    def __init__(self, options=None):
        self.calls = 0

    def __call__(self, image):
        self.calls += 1
        found = []
        for disc in discs_in(image):
            if disc.level != UNDETECTED:
                points = disc.landmarks_px
                eyes = tuple(tuple(points[i, :2]) for i in (468, 473))
                found.append(Detection(box_of(points), 0.9, eyes))
        return found


class DiscLandmarker:
    """Sees the disc nearest to the crop's centre; in what the generator draws, a usual face."""

    def __init__(self):
        self.calls = 0
        self._lock = threading.Lock()

    def __call__(self, crop):
        with self._lock:
            self.calls += 1
        size = crop.shape[0]
        middle = (size - 1) / 2
        if size == 64:
            face = topology.canonical_face().astype(float) - CROP_CENTRE_CANONICAL
            return face * (size / CROP_SIDE_EYES) + [middle, middle, 0]
        discs = [d for d in discs_in(crop) if d.level != NO_LANDMARKS]
        if not discs:
            raise LandmarksError("no landmarks found")
        return min(discs, key=lambda d: np.hypot(d.x - middle, d.y - middle)).landmarks_px


def tracked(clip, detector=None, landmarker=None, **options):
    """Every frame of a clip, in the order in which the tracker lets go of it."""
    detect, options = detector or DiscDetector(), {"detect_every": 4} | options
    tracker = Tracker(
        lambda image, number: detect(image), landmarker or DiscLandmarker(), **options
    )
    frames = []
    for i, image in enumerate(clip):
        frames += tracker.feed(image, i)
    return frames + tracker.finish()


def numbers(frames):
    return {number for frame in frames for number in frame.seen}


def covers(frame, disc):
    """Whether some box lies around the disc's middle, and which track's."""
    for number, sighting in frame.seen.items():
        left, top, right, bottom = sighting.box_xyxy
        if left < disc.x < right and top < disc.y + _MIDDLE_EYES * disc.eyes_px < bottom:
            return number
    return None


def is_at(sighting, disc):
    if sighting.landmarks_px is None:
        return False
    gap = np.abs(sighting.landmarks_px - disc.landmarks_px)[:, :2].max()
    return gap < 0.15 * disc.eyes_px


def test_the_fakes_see_what_is_drawn():
    image = draw(Disc(60), Disc(150.4, 40.7, 14, BLUE, NO_LANDMARKS), Disc(220, level=UNDETECTED))
    first, second = sorted(DiscDetector()(draw(Disc(60), Disc(150, colour=BLUE))),
                           key=lambda d: d.centre_px)  # fmt: skip
    assert np.abs(np.array(first.box_xyxy) - box_of(Disc(60).landmarks_px)).max() < 1.5
    assert np.abs(np.array(second.box_xyxy) - box_of(Disc(150).landmarks_px)).max() < 1.5
    (boxed,) = DiscDetector()(
        draw(Disc(150, level=NO_LANDMARKS), Disc(60, 50, 18, BLUE, UNDETECTED))
    )
    assert abs(boxed.centre_px[0] - 150) < 1
    assert {d.level for d in discs_in(image)} == {NO_LANDMARKS}  # two red ones are no disc
    assert discs_in(draw(Disc(60), Disc(66, colour=GREEN)))[0].colour == GREEN
    assert len(discs_in(draw(Disc(60), Disc(66, colour=GREEN)))) == 1


def test_a_moving_face_has_one_number_and_its_landmarks():
    path = [Disc(40 + 4 * i, 40 + i, 16 + 0.2 * i) for i in range(30)]
    frames = tracked([draw(disc) for disc in path])
    assert numbers(frames) == {0}
    for frame, disc in zip(frames, path, strict=True):
        assert is_at(frame.seen[0], disc)
        assert np.allclose(frame.seen[0].box_xyxy, box_of(frame.seen[0].landmarks_px))


@pytest.mark.parametrize("look_ahead", [0, 3, LOOK_AHEAD])
def test_frames_come_in_order_once_with_their_payload_and_in_time(look_ahead):
    tracker = Tracker(lambda image, number: DiscDetector()(image), DiscLandmarker(), look_ahead)
    images = [draw(Disc(60 + i)) for i in range(20)]
    payloads = [object() for _ in images]
    came = []
    for i, (image, payload) in enumerate(zip(images, payloads, strict=True)):
        came += tracker.feed(image, payload)
        assert len(came) == max(0, i + 1 - look_ahead)
    came += tracker.finish()
    assert [frame.payload for frame in came] == payloads
    assert all(f.image is image for f, image in zip(came, images, strict=True))
    assert tracker.finish() == []


def test_no_frames_give_none():
    assert tracked([]) == []


def test_frames_without_a_face_pass():
    frames = tracked([draw()] * 15)
    assert [frame.payload for frame in frames] == list(range(15))
    assert numbers(frames) == set()
    assert [frame.starts_shot for frame in frames] == [True] + [False] * 14


def test_a_face_detected_late_is_followed_back_to_where_it_came_in():
    path = {i: Disc(60 + 3 * i, level=UNDETECTED if i < 13 else SEEN) for i in range(5, 24)}
    frames = tracked([draw(path[i]) if i in path else draw() for i in range(24)])
    assert numbers(frames) == {0}
    assert [i for i, frame in enumerate(frames) if 0 in frame.seen and i >= 5] == list(path)
    for i, disc in path.items():
        assert is_at(frames[i].seen[0], disc)
    assert not frames[0].seen  # no cover is carried back without end


def test_a_face_is_followed_back_no_further_than_frames_wait():
    path = [Disc(60, level=UNDETECTED if i < 15 else SEEN) for i in range(20)]
    frames = tracked([draw(disc) for disc in path], look_ahead=6)
    with_face = [i for i, frame in enumerate(frames) if frame.seen]
    assert with_face == list(range(15 - 6, 20))


def test_a_face_without_landmarks_is_covered_before_it_was_detected():
    """It may have come in right after the detection before."""
    frames = tracked([draw(Disc(80, level=NO_LANDMARKS)) if i >= 5 else draw() for i in range(20)])
    assert all(covers(frames[i], Disc(80)) == 0 for i in range(5, 20))
    assert not frames[2].seen


@pytest.mark.parametrize("gone", [1, 2, 5])
@pytest.mark.parametrize("start", range(8, 12))  # detection falls on every fourth frame
def test_a_face_lost_for_some_frames_is_covered_in_all_and_keeps_its_number(gone, start):
    path = [Disc(50 + 2 * i) for i in range(30)]
    lost = range(start, start + gone)
    frames = tracked([draw() if i in lost else draw(disc) for i, disc in enumerate(path)])
    assert numbers(frames) == {0}
    for i, (frame, disc) in enumerate(zip(frames, path, strict=True)):
        assert covers(frame, disc) == 0, i
        left, top, right, bottom = frame.seen[0].box_xyxy
        if i in lost:
            assert frame.seen[0].landmarks_px is None
            whole = box_of(disc.landmarks_px)
            gap = np.abs(np.array([left, top, right, bottom]) - whole).max()
            assert gap < 0.5 * disc.eyes_px, i
        elif not start <= i < start + gone + 3:  # found again with the next detection
            assert is_at(frame.seen[0], disc), i


def test_a_face_that_comes_back_is_drawn_from_its_first_frame_on():
    """What a detection finds is followed back through the frames before it."""
    frames = tracked([draw() if i in (9, 10) else draw(Disc(80)) for i in range(20)])
    drawn = [i for i, f in enumerate(frames) if f.seen[0].landmarks_px is not None]
    assert drawn == [i for i in range(20) if i not in (9, 10)]


def test_a_frame_where_only_the_landmarks_fail_is_covered_by_the_detection():
    levels = [NO_LANDMARKS if i == 10 else SEEN for i in range(20)]
    frames = tracked([draw(Disc(80 + i, level=level)) for i, level in enumerate(levels)])
    assert numbers(frames) == {0}
    assert [i for i, f in enumerate(frames) if f.seen[0].landmarks_px is None] == [10]
    assert covers(frames[10], Disc(90)) == 0


def test_a_face_that_leaves_is_covered_for_some_frames_and_then_no_more():
    frames = tracked([draw(Disc(80)) if i < 10 else draw() for i in range(50)])
    covered = [i for i, frame in enumerate(frames) if frame.seen]
    assert covered == list(range(len(covered)))
    assert 10 + 9 <= len(covered) <= 10 + 13
    assert all(frames[i].seen[0].landmarks_px is None for i in range(10, len(covered)))


def test_a_face_that_is_gone_for_long_gets_a_new_number():
    frames = tracked([draw() if 10 <= i < 40 else draw(Disc(80)) for i in range(60)])
    assert set(frames[5].seen) == {0}
    assert not frames[25].seen
    assert set(frames[55].seen) == {1}


def test_a_face_that_is_followed_stays_although_the_detector_is_blind():
    frames = tracked([draw(Disc(80, level=SEEN if i == 0 else UNDETECTED)) for i in range(60)])
    assert [i for i, frame in enumerate(frames) if not frame.seen] == []


def test_a_face_that_the_detector_did_not_see_is_covered_when_it_is_lost():
    disc = [Disc(80, level=SEEN if i < 1 else UNDETECTED) for i in range(13)]
    frames = tracked([draw(disc[i]) if i < 13 else draw() for i in range(40)])
    assert all(frames[i].seen for i in range(13, 20))


def test_two_faces_whose_boxes_overlap_both_stay(monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "_DISC_EYES", 0.45)
    pair = (Disc(100, 40), Disc(100, 57, colour=BLUE))
    for frame in tracked([draw(*pair)] * 40):
        for disc in pair:
            assert any(is_at(sighting, disc) for sighting in frame.seen.values())


def test_no_two_tracks_draw_one_face():
    paths = [
        (Disc(50 + 5 * i, 50, colour=RED), Disc(190 - 5 * i, 52, colour=BLUE)) for i in range(29)
    ]
    for frame in tracked([draw(*pair) for pair in paths]):
        drawn = [s.landmarks_px for s in frame.seen.values() if s.landmarks_px is not None]
        for i, points in enumerate(drawn):
            assert all(np.abs(points - other).max() > 3 for other in drawn[:i])


BRIGHT = 200


def test_a_cut_ends_tracks_and_nothing_is_carried_on():
    frames = tracked([draw(Disc(80)) if i < 10 else draw(ground=BRIGHT) for i in range(25)])
    assert [i for i, f in enumerate(frames) if f.starts_shot] == [0, 10]
    assert [i for i, f in enumerate(frames) if f.seen] == list(range(10))


def test_nothing_is_carried_back_over_a_cut():
    """Not even where the shot before has a disc in the same place that only landmarks show."""
    hidden = Disc(80, level=UNDETECTED)
    clip = [draw(hidden)] * 10 + [draw(hidden, ground=BRIGHT)] * 3
    clip += [draw(Disc(80), ground=BRIGHT)] * 10
    frames = tracked(clip)
    assert [i for i, f in enumerate(frames) if f.seen] == list(range(10, 23))
    assert all(f.seen[0].landmarks_px is not None for f in frames[10:])


def test_a_cover_is_not_carried_back_over_a_cut():
    clip = [draw()] * 10 + [draw(Disc(80, level=NO_LANDMARKS), ground=BRIGHT)] * 10
    frames = tracked(clip)
    assert [i for i, f in enumerate(frames) if f.seen] == list(range(10, 20))


def test_the_same_face_has_another_number_after_a_cut():
    clip = [draw(Disc(80))] * 10 + [draw(Disc(80), ground=BRIGHT)] * 10
    frames = tracked(clip)
    assert [set(f.seen) for f in frames] == [{0}] * 10 + [{1}] * 10


def test_a_face_is_detected_in_the_first_frame_of_every_shot():
    for start in (9, 10, 11):
        clip = [draw()] * start + [draw(Disc(80), ground=BRIGHT)]
        assert set(tracked(clip, look_ahead=0)[start].seen) == {0}


def test_crossing_faces_keep_their_numbers():
    """They pass each other so near that their boxes overlap."""
    paths = [
        (Disc(50 + 5 * i, 38, colour=RED), Disc(190 - 5 * i, 64, colour=BLUE)) for i in range(29)
    ]
    frames = tracked([draw(*pair) for pair in paths])
    first = {covers(frames[0], disc): disc.colour for disc in paths[0]}
    assert set(first) == {0, 1}
    for i, (frame, pair) in enumerate(zip(frames, paths, strict=True)):
        for disc in pair:
            (number,) = (n for n, colour in first.items() if colour == disc.colour)
            assert is_at(frame.seen[number], disc), i
    assert numbers(frames) == {0, 1}


def test_a_box_without_landmarks_is_covered_between_detections():
    path = [Disc(50 + 2 * i, level=NO_LANDMARKS) for i in range(33)]
    frames = tracked([draw(disc) for disc in path])
    assert numbers(frames) == {0}
    for i, (frame, disc) in enumerate(zip(frames, path, strict=True)):
        assert frame.seen[0].landmarks_px is None
        gap = np.abs(np.array(frame.seen[0].box_xyxy) - box_of(disc.landmarks_px)).max()
        assert gap < 3, i  # told from the boxes before and after


@pytest.mark.parametrize("every", [1, 4, 7])
def test_detection_is_asked_every_so_many_frames_when_all_is_well(every):
    detector = DiscDetector()
    tracked([draw(Disc(40 + 2 * i)) for i in range(29)], detector, detect_every=every)
    assert detector.calls == -(-29 // every)


def test_a_face_without_landmarks_is_detected_in_every_frame():
    """Between detections nothing would tell where it goes."""
    detector = DiscDetector()
    tracked([draw(Disc(80, level=NO_LANDMARKS))] * 33, detector)
    assert detector.calls == 33


def test_a_lost_face_is_looked_for_at_once():
    """In frame 9 it jumps: the frame of the loss itself must show it where it is."""
    path = [Disc(60 if i < 9 else 90) for i in range(20)]
    frames = tracked([draw(disc) for disc in path])
    for i, (frame, disc) in enumerate(zip(frames, path, strict=True)):
        assert covers(frame, disc) is not None, i
    detector = DiscDetector()
    tracked([draw(disc) for disc in path], detector)
    assert detector.calls == 5 + 1


def test_a_face_that_is_confirmed_now_and_then_stays():
    """Three detections in four fail."""
    clip = [draw(Disc(80, level=SEEN if i % 16 == 0 else UNDETECTED)) for i in range(70)]
    frames = tracked(clip)
    assert [set(frame.seen) for frame in frames] == [{0}] * 70


def test_a_face_that_comes_back_under_a_new_number_has_one_cover_a_frame():
    """It is not carried back into frames where its old track covers it."""
    frames = tracked([draw() if 10 <= i < 23 else draw(Disc(80)) for i in range(33)])
    assert [len(frame.seen) for frame in frames] == [1] * 33
    assert set(frames[9].seen) == {0}
    assert set(frames[23].seen) == {1}


class Raises:
    def __call__(self, image):
        raise RuntimeError("out of memory")


@pytest.mark.parametrize("stage", [{"detector": Raises()}, {"landmarker": Raises()}])
def test_what_a_stage_raises_is_told(stage):
    with pytest.raises(RuntimeError, match="out of memory"):
        tracked([draw(Disc(80))] * 3, **stage)


def test_a_jump_is_not_followed():
    points = Disc(80).landmarks_px
    near, far = draw(Disc(88)), draw(Disc(80 + 0.9 * 18))
    found = follow(near, points, Motion.none(), DiscLandmarker())
    assert np.abs(found - Disc(88).landmarks_px)[:, :2].max() < 2
    assert follow(far, points, Motion.none(), DiscLandmarker()) is None
    assert follow(far, points, Motion(np.array([0.6 * 18, 0])), DiscLandmarker()) is not None


@pytest.mark.parametrize(
    ("ratio", "followed"), [(1.15, True), (0.87, True), (1.4, False), (0.7, False)]
)
def test_a_face_of_another_size_is_not_followed(ratio, followed):
    image = draw(Disc(80, eyes_px=18 * ratio))
    found = follow(image, Disc(80).landmarks_px, Motion.none(), DiscLandmarker())
    assert (found is not None) == followed


def test_points_that_are_no_face_are_not_followed():
    class Folded:
        def __call__(self, crop):
            return np.random.default_rng(0).uniform(60, 200, (478, 3))

    assert follow(draw(Disc(80)), Disc(80).landmarks_px, Motion.none(), Folded()) is None


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ((0, 0, 10, 10), True),
        ((4, 0, 14, 10), True),  # a third in common
        ((7, 0, 17, 10), False),
        ((3, 3, 7, 7), True),  # a small one in the middle
        ((0, 0, 3, 3), False),  # a small one in a corner
        ((20, 0, 30, 10), False),
        ((10, 0, 20, 10), False),
    ],
)
def test_boxes_of_one_face(other, same):
    assert same_face((0, 0, 10, 10), other) == same
    assert same_face(other, (0, 0, 10, 10)) == same


def test_a_sighting_has_the_box_of_its_landmarks():
    sighting = Sighting.of(Disc(80).landmarks_px, 0.7)
    assert sighting.box_xyxy == box_of(Disc(80).landmarks_px)
    assert sighting.score == 0.7
