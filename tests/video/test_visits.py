"""Faces that come, go, jump and hide: in every frame in which one shows it is covered."""

import numpy as np
import pytest

from ganonymization.detect.base import moved
from ganonymization.types import Detection
from ganonymization.video.tracking import Tracker
from ganonymization.video.watching import TILE_PX, look_into, tiles

from .test_tracking import (
    BLUE,
    NO_LANDMARKS,
    Disc,
    DiscDetector,
    DiscLandmarker,
    covers,
    draw,
    is_at,
    tracked,
)

BESIDE = Disc(205, 80, 16, BLUE)  # somebody who stays, so that the detector looks now and then


def glance(image, windows, is_known):
    """Whether an unknown disc's middle lies in a window."""

    def is_in(disc, rows, columns):
        x, y = disc.centre_px
        return rows.start <= y < rows.stop and columns.start <= x < columns.stop

    new = [disc for disc in DiscDetector()(image) if not is_known(disc)]
    return any(is_in(disc, *window) for disc in new for window in windows)


def followed(clip, **options):
    return tracked(clip, **({"detect_every": 8, "look": DiscDetector()} | options))


def assert_covered(path, others=(), **options):
    """Each frame shows the path's disc, if any, before the others."""
    clip = [draw(*others, *([] if disc is None else [disc])) for disc in path]
    frames = followed(clip, **options)
    for i, (frame, disc) in enumerate(zip(frames, path, strict=True)):
        if disc is not None:
            number = covers(frame, disc)
            assert number is not None, i
            left, _, right, _ = frame.seen[number].box_xyxy
            assert right - left > 0.7 * disc.eyes_px, i
    return frames


@pytest.mark.parametrize("others", [(), (BESIDE,)], ids=["alone", "another stays"])
@pytest.mark.parametrize("length", range(1, 8))
@pytest.mark.parametrize("start", [9, 12, 15])
@pytest.mark.parametrize("glances", [{}, {"glance": glance}], ids=["looks", "glances"])
def test_who_comes_and_goes_between_two_looks_is_covered(length, start, others, glances):
    inside = range(start, start + length)
    path = [Disc(30 + 9 * (i - start)) if i in inside else None for i in range(30)]
    frames = assert_covered(path, others, **glances)
    assert not any(covers(frames[i], Disc(30)) == covers(frames[start], Disc(30))
                   for i in range(start - 4))  # fmt: skip


@pytest.mark.parametrize("level", [230, NO_LANDMARKS])
def test_who_is_there_for_one_frame_in_a_slow_video_is_covered(level):
    places = {3: 50, 12: 150, 21: 90, 30: 170}
    path = [Disc(places[i], level=level) if i in places else None for i in range(33)]
    assert_covered(path, everywhere=True)
    assert_covered(path)


@pytest.mark.parametrize("others", [(), (BESIDE,)], ids=["alone", "another stays"])
def test_who_is_there_for_three_frames_in_eight_is_covered(others):
    path = [Disc(60 + i) if i % 8 in (3, 4, 5) else None for i in range(64)]
    assert_covered(path, others)


def test_who_passes_behind_poles_is_covered_between_them():
    path = [Disc(20 + 12 * i) for i in range(17)]
    clip = [draw(disc) for disc in path]
    for image in clip:
        for left in range(50, 240, 60):
            image[:, left : left + 22] = 90
    whole = DiscDetector()
    frames = followed(clip)
    seen = 0
    for i, (frame, image) in enumerate(zip(frames, clip, strict=True)):
        for detection in whole(image):
            x, y = detection.centre_px
            boxes = [sighting.box_xyxy for sighting in frame.seen.values()]
            assert any(b[0] < x < b[2] and b[1] < y < b[3] for b in boxes), i
            seen += 1
    assert seen > 5


def test_a_shaken_face_is_covered():
    rng = np.random.default_rng(0)
    path = [Disc(120 + rng.uniform(-60, 60), 55 + rng.uniform(-15, 15)) for _ in range(40)]
    frames = assert_covered(path, (BESIDE,))
    assert all(frame.seen[covers(frame, disc)].landmarks_px is not None
               for frame, disc in zip(frames, path, strict=True))  # fmt: skip


