import numpy as np

from ganonymization.video.expression import Readings
from ganonymization.video.sightings import Sighting
from ganonymization.video.waiting import Frame

from .test_tracking import Disc, draw

CALM, CROSS = np.eye(7, dtype=np.float32)[[0, 3]]


def frames_of(count, seen=lambda number: True):
    points = Disc(50).landmarks_px
    return [
        Frame(draw(size_wh=(8, 8)), i, i, {0: Sighting.of(points, 0.9)} if seen(i) else {})
        for i in range(count)
    ]


def reader(expressions):
    """Reads what frame i shows; counts how often."""
    calls = []

    def read(image, points):
        calls.append(len(calls))
        return expressions[len(calls) - 1]

    return read, calls


def test_each_face_is_read_once_and_frames_around_count():
    frames = frames_of(7)
    read, calls = reader([CALM] * 3 + [CROSS] + [CALM] * 3)
    readings = Readings(read)
    for first in range(5):  # windows of three
        window = frames[first : first + 3]
        shares = readings.around(window, 1)[0]
        assert np.isclose(shares.sum(), 1)
        near = {1: 0.31, 2: 0.38, 3: 0.31}.get(first, 0.0)
        assert abs(shares[3] - near) < 0.01, first
    assert len(calls) == 7
    assert len(readings._known) == 3  # what has passed is forgotten


def test_who_is_not_seen_has_no_reading():
    frames = frames_of(3, lambda number: number != 1)
    readings = Readings(lambda image, points: CROSS)
    assert readings.around(frames, 1) == {}
    assert np.array_equal(readings.around(frames, 0)[0], CROSS)


def test_without_a_reader_nothing_is_known():
    assert Readings(lambda image, points: None).around(frames_of(3), 1) == {}