@pytest.mark.parametrize("step", [25, 40, 70])
def test_a_face_that_runs_is_covered(step):
    run = [Disc(25 + step * i) for i in range(200 // step)]
    path = [*[None] * 11, *run, *[None] * 9, *run, *[None] * 3]
    assert_covered(path, (BESIDE,))


def test_a_gap_is_interpolated_and_not_held():
    """The cover lies on the line between where it was seen and where it is seen again."""
    path = [Disc(40 + 6 * i, level=NO_LANDMARKS) for i in range(20)]
    gone = range(9, 13)
    clip = [draw() if i in gone else draw(disc) for i, disc in enumerate(path)]
    frames = followed(clip)
    for i in gone:
        left, _, right, _ = frames[i].seen[0].box_xyxy
        assert abs((left + right) / 2 - path[i].x) < 3, i


def test_a_cover_grows_by_the_motion_that_was_seen():
    def cover_px(step):
        clip = [draw(Disc(40 + step * i)) if i < 9 else draw() for i in range(16)]
        left, _, right, _ = followed(clip, look_ahead=0)[12].seen[0].box_xyxy
        return right - left

    assert cover_px(0) < cover_px(3) < cover_px(8)
    assert cover_px(0) < 1.2 * 18 * 1.6


def test_a_lost_face_is_looked_for_in_every_frame_until_it_is_gone():
    detector = DiscDetector()
    tracked([draw(Disc(80)) if i < 5 else draw(BESIDE) for i in range(60)], detector,
            detect_every=8)  # fmt: skip
    looks = detector.calls
    detector = DiscDetector()
    tracked([draw(BESIDE)] * 60, detector, detect_every=8)
    assert looks - detector.calls == pytest.approx(12, abs=3)


def test_nothing_is_looked_at_again_where_nothing_changes():
    rng = np.random.default_rng(0)
    image = draw(BESIDE).astype(int)
    clip = [
        (image + rng.normal(0, 2, image.shape)).clip(0, 255).astype(np.uint8) for _ in range(33)
    ]
    detector = DiscDetector()
    tracked(clip, detector, detect_every=8)
    assert detector.calls == 5


def test_a_glance_at_what_moves_spares_looks_at_all_of_a_frame():
    def looks(**options):
        clip = [draw(BESIDE) for _ in range(33)]
        for i, image in enumerate(clip):
            image[20:50, 10 + 3 * i : 40 + 3 * i] = 150  # no face
        detector = DiscDetector()
        tracked(clip, detector, detect_every=8, **options)
        return detector.calls

    assert looks() > 12
    assert looks(glance=glance) == 5


def test_what_is_asked_at_a_glance_lies_around_what_has_changed():
    asked = []

    def remember(image, windows, is_known):
        asked.append(windows)
        return False

    clip = [draw(BESIDE) for _ in range(3)]
    clip[1][20:50, 30:60] = 150
    clip[2][20:50, 30:60] = 150  # looked at already
    tracked(clip, detect_every=8, glance=remember)
    (((rows, columns),),) = asked
    assert rows.start <= 8 and 62 <= rows.stop < 90
    assert columns.start <= 18 and 72 <= columns.stop < 100


def test_a_face_that_the_detector_sees_only_enlarged_is_found_again():
    """The whole frame shows nothing any more, the enlarged part does."""

    class OnlyInParts(DiscDetector):
        def __call__(self, image):
            return super().__call__(image) if image.shape[0] == image.shape[1] else []

    class FirstOnly(DiscDetector):
        def __call__(self, image):
            return super().__call__(image) if self.calls == 0 else []

    clip = [draw(Disc(60 + i if i < 9 else 92 + i)) for i in range(24)]  # it jumps
    frames = tracked(clip, FirstOnly(), detect_every=8, look=OnlyInParts())
    assert all(is_at(frame.seen[0], Disc(60 + i if i < 9 else 92 + i))
               for i, frame in enumerate(frames))  # fmt: skip


def test_detections_of_parts_are_in_pixels_of_the_frame():
    image = draw(Disc(200, 70))
    window = (slice(20, 120), slice(150, 240))
    (part,) = look_into(DiscDetector(), image, window)
    (whole,) = DiscDetector()(image)
    assert np.abs(np.array(part.box_xyxy) - whole.box_xyxy).max() < 0.01
    assert part.eyes_px == pytest.approx(np.array(whole.eyes_px), abs=0.01)
    assert look_into(DiscDetector(), image, (slice(0, 120), slice(0, 205))) == []  # cut
    assert moved(Detection((1, 2, 3, 4), 0.5, None, ((0, 0, 1, 1),)), 10, 20) == Detection(
        (11, 22, 13, 24), 0.5, None, ((10, 20, 11, 21),)
    )
    assert tiles((360, 640)) == []


@pytest.mark.parametrize("shape", [(720, 1280), (1080, 1920), (2160, 3840), (300, 2000)])
def test_tiles_hold_the_whole_frame_and_every_small_face(shape):
    windows = tiles(shape)
    seen = np.zeros(shape, int)
    for rows, columns in windows:
        assert rows.stop - rows.start <= TILE_PX and columns.stop - columns.start <= TILE_PX
        seen[rows, columns] += 1
    assert seen.min() >= 1
    for x in range(0, shape[1] - 100, 37):  # wherever a face of 100 px lies, one tile has all of it
        assert any(c.start <= x and x + 100 <= c.stop for _, c in windows)


def test_a_small_face_in_a_large_frame_is_found_by_a_tile_and_followed_back():
    clip = [draw(Disc(900, 400, 40), size_wh=(1280, 720)) for _ in range(3)]

    def in_tiles(image):
        return DiscDetector()(image) if max(image.shape) <= TILE_PX else []

    tracker = Tracker(lambda image, number: [], DiscLandmarker(), look=in_tiles)
    frames = []
    for i, image in enumerate(clip):
        frames += tracker.feed(image, i)
    frames += tracker.finish()
    assert all(covers(frame, Disc(900, 400, 40)) is not None for frame in frames)
